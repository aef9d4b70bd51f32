//! The launch configuration's sidecar in the plugin's hands, and what former hosts left behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sidecar_supervisor::Event;
use tauri::{AppHandle, Listener as _};
use tauri_plugin_sidecar_supervisor::{
    self as plugin, Builder, CHANGED_EVENT, Config, Restart, Status,
};

use super::setup::Setup;
use super::sink::{Sink, on_change, on_line};
use crate::config::SidecarConfig;

/// What the plugin calls the sidecar, whichever is staged.
pub(super) const NAME: &str = "sidecar";

/// Removes what hosts that are gone left in the temporary folder, and says so.
///
/// # Errors
/// Why the launch configuration cannot be used.
pub fn sweep_only(identifier: &str, config_path: &Path) -> Result<(), String> {
    SidecarConfig::read(config_path)?;
    println!("removed {}", plugin::sweep(identifier, NAME).len());
    Ok(())
}

/// Gives the sidecar to the plugin. It comes here and not with the application's other parts, since
/// what is launched is known only now: it depends on the resources and on the command line.
///
/// # Errors
/// The text that the window shows.
pub(super) fn supervise(
    app: &AppHandle,
    config: &SidecarConfig,
    setup: &Setup,
    sink: Sink,
) -> Result<(), String> {
    let mut sidecar = config.for_plugin();
    sidecar.args.extend(setup.sidecar_args.iter().cloned());
    sidecar.autostart = setup.autostart;
    sidecar.restart = Restart {
        enabled: setup.recover,
        ..Restart::default()
    };
    // What its health route answers is no matter of the supervisor, so the plugin tells of it.
    let shared = Arc::clone(&sink.shared);
    app.listen(CHANGED_EVENT, move |event| {
        let status = serde_json::from_str::<Status>(event.payload());
        if status.is_ok_and(|status| status.health.is_some()) {
            shared.touch(|_| ());
        }
    });
    let built = Builder::new()
        .config(Config {
            sidecars: BTreeMap::from([(NAME.to_owned(), sidecar)]),
        })
        .observe(move |_, event| match event {
            Event::Line(line) => on_line(&sink, line),
            Event::Changed(snapshot) => on_change(&sink, snapshot),
        })
        .build();
    app.plugin(built).map_err(|error| error.to_string())
}
