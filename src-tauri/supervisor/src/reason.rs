//! The reasons for which a launch fails.

use std::path::PathBuf;

use serde::Serialize;

use crate::platform::Exit;

/// Why a launch failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// There is no such program, or the loader that it names is missing.
    #[error("The sidecar was not started: there is no program at {}.", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The program is there and may not be executed.
    #[error("The sidecar was not started: {} may not be executed.", path.display())]
    PermissionDenied {
        /// The program.
        path: PathBuf,
    },
    /// The program is there, and an antivirus program or a policy of this computer forbids it.
    #[error("The sidecar was not started: {} is blocked on this computer: {error}.", path.display())]
    Blocked {
        /// The program.
        path: PathBuf,
        /// The operating system's text.
        error: String,
    },
    /// Any other error of the operating system while starting it.
    #[error("The sidecar was not started: {error}.")]
    SpawnIo {
        /// The program.
        path: PathBuf,
        /// The operating system's text.
        error: String,
    },
    /// The system refused a thread to watch it with, so it was not started either.
    #[error("The sidecar was not started: a thread to watch it with cannot be started: {error}.")]
    ThreadNotStarted {
        /// The operating system's text.
        error: String,
    },
    /// There was no free port to hand over.
    #[error("The sidecar was not started: there is no free port to hand over: {error}.")]
    NoFreePort {
        /// The operating system's text.
        error: String,
    },
    /// Somebody answers at its READY URL already, and would be taken for it.
    #[error(
        "The sidecar was not started: another program listens at port {port}, of its READY URL {url}."
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The READY URL.
        url: String,
    },
    /// It ended before READY; no exit code makes that a success.
    #[error("The sidecar ended before it was ready, {exit}.")]
    ExitedBeforeReady {
        /// How it ended.
        exit: Exit,
    },
    /// The deadline passed without READY.
    #[error("The sidecar did not say that it is ready within {timeout_ms} ms and was stopped.")]
    ReadyTimeout {
        /// The deadline, in milliseconds from the launch.
        timeout_ms: u64,
    },
    /// A second READY came: two programs write to this pipe, or it started over.
    #[error("The sidecar said twice that it is ready and was stopped.")]
    DuplicateReady,
    /// It was ready, nobody asked it to stop, and it ended.
    #[error("The sidecar was ready and then ended without having been asked to, {exit}.")]
    DiedAfterReady {
        /// How it ended.
        exit: Exit,
    },
}
