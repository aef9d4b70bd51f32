//! What differs between systems: how a process is met from outside, and how what a launch has
//! started is found.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::*;

/// Names the variable that finds what a chaos run has started, whatever parent or group it has by
/// then.
pub(super) const MARK: &str = "SIDECAR_CHAOS";
