//! The supervisor of the launch configuration's sidecar, and what former hosts left behind.

use std::path::{Path, PathBuf};

use sidecar_supervisor::{Event, LaunchSpec, RestartPolicy, Stream, Supervisor, TempSpec, sweep};

use super::setup::Setup;
use super::sink::{Sink, on_change, on_line};
use crate::config::{SidecarConfig, sidecar_path};

/// Tells the launcher of a folder build where the application's resources are.
const RESOURCE_DIR_VARIABLE: &str = "SIDECAR_RESOURCE_DIR";
/// The key that decides where the sidecar is; named in error texts.
const CONFIG_KEY: &str = "bundle.externalBin in src-tauri/tauri.conf.json";

/// The folder under the temporary one that each launch gets for its own.
fn temp_spec(config: &SidecarConfig) -> TempSpec {
    TempSpec {
        root: std::env::temp_dir(),
        prefix: config.name.clone(),
    }
}

/// Removes what hosts that are gone left in the temporary folder, and says so.
///
/// # Errors
/// Why the launch configuration cannot be used.
pub fn sweep_only(config_path: &Path) -> Result<(), String> {
    let temp = temp_spec(&SidecarConfig::read(config_path)?);
    println!("removed {}", sweep(&temp.root, &temp.prefix).len());
    Ok(())
}

/// Makes the supervisor; gives the path of the sidecar's program with it.
///
/// # Errors
/// The text that the window shows.
pub(super) fn supervise(
    config: &SidecarConfig,
    setup: &Setup,
    sink: Sink,
) -> Result<(PathBuf, Supervisor), String> {
    let program = sidecar_path(&config.name, &setup.own_path)?;
    let temp = temp_spec(config);
    for folder in sweep(&temp.root, &temp.prefix) {
        let text = format!(
            "sidecar-host: removed {}, left by a host that is gone",
            folder.display()
        );
        sink.printer.print(Stream::Stderr, text);
    }
    let mut env: Vec<(String, String)> = config.env.clone().into_iter().collect();
    if let Some(folder) = &setup.resource_dir {
        env.push((
            RESOURCE_DIR_VARIABLE.to_owned(),
            folder.display().to_string(),
        ));
    }
    let spec = LaunchSpec {
        config_key: CONFIG_KEY.to_owned(),
        args: [&config.args[..], &setup.sidecar_args].concat(),
        env,
        ready: config.ready()?,
        ready_timeout: config.ready_timeout(),
        restart: if setup.recover {
            RestartPolicy::default()
        } else {
            RestartPolicy::never()
        },
        temp: Some(temp),
        ..LaunchSpec::new(program.clone())
    };
    let health = config.health()?;
    let observer = move |event: Event<'_>| match event {
        Event::Line(line) => on_line(&sink, line),
        Event::Changed(snapshot) => on_change(&sink, snapshot, health.as_ref()),
    };
    let supervisor = Supervisor::new(spec, observer)
        .map_err(|error| format!("The supervising thread cannot be started: {error}."))?;
    Ok((program, supervisor))
}
