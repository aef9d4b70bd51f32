//! The sidecar as the application has it: made from its configuration, watched, and ended.

mod launching;
mod picture;
mod report;
mod setup;
mod sink;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sidecar_supervisor::{Console, Stream, Supervisor};

use self::launching::supervise;
pub use self::launching::sweep_only;
pub use self::picture::View;
use self::picture::{Picture, Shared};
pub use self::report::ShownReport;
pub use self::setup::Setup;
use self::sink::Sink;
use crate::config::SidecarConfig;
use crate::health::Health;
use crate::journal::Recorder;

/// A reader of this process's output that does not read is waited for so long, at the end.
const PRINT_BOUND: Duration = Duration::from_millis(200);

/// The sidecar, its log, and whoever wants to know.
pub struct Host {
    shared: Arc<Shared>,
    config_path: PathBuf,
    config: Result<SidecarConfig, String>,
    program: Option<PathBuf>,
    supervisor: Option<Supervisor>,
    console: Console,
}

impl Host {
    /// Reads the configuration and makes a supervisor for it. A configuration that cannot be used
    /// is shown in the window, like any other failure.
    #[must_use]
    pub fn new(mut setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            picture: Mutex::new(Picture {
                recorder: setup.recorder.take(),
                ..Picture::default()
            }),
            changed: Condvar::new(),
        });
        let mut config = SidecarConfig::read(&setup.config_path);
        let mut program = None;
        let mut supervisor = None;
        let printer = setup.console.printer();
        if let Ok(read) = &config {
            let sink = Sink {
                shared: Arc::clone(&shared),
                printer: printer.clone(),
                follow: setup.follow,
                tell_ready: setup.follow && !read.says_ready_on_stdout(),
            };
            match supervise(read, &setup, sink) {
                Ok((path, started)) => {
                    program = Some(path);
                    supervisor = Some(started);
                }
                Err(error) => config = Err(error),
            }
        }
        if let Err(error) = &config {
            printer.print(Stream::Stderr, format!("sidecar-host: {error}"));
        }
        Self {
            shared,
            config_path: setup.config_path,
            config,
            program,
            supervisor,
            console: setup.console,
        }
    }

    /// Where the launch configuration was looked for.
    #[must_use]
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// The launch configuration, or why there is none.
    ///
    /// # Errors
    /// The text that the window shows.
    pub fn config(&self) -> Result<&SidecarConfig, &String> {
        self.config.as_ref()
    }

    /// Where the sidecar's program is.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The supervisor, unless the configuration cannot be used.
    #[must_use]
    pub fn supervisor(&self) -> Option<&Supervisor> {
        self.supervisor.as_ref()
    }

    /// What the window shows, with the log from line number `since`.
    #[must_use]
    pub fn view(&self, since: u64) -> View {
        let picture = self.shared.lock();
        View {
            revision: picture.revision,
            now_ms: self.supervisor.as_ref().map_or(0.0, Supervisor::now_ms),
            host_version: env!("CARGO_PKG_VERSION"),
            config: self.config.as_ref().ok().cloned(),
            config_error: self.config.as_ref().err().cloned(),
            program: self.program.clone(),
            sidecar: self.supervisor.as_ref().map(Supervisor::snapshot),
            health: picture.health.clone(),
            log: picture
                .log
                .iter()
                .filter(|line| line.number >= since)
                .cloned()
                .collect(),
            next_line: picture.next_line,
        }
    }

    /// Calls `notify` after changes, bundled, until it says that nobody listens any more.
    pub fn watch(&self, mut notify: impl FnMut(u64) -> bool + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        // The thread ends with its listener, with the host, or with the process.
        thread::spawn(move || {
            let mut known = None;
            loop {
                let picture = shared
                    .changed
                    .wait_while(shared.lock(), |picture| {
                        known == Some(picture.revision) && !picture.closed
                    })
                    .unwrap_or_else(PoisonError::into_inner);
                if picture.closed {
                    return;
                }
                drop(picture);
                let revision = shared.bundle();
                known = Some(revision);
                if !notify(revision) {
                    return;
                }
            }
        });
    }

    /// Notes that the page has loaded and asks for the picture.
    pub fn page_asked(&self) {
        self.shared.touch(|picture| picture.page_asked = true);
    }

    /// Waits until the page has asked for the picture; false when it did not within `patience`.
    #[must_use]
    pub fn wait_for_page(&self, patience: Duration) -> bool {
        let (picture, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), patience, |picture| !picture.page_asked)
            .unwrap_or_else(PoisonError::into_inner);
        picture.page_asked
    }

    /// Writes down what was asked of the host, for the journal.
    pub fn note(&self, what: &str) {
        let at_ms = self.supervisor.as_ref().map_or(0.0, Supervisor::now_ms);
        if let Some(recorder) = &mut self.shared.lock().recorder {
            recorder.note(what, at_ms);
        }
    }

    /// The health answer that is known, for the journal.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        self.shared.lock().health.clone()
    }

    /// Ends the sidecar for good and waits for that, with a bound. True when it had been ready and
    /// nothing of it is left.
    pub fn shutdown(&self) -> bool {
        let mut well = false;
        if let Some(supervisor) = &self.supervisor {
            let last = supervisor.shutdown();
            let printer = self.console.printer();
            for survivor in last.cleanup.iter().flat_map(|cleanup| &cleanup.survivors) {
                let text = format!(
                    "sidecar-host: process {} of the sidecar could not be ended: {}",
                    survivor.pid, survivor.cmdline
                );
                printer.print(Stream::Stderr, text);
            }
            well = last.ready_ms.is_some()
                && last.cleanup.is_some_and(|cleanup| {
                    cleanup.survivors.is_empty() && cleanup.temp_error.is_none()
                });
        }
        self.console.flush(PRINT_BOUND);
        let mut picture = self.shared.lock();
        picture.closed = true;
        self.shared.changed.notify_all();
        well
    }

    /// Takes the recorder out, when everything is over.
    #[must_use]
    pub fn take_recorder(&self) -> Option<Recorder> {
        self.shared.lock().recorder.take()
    }
}
