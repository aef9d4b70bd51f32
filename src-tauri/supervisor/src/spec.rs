//! What to launch, and the bounds that hold for it.

use std::path::PathBuf;
use std::time::Duration;

use crate::backoff::RestartPolicy;
use crate::port::{FREE_PORT, FREE_PORT_FIELD};
use crate::ready::{Ready, SettingError};

/// Set to 1 for every sidecar: it stops at end of file on stdin, so it does not outlive its host.
pub const EXIT_ON_EOF_VARIABLE: &str = "SIDECAR_EXIT_ON_EOF";
/// Carries a value that no other launch has; what still carries it later comes from this launch.
pub const MARK_VARIABLE: &str = "SIDECAR_LAUNCH_ID";

/// Why a URL with `{free_port}` cannot be used, to be read on after the name of its key.
pub const PORT_IS_NOT_HANDED_OVER: &str = "has {free_port}, but neither `args` nor `env` has it, so \
     the sidecar is never told the port";

/// The default of [`LaunchSpec::eof_grace`]: on Windows the end of stdin is the way to ask for a
/// stop, and a sidecar that obeys it is to have the time for that.
const EOF_GRACE: Duration = Duration::from_millis(if cfg!(windows) { 2000 } else { 500 });

/// Where each launch gets a temporary folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempSpec {
    /// The folder to make it in, normally the system's temporary folder.
    pub root: PathBuf,
    /// How its name starts; `sweep` uses the same.
    pub prefix: String,
}

/// A sidecar and how to treat it.
///
/// A service that says nothing of itself, at a port that it is handed:
///
/// ```
/// use sidecar_supervisor::{LaunchSpec, Ready};
///
/// let mut spec = LaunchSpec::new("/opt/my-service/my-service");
/// spec.args = vec!["--port={free_port}".to_owned()];
/// spec.ready = Ready::url("http://127.0.0.1:{free_port}/health")?;
/// spec.check()?;
/// # Ok::<(), sidecar_supervisor::SettingError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchSpec {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Where the program is configured: named in error texts.
    pub config_key: String,
    /// Arguments. `{free_port}` in them becomes a port that was free a moment before the launch.
    pub args: Vec<String>,
    /// Variables that are set on top of the inherited environment, with the same `{free_port}` in
    /// their values.
    pub env: Vec<(String, String)>,
    /// Its working folder; without one it is the host's.
    pub folder: Option<PathBuf>,
    /// Hand a free port over in [`PORT_VARIABLE`](crate::PORT_VARIABLE).
    pub port: bool,
    /// Draw a secret for each launch and hand it over in [`TOKEN_VARIABLE`](crate::TOKEN_VARIABLE).
    pub token: bool,
    /// What tells that it is ready.
    pub ready: Ready,
    /// From the launch to READY; then it counts as failed.
    pub ready_timeout: Duration,
    /// From the end of stdin to SIGTERM. A sidecar that ends at end of file must not be signalled on
    /// its way out: a Python that is finalising has its default handlers back and would die of it,
    /// and a onefile launcher passes the signal on a second time. On Windows it is Ctrl-Break in
    /// place of SIGTERM; a sidecar without a console cannot get that and is ended at once, so it
    /// needs a longer time here when its stop takes longer.
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
            folder: None,
            port: false,
            token: false,
            ready: Ready::default(),
            ready_timeout: Duration::from_secs(10),
            eof_grace: EOF_GRACE,
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

    /// True when a port is handed over: asked for, or as `{free_port}` in arguments or environment.
    #[must_use]
    pub fn hands_a_port_over(&self) -> bool {
        let values = self.env.iter().map(|(_, value)| value);
        let mut texts = self.args.iter().chain(values);
        self.port || texts.any(|text| text.contains(FREE_PORT))
    }

    /// Finds what contradicts itself.
    ///
    /// # Errors
    /// When the READY URL has a port that the sidecar is never told.
    pub fn check(&self) -> Result<(), SettingError> {
        let asks = self
            .ready
            .url_template()
            .is_some_and(|url| url.has_field(FREE_PORT_FIELD));
        if asks && !self.hands_a_port_over() {
            return Err(SettingError::new("ready_url", PORT_IS_NOT_HANDED_OVER));
        }
        Ok(())
    }
}
