//! Scenarios that are run in the real application, window and all.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sidecar_supervisor::{Snapshot, State, Supervisor};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_sidecar_supervisor::Result as Asked;

use crate::host::Host;
use crate::scenario::{Scenario, SelfTest};

/// On top of the launch's own deadlines; only a defect of the host itself would reach it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the scenario in a thread of its own and ends the application afterwards.
pub fn start(app: AppHandle, host: Arc<Host>, test: SelfTest) {
    thread::spawn(move || {
        let Some(supervisor) = host.supervisor() else {
            // There is no usable configuration, and the journal says so.
            app.exit(0);
            return;
        };
        // The time to READY is the sidecar's, not that of a window which is being made meanwhile.
        let page = if host.wait_for_page(PATIENCE) {
            "page_loaded"
        } else {
            "page_did_not_load"
        };
        host.note(page);
        let run = Run {
            host: &host,
            supervisor,
            hold: Duration::from_millis(test.hold_ms),
        };
        match test.scenario {
            Scenario::Ready => run.ready(),
            Scenario::Failure => run.failure(),
            Scenario::Restart => run.restart(),
            Scenario::Recover => run.recover(),
            Scenario::Cycles => (0..test.cycles).for_each(|number| {
                if number > 0 {
                    // The window draws the end of the last launch now, not during the next one.
                    thread::sleep(run.hold);
                }
                run.ready();
            }),
            Scenario::Shutdown => {
                run.launch();
                thread::sleep(run.hold);
                host.note("close_window");
                if let Some(window) = app.get_webview_window("main")
                    && window.close().is_ok()
                {
                    return;
                }
            }
            Scenario::Serve => {
                run.launch();
                return;
            }
        }
        app.exit(0);
    });
}

struct Run<'a> {
    host: &'a Host,
    supervisor: &'a Supervisor,
    hold: Duration,
}

impl Run<'_> {
    /// Launches and waits for READY or the end.
    fn launch(&self) -> Snapshot {
        let before = self.supervisor.snapshot().launch;
        self.host.note("start");
        self.start_or_say(Host::start);
        self.wait(|now| {
            now.launch > before && (now.state == State::Ready || now.state.is_at_rest())
        })
    }

    fn start_or_say(&self, start: fn(&Host) -> Asked<()>) {
        if let Err(error) = start(self.host) {
            self.host.note(&error.to_string());
        }
    }

    fn stop(&self) {
        self.host.note("stop");
        self.supervisor.stop();
        self.wait(|now| now.state.is_at_rest());
    }

    fn ready(&self) {
        if self.launch().state == State::Ready {
            thread::sleep(self.hold);
        }
        self.stop();
    }

    fn failure(&self) {
        if self.launch().state == State::Ready {
            // It may still fail: die, or say READY again.
            let _ = self
                .supervisor
                .wait_for(self.hold, |now| now.state != State::Ready);
        }
        self.wait(|now| now.state == State::Ready || now.state.is_at_rest());
        self.stop();
    }

    fn restart(&self) {
        let first = self.launch().launch;
        thread::sleep(self.hold);
        self.host.note("restart");
        self.start_or_say(Host::restart);
        self.wait(|now| {
            now.launch > first && (now.state == State::Ready || now.state.is_at_rest())
        });
        thread::sleep(self.hold);
        self.stop();
    }

    fn recover(&self) {
        let first = self.launch();
        thread::sleep(self.hold);
        self.host.note("kill_sidecar");
        kill(first.pid);
        self.wait(|now| {
            (now.launch > first.launch && now.state == State::Ready)
                || now.recovery.left_because.is_some()
        });
        thread::sleep(self.hold);
        self.stop();
    }

    fn wait(&self, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let ready = self
            .host
            .config()
            .map_or(Duration::ZERO, |config| config.ready_timeout());
        match self.supervisor.wait_for(ready + PATIENCE, wanted) {
            Ok(snapshot) => snapshot,
            Err(snapshot) => {
                self.host.note("gave_up_waiting");
                *snapshot
            }
        }
    }
}

#[cfg(unix)]
fn kill(pid: Option<u32>) {
    if let Some(pid) = pid {
        // The supervisor reaps only after it has seen the end, so the id is still the sidecar's.
        // SAFETY: plain integers.
        unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
    }
}

#[cfg(not(unix))]
fn kill(_pid: Option<u32>) {
    eprintln!("sidecar-host: the scenario `recover` needs a Unix system");
}
