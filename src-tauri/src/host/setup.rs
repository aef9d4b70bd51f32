//! What the application says of the host that it wants.

use std::path::PathBuf;

use sidecar_supervisor::Console;

use crate::journal::Recorder;

/// What a host is made from.
pub struct Setup {
    /// The launch configuration's file.
    pub config_path: PathBuf,
    /// Start the sidecar now; a self-test does it when the window is there.
    pub autostart: bool,
    /// Restart after a crash; a self-test switches it off where it would hide a failure.
    pub recover: bool,
    /// Keeps everything for the journal.
    pub recorder: Option<Recorder>,
    /// Where the log goes.
    pub console: Console,
    /// Print what the sidecar prints.
    pub follow: bool,
    /// Arguments for the sidecar, behind those of the launch configuration.
    pub sidecar_args: Vec<String>,
}
