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

use std::fmt;
use std::fs::File;

use serde::Serialize;

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

/// How a process ended. On Windows there is a code and never a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// The exit code, when the process ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it, when one did.
    pub signal: Option<i32>,
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(formatter, "with exit code {code}"),
            (None, Some(signal)) => {
                write!(formatter, "by signal {signal} ({})", signal_name(signal))
            }
            (None, None) => write!(formatter, "in a way that could not be read"),
        }
    }
}

/// This process and those below it, a line each, indented; a word where they cannot be seen.
pub fn process_tree() -> Vec<String> {
    #[cfg(target_os = "linux")]
    return procfs::tree(std::process::id());
    #[cfg(not(target_os = "linux"))]
    vec![format!("not listed on {}", std::env::consts::OS)]
}

/// A process that should be gone and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survivor {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut to a few hundred characters.
    pub cmdline: String,
    /// How it was recognised: `group`, `mark`, `descent`, or `file` for what it runs or has loaded.
    pub found_by: &'static str,
}
