//! The sidecars of an application on a desktop.

mod gate;
mod health;
mod hub;
mod resolve;
mod sidecar;
#[cfg(feature = "watch")]
mod sources;
mod told;
mod update;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sidecar_supervisor::support::{Bundle, Redactor};
use sidecar_supervisor::{Snapshot, State, Supervisor, TempSpec};
use tauri::ipc::Channel;
use tauri::{AppHandle, Emitter as _, Manager as _, Resource, Runtime};

use self::gate::Gate;
use self::hub::Hub;
use self::resolve::Places;
use self::sidecar::{Sidecar, say};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::models::{Access, Diagnostics, Line, LogBatch, Prepared, Status};
use crate::{Builder, CHANGED_EVENT};

/// The lines that a diagnosis has.
const DIAGNOSIS_LINES: usize = 200;
/// A command reaches the supervising thread sooner; only a machine that stands still needs longer.
const TAKEN_WITHIN: Duration = Duration::from_secs(2);

/// The sidecars of the application.
pub struct Sidecars {
    life: Life,
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    /// Names and versions, for a report.
    versions: Vec<(String, String)>,
}

/// What ends with the application.
#[derive(Clone)]
struct Life(Arc<BTreeMap<String, Sidecar>>, Arc<Hub>);

/// Tauri drops what is in this table before it starts the application anew, which it does without an
/// event where the main thread asks for it (`AppHandle::restart`).
struct AtCleanup(Life);

impl Resource for AtCleanup {}

impl Drop for AtCleanup {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

impl Sidecars {
    pub(crate) fn new<R: Runtime>(
        app: &AppHandle<R>,
        config: Option<Config>,
        wanted: Builder,
    ) -> Result<Self> {
        let given = wanted.config.is_some();
        let Some(config) = wanted.config.or(config) else {
            return Err(Error::Config {
                at: "plugins.sidecar-supervisor in tauri.conf.json".to_owned(),
                why: "is missing; it needs at least \
                      {\"sidecars\": {\"NAME\": {\"program\": \"binaries/NAME\"}}}"
                    .to_owned(),
            });
        };
        let places = places(app, wanted.dev.unwrap_or_else(tauri::is_dev), given)?;
        let (hub, gate) = (Arc::new(Hub::default()), Arc::new(Gate::default()));
        let mut sidecars = BTreeMap::new();
        for (name, config) in config.sidecars {
            let observer = wanted.observer.clone();
            let sidecar = Sidecar::new(&name, &config, &places, &hub, &gate, observer)?;
            sidecars.insert(name, sidecar);
        }
        let (teller, emitter) = (Arc::clone(&hub), app.clone());
        thread::Builder::new()
            .name("sidecar-hub".to_owned())
            .spawn(move || {
                teller.run(|status| {
                    // Without a listener, or at the very end, there is nobody to be told.
                    let _ = emitter.emit(CHANGED_EVENT, status);
                });
            })
            .map_err(|error| Error::System {
                what: "The thread that tells of sidecars cannot be started".to_owned(),
                error: error.to_string(),
            })?;
        for sidecar in sidecars.values().filter(|sidecar| sidecar.autostart) {
            match sidecar.refuse_placeholder() {
                Ok(()) => sidecar.supervisor.start(),
                Err(error) => {
                    say(&error.to_string());
                    hub.refuse(&sidecar.name, &error);
                }
            }
        }
        let life = Life(Arc::new(sidecars), Arc::clone(&hub));
        app.resources_table().add(AtCleanup(life.clone()));
        let about = app.package_info();
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let versions = [
            (about.name.as_str(), about.version.to_string()),
            (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION").to_owned()),
            ("tauri", tauri::VERSION.to_owned()),
            ("system", system),
        ]
        .map(|(name, version)| (name.to_owned(), version))
        .to_vec();
        Ok(Self {
            life,
            hub,
            gate,
            versions,
        })
    }

    fn find(&self, name: &str) -> Result<&Sidecar> {
        self.life.0.get(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let names = self.names().collect::<Vec<_>>().join(", ");
        Error::UnknownSidecar {
            name: name.to_owned(),
            known: if names.is_empty() {
                "it is empty".to_owned()
            } else {
                format!("it has {names}")
            },
        }
    }

    /// The names in the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.life.0.keys().map(String::as_str)
    }

    /// Starts a sidecar, unless it runs; whether it becomes ready is told by its state.
    ///
    /// # Errors
    /// When there is no such sidecar, it was never built, or an update is being made.
    pub fn start(&self, name: &str) -> Result<()> {
        let sidecar = self.find(name)?;
        sidecar.refuse_placeholder()?;
        self.gate.pass(|| {
            let before = sidecar.supervisor.snapshot().launch;
            sidecar.supervisor.start();
            // So that nobody who waits from now on takes the end of the launch before for its own.
            taken(sidecar, |now| {
                now.launch > before || !now.state.is_at_rest()
            });
        })
    }

    /// Stops a sidecar and waits until nothing of it runs.
    ///
    /// # Errors
    /// When there is no such sidecar, or something of it could not be ended.
    pub fn stop(&self, name: &str) -> Result<Status> {
        self.find(name)?.stop()?;
        self.status(name)
    }

    /// Stops a sidecar if it runs, and starts it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&self, name: &str) -> Result<()> {
        let sidecar = self.find(name)?;
        sidecar.refuse_placeholder()?;
        self.gate.pass(|| {
            let before = sidecar.supervisor.snapshot().launch;
            sidecar.supervisor.restart();
            taken(sidecar, |now| {
                now.launch > before || now.state == State::Stopping
            });
        })
    }

    /// A sidecar's state.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn status(&self, name: &str) -> Result<Status> {
        self.status_at(name, &self.find(name)?.supervisor.snapshot())
    }

    fn status_at(&self, name: &str, now: &Snapshot) -> Result<Status> {
        let status = self.hub.status(name, now);
        status.ok_or_else(|| self.unknown(name))
    }

    /// Sends the state of each sidecar at once, and then every change, until `unwatch` with the
    /// number that is given, or until the page is gone.
    ///
    /// # Errors
    /// Never on a desktop.
    pub fn watch(&self, page: &str, channel: Channel<Status>) -> Result<u32> {
        Ok(self.hub.watch(page, channel))
    }

    /// Ends what `watch` or `logs` began.
    pub fn unwatch(&self, id: u32) {
        self.hub.unwatch(id);
    }

    /// How to talk to a sidecar that is ready.
    ///
    /// # Errors
    /// When there is no such sidecar, or it is not ready.
    pub fn access(&self, name: &str) -> Result<Access> {
        let sidecar = self.find(name)?;
        self.access_of(sidecar, &sidecar.supervisor.snapshot())
    }

    fn access_of(&self, sidecar: &Sidecar, now: &Snapshot) -> Result<Access> {
        let launched = now.launched.as_ref().filter(|_| now.state == State::Ready);
        let Some(launched) = launched else {
            return Err(Error::NotReady {
                name: sidecar.name.clone(),
                state: now.state.name().to_owned(),
            });
        };
        let said = self.hub.port(&sidecar.name, now.launch);
        let port = said.or(launched.free_port);
        Ok(Access {
            launch: now.launch,
            port,
            url: port.map(|port| format!("http://127.0.0.1:{port}")),
            token: launched
                .token
                .as_ref()
                .map(|token| token.secret().to_owned()),
        })
    }

    /// Waits until a sidecar is ready, and no longer than until it has failed for good.
    ///
    /// # Errors
    /// When there is no such sidecar, it was never built, or it is not ready in time.
    pub fn wait_ready(&self, name: &str, timeout: Duration) -> Result<Access> {
        let sidecar = self.find(name)?;
        if sidecar.supervisor.snapshot().launch == 0 {
            sidecar.refuse_placeholder()?;
        }
        let waited = sidecar.supervisor.wait_for(timeout, |now| {
            now.state == State::Ready || (now.failure.is_some() && now.rests_for_good())
        });
        self.access_of(sidecar, &waited.unwrap_or_else(|last| *last))
    }

    /// What supervises a sidecar: to look, to wait, to stop without waiting, to kill. Starting is a
    /// matter of [`Self::start`], which an update holds back.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn supervisor(&self, name: &str) -> Result<&Supervisor> {
        Ok(&self.find(name)?.supervisor)
    }

    /// The lines from number `since` on that are still known.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn lines(&self, name: &str, since: u64) -> Result<Vec<Line>> {
        self.find(name)?;
        Ok(self.hub.lines(name, since))
    }

    /// Sends the lines from number `since` on that are still known, and then every further one.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn logs(
        &self,
        page: &str,
        name: &str,
        since: u64,
        channel: Channel<LogBatch>,
    ) -> Result<u32> {
        self.find(name)?;
        Ok(self.hub.follow(page, name, since, channel))
    }

    /// Everything that helps to find out why a sidecar failed.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn diagnostics(&self, name: &str) -> Result<Diagnostics> {
        let sidecar = self.find(name)?;
        let now = sidecar.supervisor.snapshot();
        Ok(Diagnostics {
            status: self.status_at(name, &now)?,
            program: sidecar.program.clone(),
            args: now
                .launched
                .map_or_else(|| sidecar.args.clone(), |launched| launched.args),
            text: now.failure.map(|failure| failure.text),
            lines: self.last_lines(name),
        })
    }

    /// A text that a user can send: versions, configuration, what happened, processes and the last
    /// lines, without names, homes and whatever looks like a key. It is to be shown before it is
    /// saved or sent.
    ///
    /// # Errors
    /// When there is no such sidecar.
    pub fn report(&self, name: &str) -> Result<String> {
        let sidecar = self.find(name)?;
        let bundle = Bundle {
            versions: self.versions.clone(),
            configuration: sidecar.configuration.clone(),
            sidecar: Some(sidecar.supervisor.snapshot()),
            log: self
                .last_lines(name)
                .into_iter()
                .map(|line| line.text)
                .collect(),
        };
        Ok(bundle.text(&Redactor::of_this_machine()))
    }

    fn last_lines(&self, name: &str) -> Vec<Line> {
        let mut lines = self.hub.lines(name, 0);
        lines.split_off(lines.len().saturating_sub(DIAGNOSIS_LINES))
    }

    /// Ends all sidecars for an update: gives each with the proof that nothing of it runs and that
    /// its files can be replaced. Nothing is started any more, by anybody, before [`Self::resume`]
    /// or a new start of the application.
    ///
    /// # Errors
    /// When something could not be ended or somebody uses the files; all goes on as before then.
    pub fn prepare_update(&self) -> Result<Vec<Prepared>> {
        self.gate.close(|| self.running())?;
        update::prepare(&self.life.0, &self.gate).inspect_err(|_| {
            let _ = self.resume();
        })
    }

    /// Ends the state that [`Self::prepare_update`] made: what ran then is started again.
    ///
    /// # Errors
    /// Never on a desktop.
    pub fn resume(&self) -> Result<()> {
        for name in self.gate.open() {
            // An update may have replaced a program by a placeholder; its state will tell.
            let _ = self.start(&name);
        }
        Ok(())
    }

    fn running(&self) -> Vec<String> {
        self.life
            .0
            .values()
            .filter(|sidecar| !sidecar.supervisor.snapshot().rests_for_good())
            .map(|sidecar| sidecar.name.clone())
            .collect()
    }

    /// The callbacks of a page are gone.
    pub(crate) fn forget_page(&self, page: &str) {
        self.hub.forget_page(page);
    }

    /// Stops what ends with this window.
    pub(crate) fn window_closed(&self, label: &str) {
        self.hub.forget_page(label);
        for sidecar in self.life.0.values() {
            if sidecar.window.as_deref() == Some(label) {
                sidecar.supervisor.stop();
            }
        }
    }

    /// Ends all sidecars for good and waits for that.
    pub(crate) fn shutdown(&self) {
        self.life.shutdown();
    }
}

impl Life {
    /// Ends all for good, at once and not one after the other, and waits for that.
    fn shutdown(&self) {
        let Self(sidecars, hub) = self;
        let begun = Instant::now();
        for sidecar in sidecars.values() {
            sidecar.supervisor.stop();
        }
        for sidecar in sidecars.values() {
            let last = sidecar.supervisor.shutdown();
            for survivor in last.cleanup.iter().flat_map(|cleanup| &cleanup.survivors) {
                say(&format!(
                    "process {} of {} could not be ended within {:.1} s: {}",
                    survivor.pid,
                    sidecar.name,
                    begun.elapsed().as_secs_f64(),
                    survivor.cmdline
                ));
            }
        }
        hub.close();
    }
}

impl Drop for Sidecars {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Waits until a command has been taken, which is at once.
fn taken(sidecar: &Sidecar, seen: impl FnMut(&Snapshot) -> bool) {
    let _ = sidecar.supervisor.wait_for(TAKEN_WITHIN, seen);
}

/// Removes what applications of this identifier that are gone left of a sidecar's temporary folders,
/// and gives those. Each start of an application does it; this is for who wants to without one.
pub fn sweep(identifier: &str, name: &str) -> Vec<PathBuf> {
    let temp = temp_spec(identifier, name);
    sidecar_supervisor::sweep(&temp.root, &temp.prefix)
}

/// Where each launch of a sidecar gets its temporary folder. Of the identifier it has the last part:
/// the path of a socket in there has to stay below 104 bytes, and the folder's owner is in its name.
fn temp_spec(identifier: &str, name: &str) -> TempSpec {
    let application = identifier.rsplit('.').next().unwrap_or(identifier);
    TempSpec {
        root: std::env::temp_dir(),
        prefix: format!("{application}-{name}"),
    }
}

/// The folder that `externalBin` goes to, beside this program.
fn programs(own: &Path) -> PathBuf {
    let mut programs = own.parent().map(PathBuf::from).unwrap_or_default();
    // `cargo test` runs programs from `deps`; what is beside the application lies one above.
    if programs.ends_with("deps") {
        programs.pop();
    }
    programs
}

fn places<R: Runtime>(app: &AppHandle<R>, dev: bool, given: bool) -> Result<Places> {
    let system = |what: &str, error: String| Error::System {
        what: what.to_owned(),
        error,
    };
    // Not tauri::process::current_binary: in an AppImage that is the AppImage, beside which no sidecar
    // lies.
    let own = tauri::utils::platform::current_exe().map_err(|error| {
        system(
            "The application cannot tell where its program is",
            error.to_string(),
        )
    })?;
    let sources = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir()
            .map_err(|error| system("There is no working folder", error.to_string()))?,
    };
    let mut origins = vec![if cfg!(windows) {
        "http://tauri.localhost https://tauri.localhost".to_owned()
    } else {
        "tauri://localhost".to_owned()
    }];
    if dev && let Some(url) = &app.config().build.dev_url {
        origins.push(url.origin().ascii_serialization());
    }
    let identifier = app.config().identifier.clone();
    Ok(Places {
        programs: programs(&own),
        resources: app.path().resource_dir().ok(),
        sources,
        dev,
        given,
        origins: origins.join(" "),
        identifier: if identifier.is_empty() {
            "sidecar".to_owned()
        } else {
            identifier
        },
    })
}
