#![doc = include_str!("../README.md")]

mod commands;
mod config;
mod error;
mod models;

#[cfg(desktop)]
mod desktop;
#[cfg(any(mobile, test))]
mod mobile;

#[cfg(desktop)]
pub use desktop::{Sidecars, sweep};
#[cfg(mobile)]
pub use mobile::Sidecars;
#[cfg(desktop)]
pub use sidecar_supervisor;

pub use config::{Config, Dev, Grace, Restart, SidecarConfig, Stream};
pub use error::{Error, Result};
pub use models::{Access, Diagnostics, Failure, HealthAnswer, Line, LogBatch, Prepared, Status};

#[cfg(desktop)]
use std::sync::Arc;

use tauri::plugin::{self, TauriPlugin};
use tauri::webview::PageLoadEvent;
use tauri::{Manager, RunEvent, Runtime, WindowEvent};

/// Emitted to all of the application with a [`Status`] whenever a sidecar changes. A page that loads
/// later asks for the current state first: `watch` does both without a gap.
pub const CHANGED_EVENT: &str = "sidecar-supervisor://changed";

/// Gives the sidecars to whatever has the application: `App`, `AppHandle`, windows.
pub trait SidecarSupervisorExt<R: Runtime> {
    /// The sidecars.
    fn sidecars(&self) -> &Sidecars;
}

impl<R: Runtime, T: Manager<R>> SidecarSupervisorExt<R> for T {
    fn sidecars(&self) -> &Sidecars {
        self.state::<Sidecars>().inner()
    }
}

/// The plugin, as most applications want it.
#[must_use]
pub fn init<R: Runtime>() -> TauriPlugin<R, Option<Config>> {
    Builder::new().build()
}

/// Who hears of the sidecar of a name what its supervisor says.
#[cfg(desktop)]
type Observer = Arc<dyn Fn(&str, &sidecar_supervisor::Event<'_>) + Send + Sync>;

/// The plugin, with what is not a matter of tauri.conf.json.
#[derive(Clone, Default)]
pub struct Builder {
    dev: Option<bool>,
    config: Option<Config>,
    #[cfg(desktop)]
    observer: Option<Observer>,
}

impl Builder {
    /// As [`init`] has it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a sidecar with a `dev` section is run from its sources. Without this it is when Tauri
    /// says that this is `tauri dev`; an application's own tests may want to say it themselves.
    #[must_use]
    pub fn dev(mut self, dev: bool) -> Self {
        self.dev = Some(dev);
        self
    }

    /// The sidecars, where they are known only when the application runs. What tauri.conf.json says
    /// of them does not count then.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Has everything that happens to a sidecar told at once, in order, with its name: each state
    /// with all that is known, and each line. It is called from the sidecar's supervising thread,
    /// with the first launch before the plugin is set up, and must not block.
    #[cfg(desktop)]
    #[must_use]
    pub fn observe(
        mut self,
        observer: impl Fn(&str, &sidecar_supervisor::Event<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the plugin.
    #[must_use]
    pub fn build<R: Runtime>(self) -> TauriPlugin<R, Option<Config>> {
        plugin::Builder::<R, Option<Config>>::new("sidecar-supervisor")
            .invoke_handler(tauri::generate_handler![
                commands::start,
                commands::stop,
                commands::restart,
                commands::status,
                commands::watch,
                commands::unwatch,
                commands::access,
                commands::logs,
                commands::diagnostics,
                commands::report,
                commands::prepare_update,
                commands::resume,
            ])
            .setup(move |app, api| {
                app.manage(Sidecars::new(app, api.config().clone(), self)?);
                Ok(())
            })
            .on_page_load(|webview, payload| {
                // The callbacks of the page before are gone.
                if payload.event() == PageLoadEvent::Started {
                    webview.sidecars().forget_page(webview.label());
                }
            })
            .on_event(|app, event| match event {
                RunEvent::WindowEvent {
                    label,
                    event: WindowEvent::Destroyed,
                    ..
                } => app.sidecars().window_closed(label),
                // The only event that always comes: Cmd+Q on macOS skips ExitRequested.
                RunEvent::Exit => app.sidecars().shutdown(),
                _ => {}
            })
            .build()
    }
}
