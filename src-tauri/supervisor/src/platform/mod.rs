//! What differs between operating systems: starting, signalling and finding processes.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(target_os = "linux")]
mod procfs;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

use std::process::{ChildStderr, ChildStdin, ChildStdout};

/// The three pipes of a started process.
#[derive(Debug)]
pub struct Pipes {
    /// Closing it asks the sidecar to stop.
    pub stdin: ChildStdin,
    /// The protocol.
    pub stdout: ChildStdout,
    /// Diagnostics.
    pub stderr: ChildStderr,
}
