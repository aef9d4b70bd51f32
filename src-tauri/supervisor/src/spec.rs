//! What to launch, and the bounds that hold for it.

use std::path::PathBuf;
use std::time::Duration;

use crate::backoff::RestartPolicy;

/// Set to 1 for every sidecar: it stops at end of file on stdin, so it does not outlive its host.
pub const EXIT_ON_EOF_VARIABLE: &str = "SIDECAR_EXIT_ON_EOF";
/// Carries a value that no other launch has; what still carries it later comes from this launch.
pub const MARK_VARIABLE: &str = "SIDECAR_LAUNCH_ID";

/// Where each launch gets a temporary folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempSpec {
    /// The folder to make it in, normally the system's temporary folder.
    pub root: PathBuf,
    /// How its name starts; `sweep` uses the same.
    pub prefix: String,
}

/// A sidecar and how to treat it.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchSpec {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Where the program is configured: named in error texts.
    pub config_key: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables that are set on top of the inherited environment.
    pub env: Vec<(String, String)>,
    /// The line that means ready.
    pub ready_token: String,
    /// From the launch to READY; then it counts as failed.
    pub ready_timeout: Duration,
    /// From the end of stdin to SIGTERM. A sidecar that ends at end of file must not be signalled on
    /// its way out: a Python that is finalising has its default handlers back and would die of it,
    /// and a onefile launcher passes the signal on a second time.
    pub eof_grace: Duration,
    /// From SIGTERM to SIGKILL. Longer than the 5 s that Nuitka's onefile launcher gives its child.
    pub stop_grace: Duration,
    /// The same for what a crashed sidecar left running.
    pub crash_grace: Duration,
    /// How long to wait for the end of what was sent SIGKILL.
    pub kill_wait: Duration,
    /// How long to read on after the end: a process that escaped may hold a pipe for ever.
    pub drain: Duration,
    /// The bound on one line, in bytes.
    pub max_line_bytes: usize,
    /// The bound on the tail of each stream, in lines.
    pub tail_lines: usize,
    /// The bound on the tail of each stream, in bytes.
    pub tail_bytes: usize,
    /// What follows a crash.
    pub restart: RestartPolicy,
    /// A temporary folder per launch, removed afterwards; without it TMPDIR is inherited.
    pub temp: Option<TempSpec>,
}

impl LaunchSpec {
    /// The defaults for one program.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            config_key: "the configured program".to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            ready_token: "READY".to_owned(),
            ready_timeout: Duration::from_secs(10),
            eof_grace: Duration::from_millis(500),
            stop_grace: Duration::from_secs(8),
            crash_grace: Duration::from_secs(2),
            kill_wait: Duration::from_secs(3),
            drain: Duration::from_millis(250),
            max_line_bytes: 16 * 1024,
            tail_lines: 100,
            tail_bytes: 32 * 1024,
            restart: RestartPolicy::default(),
            temp: None,
        }
    }
}
