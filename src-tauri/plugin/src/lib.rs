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
pub use desktop::Sidecars;
#[cfg(mobile)]
pub use mobile::Sidecars;

pub use config::{Config, Dev, Grace, Restart, SidecarConfig, Stream};
pub use error::{Error, Result};
pub use models::{Access, Diagnostics, Failure, HealthAnswer, Line, LogBatch, Prepared, Status};

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

/// The plugin, with what is not a matter of tauri.conf.json.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    dev: Option<bool>,
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

    /// Makes the plugin.
    #[must_use]
    pub fn build<R: Runtime>(self) -> TauriPlugin<R, Option<Config>> {
        let dev = self.dev.unwrap_or_else(tauri::is_dev);
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
                commands::prepare_update,
                commands::resume,
            ])
            .setup(move |app, api| {
                app.manage(Sidecars::new(app, api.config().clone(), dev)?);
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
