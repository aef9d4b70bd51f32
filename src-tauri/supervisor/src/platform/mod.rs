//! What differs between operating systems: starting, signalling and finding processes.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(target_os = "linux")]
mod procfs;
#[cfg(target_os = "linux")]
mod vfork;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

use std::fs::File;

/// The three pipes of a started process.
#[derive(Debug)]
pub struct Pipes {
    /// Closing it asks the sidecar to stop.
    pub stdin: File,
    /// The protocol.
    pub stdout: File,
    /// Diagnostics.
    pub stderr: File,
}
