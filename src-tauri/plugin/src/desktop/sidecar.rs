//! One sidecar: its supervisor, and what of its configuration is asked for later.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sidecar_supervisor::support::Redactor;
use sidecar_supervisor::{Event, Supervisor, sweep};

use super::gate::Gate;
use super::health;
use super::hub::Hub;
use super::resolve::{Places, is_placeholder, resolve};
use crate::Observer;
use crate::config::SidecarConfig;
use crate::error::{Error, Result};

/// On top of the graces of a stop: to kill, to look, to read what was printed last.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// Says something on standard error, where somebody may have closed it.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "sidecar-supervisor: {text}");
}

pub(super) struct Sidecar {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// What the configuration says of it, as JSON, without the secrets among its variables.
    pub(super) configuration: String,
    /// What an update replaces; nothing in development.
    pub(super) replaced: Option<PathBuf>,
    pub(super) autostart: bool,
    /// The window with which it ends.
    pub(super) window: Option<String>,
    pub(super) supervisor: Arc<Supervisor>,
    stop_bound: Duration,
    #[cfg(feature = "watch")]
    _sources: Option<super::sources::Watching>,
}

impl Sidecar {
    /// Makes the supervisor; nothing is started.
    ///
    /// # Errors
    /// When the configuration cannot be used, or the system refuses a thread or a watch.
    pub(super) fn new(
        name: &str,
        config: &SidecarConfig,
        places: &Places,
        hub: &Arc<Hub>,
        gate: &Arc<Gate>,
        observer: Option<Observer>,
    ) -> Result<Self> {
        let resolved = resolve(name, config, places).map_err(|why| Error::Config {
            at: places.key(name),
            why,
        })?;
        let spec = resolved.spec;
        if let Some(temp) = &spec.temp {
            for folder in sweep(&temp.root, &temp.prefix) {
                say(&format!(
                    "removed {}, left by an application that is gone",
                    folder.display()
                ));
            }
        }
        hub.add(name, resolved.dev);
        let (program, args) = (spec.program.clone(), spec.args.clone());
        let stop_bound = spec.eof_grace + spec.stop_grace.max(spec.crash_grace) + STOP_MARGIN;
        let (teller, owner, url) = (Arc::clone(hub), name.to_owned(), resolved.health);
        let told = move |event: Event<'_>| {
            match event {
                Event::Line(line) => teller.take_line(&owner, line),
                Event::Changed(snapshot) => {
                    let became_ready = teller.take(&owner, snapshot);
                    if became_ready && let Some(url) = &url {
                        health::ask(&teller, &owner, url, snapshot);
                    }
                }
            }
            if let Some(observer) = &observer {
                observer(&owner, &event);
            }
        };
        let supervisor = Supervisor::new(spec, told).map_err(|error| Error::System {
            what: format!("The supervisor of {name:?} cannot be started"),
            error: error.to_string(),
        })?;
        let supervisor = Arc::new(supervisor);
        #[cfg(feature = "watch")]
        let sources = super::sources::watch(name, &resolved.watched, &supervisor, gate)?;
        #[cfg(not(feature = "watch"))]
        let _ = (gate, resolved.watched);
        let variables = config.env.iter().map(|(name, value)| (&**name, &**value));
        let known = Redactor::new().variables(variables);
        Ok(Self {
            name: name.to_owned(),
            program,
            args,
            configuration: known.text(&serde_json::to_string_pretty(config).unwrap_or_default()),
            replaced: resolved.replaced,
            autostart: config.autostart,
            window: config.window.clone(),
            supervisor,
            stop_bound,
            #[cfg(feature = "watch")]
            _sources: sources,
        })
    }

    /// # Errors
    /// When there is only the placeholder of a program.
    pub(super) fn refuse_placeholder(&self) -> Result<()> {
        if is_placeholder(&self.program) {
            return Err(Error::Placeholder {
                name: self.name.clone(),
                path: self.program.clone(),
            });
        }
        Ok(())
    }

    /// Stops it and waits until nothing of it runs.
    ///
    /// # Errors
    /// When something could not be ended.
    pub(super) fn stop(&self) -> Result<()> {
        let fail = |what: String| Error::StillRuns {
            name: self.name.clone(),
            what,
        };
        let last = self
            .supervisor
            .stop_and_wait(self.stop_bound)
            .map_err(|last| {
                let seconds = self.stop_bound.as_secs();
                fail(format!(
                    "after {seconds} s it is still {}",
                    last.state.name()
                ))
            })?;
        let survivors = last.cleanup.iter().flat_map(|cleanup| &cleanup.survivors);
        let left: Vec<String> = survivors
            .map(|process| format!("process {} ({})", process.pid, process.cmdline))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        Err(fail(left.join(", ")))
    }
}
