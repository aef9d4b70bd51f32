//! Signals, and `/proc`.

use std::fs;
use std::path::Path;

use super::MARK;

/// What may happen to a sidecar from outside and is no kill.
pub(crate) const ASKS: &[&str] = &["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];
/// What ends its first process, or all of them.
pub(crate) const KILLS: [&str; 2] = ["SIGKILL", "SIGKILL to the group"];
/// What suspends it, and is followed by a kill, or by its continuation and a stop.
pub(crate) const SUSPENDS: [&str; 2] = ["SIGSTOP, then stop", "SIGSTOP, SIGCONT, then stop"];

/// Does one of [`ASKS`] to the process that the host holds.
pub(crate) fn ask(pid: u32, action: &str) {
    let signal = match action {
        "SIGTERM" => libc::SIGTERM,
        "SIGINT" => libc::SIGINT,
        "SIGHUP" => libc::SIGHUP,
        _ => libc::SIGQUIT,
    };
    send(pid.cast_signed(), signal);
}

/// Ends the process that the host holds, or all of its group.
pub(crate) fn kill(pid: u32, all: bool, _mark: &str) {
    let pid = pid.cast_signed();
    send(if all { -pid } else { pid }, libc::SIGKILL);
}

/// Suspends the process that the host holds.
pub(crate) fn suspend(pid: u32) {
    send(pid.cast_signed(), libc::SIGSTOP);
}

/// Lets it go on.
pub(crate) fn resume(pid: u32) {
    send(pid.cast_signed(), libc::SIGCONT);
}

fn send(pid: i32, signal: i32) {
    // SAFETY: kill takes no pointers. The child is not reaped while the state says that it runs, so
    // its id is not another's.
    unsafe { libc::kill(pid, signal) };
}

/// A child that has ended stays as a zombie until the state says that it is over.
pub(crate) fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Living processes that carry the mark.
pub(crate) fn carriers(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            // A zombie has no environment any more.
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == wanted.as_bytes())
            })
        })
        .collect()
}
