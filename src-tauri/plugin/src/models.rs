//! What a page is given. The names are those of guest-js/index.ts.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A sidecar as a page sees it. No path, no argument and no secret is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its name in the configuration.
    pub name: String,
    /// `idle`, `spawning`, `waiting_ready`, `ready`, `stopping`, `exited` or `failed`.
    pub state: String,
    /// The number of the launch, from 1; 0 before the first.
    pub launch: u64,
    /// The process id of the direct child.
    pub pid: Option<u32>,
    /// From the launch to READY, in milliseconds.
    pub ready_ms: Option<f64>,
    /// From the request to stop to the end of the last process, in milliseconds.
    pub stop_ms: Option<f64>,
    /// Why it failed, in the state `failed`.
    pub failure: Option<Failure>,
    /// Crashes in a row.
    pub crashes: u32,
    /// A restart after a crash is due.
    pub restarts: bool,
    /// Why no restart follows a failure.
    pub left_because: Option<String>,
    /// Processes of it that could not be ended: none, or the proof failed.
    pub survivors: u32,
    /// What its health URL answered last.
    pub health: Option<HealthAnswer>,
    /// It is run from its sources, as in `tauri dev`.
    pub dev: bool,
}

/// Why a launch failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `not_found`, `exited_before_ready`, `ready_timeout` and so on.
    pub kind: String,
    /// One sentence; the whole diagnosis is another permission's.
    pub what: String,
}

/// What a health URL answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthAnswer {
    /// The URL, with its fields filled in as far as they were known.
    pub url: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The body, cut at 64 KiB.
    pub body: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// How to talk to a sidecar that is ready.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The launch; after a restart port and token are other ones.
    pub launch: u64,
    /// The port that it was handed, or said in a line `LISTEN port=N`.
    pub port: Option<u16>,
    /// `http://127.0.0.1:PORT`, when it has a port.
    pub url: Option<String>,
    /// What it asks for as `Authorization: Bearer TOKEN`, when it was handed one.
    pub token: Option<String>,
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "[token]");
        formatter
            .debug_struct("Access")
            .field("launch", &self.launch)
            .field("port", &self.port)
            .field("token", &token)
            .finish_non_exhaustive()
    }
}

/// A line that a sidecar printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Counts the lines of a sidecar, from 0.
    pub number: u64,
    /// The launch.
    pub launch: u64,
    /// When it was read, in milliseconds since the application started.
    pub at_ms: f64,
    /// `stdout` or `stderr`.
    pub stream: String,
    /// What it means in the contract: `boot`, `ready`, `heartbeat`, `shutdown`, or `other`.
    pub kind: String,
    /// The line, cut at 2000 characters; a token in it is hidden.
    pub text: String,
}

/// Some lines, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogBatch {
    /// The sidecar.
    pub name: String,
    /// Lines between the last batch and this one that were pushed out before they could be told.
    pub skipped: u64,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Everything that helps to find out why a sidecar failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostics {
    /// The sidecar.
    pub status: Status,
    /// What is started.
    pub program: PathBuf,
    /// With what.
    pub args: Vec<String>,
    /// What happened, likely causes, checks, and the end of its output; when it failed.
    pub text: Option<String>,
    /// The last lines.
    pub lines: Vec<Line>,
}

/// One sidecar that is ready to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// The sidecar.
    pub name: String,
    /// Its program or folder; nothing when it runs from its sources.
    pub path: Option<PathBuf>,
    /// It ran, and `resume` starts it again.
    pub ran: bool,
    /// Nobody uses it, but this user may not write there, so the installer needs more rights.
    pub needs_rights: Option<String>,
}
