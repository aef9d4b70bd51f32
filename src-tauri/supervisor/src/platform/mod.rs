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
use std::io;

use serde::Serialize;

use crate::windows_codes;

/// Why the operating system did not start a program, as far as that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such program, or the loader that it names is missing.
    NotFound,
    /// It may not be executed.
    NotPermitted,
    /// An antivirus program or a policy forbids it.
    Blocked,
    /// Anything else.
    Other,
}

impl Refusal {
    /// What an error of [`spawn`] means.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        // These numbers mean other things elsewhere.
        let code = error.raw_os_error().filter(|_| cfg!(windows));
        if code.is_some_and(|code| windows_codes::blocked_by(code).is_some()) {
            return Self::Blocked;
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::NotPermitted,
            _ => Self::Other,
        }
    }
}

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
            // Windows alone has negative ones: what ends a program there has a code of its own.
            (Some(code), _) if code < 0 => {
                write!(formatter, "with exit code 0x{code:08X}")?;
                match windows_codes::meaning(code) {
                    Some(meaning) => write!(formatter, " ({meaning})"),
                    None => Ok(()),
                }
            }
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
    /// Its command line, cut to a few hundred characters; on Windows the path of its program.
    pub cmdline: String,
    /// How it was recognised: `group`, `mark`, `descent`, or `file` for what it runs or has loaded.
    /// On Windows the job is the group.
    pub found_by: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_with_its_code_and_its_meaning() {
        let text = |code| {
            let signal = None;
            Exit { code, signal }.to_string()
        };
        assert_eq!(
            text(Some(-1_073_741_819)),
            "with exit code 0xC0000005 (an access violation)"
        );
        assert_eq!(
            text(Some(windows_codes::DLL_NOT_FOUND)),
            "with exit code 0xC0000135 (a library that it needs was not found)"
        );
        // Unknown ones are shown as people look them up; small ones as programs give them.
        assert_eq!(text(Some(-2)), "with exit code 0xFFFFFFFE");
        assert_eq!(text(Some(3)), "with exit code 3");
    }

    #[test]
    fn what_refuses_a_program_is_told_apart() {
        let of = |kind| Refusal::of(&io::Error::from(kind));
        assert_eq!(of(io::ErrorKind::NotFound), Refusal::NotFound);
        assert_eq!(of(io::ErrorKind::PermissionDenied), Refusal::NotPermitted);
        assert_eq!(of(io::ErrorKind::OutOfMemory), Refusal::Other);
        // ERROR_VIRUS_INFECTED; elsewhere the number means something else.
        let expected = if cfg!(windows) {
            Refusal::Blocked
        } else {
            Refusal::Other
        };
        assert_eq!(Refusal::of(&io::Error::from_raw_os_error(225)), expected);
    }
}
