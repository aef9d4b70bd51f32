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
use tauri::{AppHandle, Manager as _};
use tauri_plugin_sidecar_supervisor::{HealthAnswer, Result as Asked, Sidecars};

pub use self::launching::sweep_only;
use self::launching::{NAME, supervise};
pub use self::picture::View;
use self::picture::{Picture, Shared};
pub use self::report::ShownReport;
pub use self::setup::Setup;
use self::sink::Sink;
use crate::config::SidecarConfig;
use crate::journal::Recorder;

/// A reader of this process's output that does not read is waited for so long, at the end.
const PRINT_BOUND: Duration = Duration::from_millis(200);

/// The sidecar, and whoever wants to know.
pub struct Host {
    app: AppHandle,
    shared: Arc<Shared>,
    config_path: PathBuf,
    config: Result<SidecarConfig, String>,
    program: Option<PathBuf>,
    console: Console,
}

impl Host {
    /// Reads the configuration and has the plugin supervise its sidecar. A configuration that cannot
    /// be used is shown in the window, like any other failure.
    #[must_use]
    pub fn new(app: &AppHandle, mut setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            picture: Mutex::new(Picture {
                recorder: setup.recorder.take(),
                ..Picture::default()
            }),
            changed: Condvar::new(),
        });
        let printer = setup.console.printer();
        let read = SidecarConfig::read(&setup.config_path);
        let config = read.and_then(|config| {
            let sink = Sink {
                shared: Arc::clone(&shared),
                printer: printer.clone(),
                follow: setup.follow,
                tell_ready: setup.follow && !config.says_ready_on_stdout(),
            };
            supervise(app, &config, &setup, sink)?;
            Ok(config)
        });
        if let Err(error) = &config {
            printer.print(Stream::Stderr, format!("sidecar-host: {error}"));
        }
        let mut host = Self {
            app: app.clone(),
            shared,
            config_path: setup.config_path,
            config,
            program: None,
            console: setup.console,
        };
        let known = host.sidecars().map(|sidecars| sidecars.diagnostics(NAME));
        host.program = known.and_then(Asked::ok).map(|known| known.program);
        host
    }

    /// The plugin's, unless the configuration cannot be used.
    fn sidecars(&self) -> Option<&Sidecars> {
        Some(self.app.try_state::<Sidecars>()?.inner())
    }

    /// Starts the sidecar, unless it runs.
    ///
    /// # Errors
    /// When the plugin refuses it.
    pub fn start(&self) -> Asked<()> {
        self.sidecars().map_or(Ok(()), |all| all.start(NAME))
    }

    /// Stops the sidecar if it runs, and starts it.
    ///
    /// # Errors
    /// When the plugin refuses it.
    pub fn restart(&self) -> Asked<()> {
        self.sidecars().map_or(Ok(()), |all| all.restart(NAME))
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
        self.sidecars()?.supervisor(NAME).ok()
    }

    /// What the window shows, with the log from line number `since`.
    #[must_use]
    pub fn view(&self, since: u64) -> View {
        // Before what it counts: a change meanwhile is told of again, and none is lost.
        let revision = self.shared.lock().revision;
        let lines = self.sidecars().map(|all| all.lines(NAME, since));
        let log = lines.and_then(Asked::ok).unwrap_or_default();
        View {
            revision,
            now_ms: self.supervisor().map_or(0.0, Supervisor::now_ms),
            host_version: env!("CARGO_PKG_VERSION"),
            config: self.config.as_ref().ok().cloned(),
            config_error: self.config.as_ref().err().cloned(),
            program: self.program.clone(),
            sidecar: self.supervisor().map(Supervisor::snapshot),
            health: self.health(),
            next_line: log.last().map_or(since, |line| line.number + 1),
            log,
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
        let at_ms = self.supervisor().map_or(0.0, Supervisor::now_ms);
        if let Some(recorder) = &mut self.shared.lock().recorder {
            recorder.note(what, at_ms);
        }
    }

    /// The health answer that is known.
    #[must_use]
    pub fn health(&self) -> Option<HealthAnswer> {
        self.sidecars()?.status(NAME).ok()?.health
    }

    /// Closes the picture, once the plugin has ended the sidecar. True when it had been ready and
    /// nothing of it is left.
    pub fn ended(&self) -> bool {
        let last = self.supervisor().map(Supervisor::snapshot);
        let well = last.is_some_and(|last| {
            last.ready_ms.is_some()
                && last.cleanup.is_some_and(|cleanup| {
                    cleanup.survivors.is_empty() && cleanup.temp_error.is_none()
                })
        });
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
