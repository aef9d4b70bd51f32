//! A signal to the host ends it like closing its window; a second one kills the sidecar at once.
//!
//! Ctrl-C on a terminal goes to the whole process group, so to WebKit's helper processes as well.
//! One that ends by it while it starts makes WebKit abort the host, before the host has stopped
//! anything. The signals are therefore held back before GTK starts: every thread and every helper
//! inherits that, and one thread takes them. A sidecar starts with nothing held back: the
//! supervisor empties its mask.

use std::sync::Arc;

use tauri::AppHandle;

use crate::host::Host;

#[cfg(unix)]
const ENDING: [i32; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

/// Hold the signals back until [`watch`] takes them. To be called before any thread is started.
#[cfg(unix)]
pub(crate) fn hold_back() {
    change_mask(libc::SIG_BLOCK);
}

/// Take them, from now on and what came meanwhile, in a thread of its own.
#[cfg(unix)]
pub(crate) fn watch(app: &AppHandle, host: &Arc<Host>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(ENDING)?;
    let (app, host) = (app.clone(), Arc::clone(host));
    std::thread::spawn(move || {
        change_mask(libc::SIG_UNBLOCK);
        for (count, signal) in signals.forever().enumerate() {
            host.note(&format!("signal_{signal}"));
            if count == 0 {
                app.exit(0);
            } else if let Some(supervisor) = host.supervisor() {
                supervisor.kill();
            }
        }
    });
    Ok(())
}

#[cfg(unix)]
fn change_mask(how: i32) {
    // SAFETY: an all-zero sigset_t is storage for sigemptyset, which makes it valid; the calls
    // read and write that local alone, and the signals are constants of the system.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in ENDING {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut());
    }
}

/// Nothing to hold back.
#[cfg(not(unix))]
pub(crate) fn hold_back() {}

/// Nothing to take: the sidecar is in a job that ends with this process.
#[cfg(not(unix))]
pub(crate) fn watch(_app: &AppHandle, _host: &Arc<Host>) -> std::io::Result<()> {
    Ok(())
}
