//! The states of a sidecar, and the picture of it at one moment.

use std::path::PathBuf;

use serde::Serialize;

use crate::access::Token;
use crate::diagnosis::Report;
use crate::platform::{Exit, Survivor};
use crate::port;
use crate::reason::Reason;

/// Where a sidecar is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "name", content = "reason", rename_all = "snake_case")]
pub enum State {
    /// Not started yet.
    Idle,
    /// The operating system is starting it.
    Spawning,
    /// It runs; READY has not been read.
    WaitingReady,
    /// READY was read, once.
    Ready,
    /// It is being stopped, or what it left is being cleared away.
    Stopping,
    /// It was asked to stop and is gone.
    Exited,
    /// It failed and is gone.
    Failed(Reason),
}

impl State {
    /// The name of the state, as it is written in events.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Spawning => "spawning",
            Self::WaitingReady => "waiting_ready",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
            Self::Failed(_) => "failed",
        }
    }

    /// True when no process of this launch runs.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self, Self::Idle | Self::Exited | Self::Failed(_))
    }
}

/// What was found when a launch was over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleanup {
    /// Processes that outlived the end of the direct child and had to be ended.
    pub stragglers: Vec<Survivor>,
    /// Processes that even SIGKILL did not end: empty, or the proof failed.
    pub survivors: Vec<Survivor>,
    /// True when the grace ran out and SIGKILL was sent, or on Windows its job was ended.
    pub killed: bool,
    /// Why a sidecar that did not end with its stdin could not be asked to stop, and was ended
    /// without any grace: on Windows one that has no console, or whose console cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_asked: Option<String>,
    /// What the sidecar left in its temporary folder, as paths relative to it.
    pub temp_left: Vec<String>,
    /// What was left after the folder was removed: empty, or removing it failed.
    pub temp_error: Option<String>,
}

/// What exactly was launched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Launched {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// What was set in its environment beyond what it inherits.
    pub env: Vec<(String, String)>,
    /// Its temporary folder, when it has one of its own.
    pub temp_dir: Option<PathBuf>,
    /// The port that it was handed, when one was asked for.
    pub free_port: Option<u16>,
    /// The secret that it was handed, when one was asked for. It is written nowhere.
    #[serde(skip)]
    pub token: Option<Token>,
}

impl Launched {
    /// Puts the port into arguments and environment.
    pub(crate) fn hand_over(&mut self, port: u16) {
        self.free_port = Some(port);
        for argument in &mut self.args {
            *argument = port::hand_over(argument, port);
        }
        for (_, value) in &mut self.env {
            *value = port::hand_over(value, port);
        }
    }
}

/// A failure, with everything that a user needs to act on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// The reason in words, with causes, checks and tails.
    pub report: Report,
    /// The same as one text.
    pub text: String,
}

/// What happens after a crash.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Recovery {
    /// Crashes in a row.
    pub crashes: u32,
    /// When the next launch is due, in milliseconds on the supervisor's clock.
    pub restart_at_ms: Option<f64>,
    /// Why there will be none.
    pub left_because: Option<String>,
}

/// The sidecar at one moment. Times are milliseconds on the supervisor's clock, which starts at 0
/// when the supervisor is made; `ready_ms` and `boot_ms` count from just before the launch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// When this state was entered.
    pub since_ms: f64,
    /// The number of the launch, from 1; 0 before the first.
    pub launch: u64,
    /// The direct child's process id; it stays readable after the end.
    pub pid: Option<u32>,
    /// Its process group.
    pub process_group: Option<i32>,
    /// What was launched.
    pub launched: Option<Launched>,
    /// Launch to BOOT.
    pub boot_ms: Option<f64>,
    /// Launch to READY.
    pub ready_ms: Option<f64>,
    /// From the request to stop to the end of the last process.
    pub stop_ms: Option<f64>,
    /// How the direct child ended.
    pub exit: Option<Exit>,
    /// Set exactly in the state `Failed`.
    pub failure: Option<Failure>,
    /// Set once a launch is over.
    pub cleanup: Option<Cleanup>,
    /// What follows a crash.
    pub recovery: Recovery,
}

impl Snapshot {
    /// True when nothing runs and no restart is due.
    #[must_use]
    pub fn rests_for_good(&self) -> bool {
        self.state.is_at_rest() && self.recovery.restart_at_ms.is_none()
    }

    /// Before the first launch.
    #[must_use]
    pub fn idle() -> Self {
        Self {
            state: State::Idle,
            since_ms: 0.0,
            launch: 0,
            pid: None,
            process_group: None,
            launched: None,
            boot_ms: None,
            ready_ms: None,
            stop_ms: None,
            exit: None,
            failure: None,
            cleanup: None,
            recovery: Recovery::default(),
        }
    }
}
