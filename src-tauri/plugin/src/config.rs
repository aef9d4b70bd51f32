//! `plugins.sidecar-supervisor` in tauri.conf.json. Its JSON schema is `config.schema.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The whole section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The sidecars, each by the name that pages and Rust call it by.
    pub sidecars: BTreeMap<String, SidecarConfig>,
}

/// One sidecar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SidecarConfig {
    /// The entry of `bundle.externalBin`, or an absolute path. With `folder`, the program's path in
    /// that folder.
    pub program: PathBuf,
    /// The folder in `bundle.resources` that the sidecar is, as it is called in the package.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Arguments. `{free_port}` in them becomes a port that was free a moment before the launch.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables, with the same `{free_port}` in their values.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Hand a free port over in `SIDECAR_PORT`, another at each launch. A sidecar that picks its
    /// port itself says it in a line `LISTEN port=N`.
    #[serde(default)]
    pub port: bool,
    /// Hand a random token over in `SIDECAR_TOKEN`, another at each launch.
    #[serde(default = "yes")]
    pub token: bool,
    /// The whole line that says that it is ready; `READY` when no way is given.
    #[serde(default)]
    pub ready: Option<String>,
    /// Instead of `ready`: a regular expression that is found in the line that says it.
    #[serde(default)]
    pub ready_pattern: Option<String>,
    /// Where the line is looked for.
    #[serde(default)]
    pub ready_stream: Option<Stream>,
    /// Instead of `ready`: a URL on this computer that answers with 200 to 399 when it is ready.
    #[serde(default)]
    pub ready_url: Option<String>,
    /// From the launch to READY, in milliseconds; then it counts as failed.
    #[serde(default = "ready_timeout_ms")]
    pub ready_timeout_ms: u64,
    /// A URL on this computer that is asked once it is ready. `{port}` in it is its port, other
    /// fields come from the `key=value` words of its lines. Asked with the token.
    #[serde(default)]
    pub health: Option<String>,
    /// What follows a crash.
    #[serde(default)]
    pub restart: Restart,
    /// How it is ended.
    #[serde(default)]
    pub grace: Grace,
    /// Give each launch a temporary folder of its own, which is removed afterwards.
    #[serde(default = "yes")]
    pub temp: bool,
    /// Start it with the application.
    #[serde(default = "yes")]
    pub autostart: bool,
    /// The label of the window with which it ends. Without it, it ends with the application.
    #[serde(default)]
    pub window: Option<String>,
    /// What is run in `tauri dev` in place of `program`.
    #[serde(default)]
    pub dev: Option<Dev>,
}

impl SidecarConfig {
    /// A sidecar of which nothing but the program is said; the rest is as in tauri.conf.json.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            port: false,
            token: yes(),
            ready: None,
            ready_pattern: None,
            ready_stream: None,
            ready_url: None,
            ready_timeout_ms: ready_timeout_ms(),
            health: None,
            restart: Restart::default(),
            grace: Grace::default(),
            temp: yes(),
            autostart: yes(),
            window: None,
            dev: None,
        }
    }
}

/// What is run in `tauri dev`: the same supervisor, over the sources. Paths are relative to the
/// folder of tauri.conf.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dev {
    /// The program: a path, or a name that is looked for in PATH.
    #[serde(default)]
    pub program: Option<PathBuf>,
    /// Instead of `program`: the folder of a Python environment, whose Python is run.
    #[serde(default)]
    pub venv: Option<PathBuf>,
    /// Its first arguments, such as the script; those of the sidecar follow.
    #[serde(default)]
    pub args: Vec<String>,
    /// The working folder; without it, the folder of tauri.conf.json.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Files and folders; when something in them changes, the sidecar is started again. Folders of
    /// caches, environments and builds, and names that begin with a dot, are passed over.
    #[serde(default)]
    pub watch: Vec<PathBuf>,
}

/// Where a line is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both.
    Either,
}

/// What follows a crash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Restart {
    /// Start it again; one that has never been ready is left in any case.
    pub enabled: bool,
    /// The wait before the first restart, in milliseconds.
    pub first_delay_ms: u64,
    /// Each further wait is this many times the one before.
    pub factor: u32,
    /// No wait is longer than this, in milliseconds.
    pub max_delay_ms: u64,
    /// After being ready for so long its next crash counts as the first, in milliseconds.
    pub stable_after_ms: u64,
    /// After so many crashes in a row it is left.
    pub max_crashes: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            enabled: true,
            first_delay_ms: 500,
            factor: 2,
            max_delay_ms: 30_000,
            stable_after_ms: 60_000,
            max_crashes: 5,
        }
    }
}

/// How a sidecar is ended: the end of its stdin, SIGTERM, SIGKILL. All in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grace {
    /// From the end of stdin to SIGTERM; four times as long on Windows, where the end of stdin is the
    /// way to ask for a stop.
    pub eof_ms: u64,
    /// From SIGTERM to SIGKILL; a onefile build of Nuitka gives its own program 5000.
    pub stop_ms: u64,
    /// The same for what a crash left running.
    pub crash_ms: u64,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            eof_ms: if cfg!(windows) { 2000 } else { 500 },
            stop_ms: 8_000,
            crash_ms: 2_000,
        }
    }
}

fn yes() -> bool {
    true
}

fn ready_timeout_ms() -> u64 {
    10_000
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = parse(r#"{"sidecars": {"api": {"program": "binaries/my-api"}}}"#);
        let api = &config.expect("valid").sidecars["api"];
        assert_eq!(*api, SidecarConfig::new("binaries/my-api"));
        assert!(api.token && api.autostart && api.temp && !api.port);
        assert_eq!(api.ready_timeout_ms, 10_000);
        assert_eq!((api.restart.max_crashes, api.grace.stop_ms), (5, 8_000));
    }

    #[test]
    fn a_mistake_names_its_key() {
        for (text, named) in [
            (r#"{"sidecar": {}}"#, "sidecar"),
            (r#"{"sidecars": {"a": {}}}"#, "program"),
            (
                r#"{"sidecars": {"a": {"program": "p", "helth": ""}}}"#,
                "helth",
            ),
            (
                r#"{"sidecars": {"a": {"program": "p", "readyStream": "stdin"}}}"#,
                "stdin",
            ),
            (
                r#"{"sidecars": {"a": {"program": "p", "restart": {"crashes": 1}}}}"#,
                "crashes",
            ),
            (
                r#"{"sidecars": {"a": {"program": "p", "dev": {"script": "x"}}}}"#,
                "script",
            ),
        ] {
            let error = parse(text).expect_err(named);
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn the_schema_is_the_one_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
        let schema = schemars::schema_for!(Config);
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "config.schema.json is stale: UPDATE_SCHEMA=1 cargo test -p tauri-plugin-sidecar-supervisor schema"
        );
    }
}
