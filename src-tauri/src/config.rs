//! `sidecar.json`: how the staged sidecar is launched.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tauri_plugin_sidecar_supervisor::{SidecarConfig as PluginConfig, Stream};

/// The version of the file's format that is read here.
const SCHEMA: u32 = 1;

/// The launch configuration, written beside the binary when a variant is staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SidecarConfig {
    /// The format's version.
    pub schema: u32,
    /// The name of the sidecar's file, without target triple and suffix.
    pub name: String,
    /// Packager and mode, for example `nuitka-onefile`.
    pub variant: String,
    /// The packager's name.
    pub packager: String,
    /// The packager's version.
    pub packager_version: String,
    /// The whole line that means ready; `READY` when no form is given. `ready_token` is its old
    /// name, accepted for one release.
    #[serde(default, alias = "ready_token")]
    pub ready: Option<String>,
    /// Instead of `ready`: a regular expression that is found in the line that means ready.
    #[serde(default)]
    pub ready_pattern: Option<String>,
    /// Where line or pattern are looked for: `stdout` (the default), `stderr` or `either`.
    #[serde(default)]
    pub ready_stream: Option<Stream>,
    /// Instead of `ready`: a URL on this computer that answers with 200 to 399 when it is ready.
    #[serde(default)]
    pub ready_url: Option<String>,
    /// Arguments. `{free_port}` in them is a port that was free a moment before the launch.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables, with the same `{free_port}` in their values.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Launch to READY, in milliseconds.
    #[serde(default = "default_ready_timeout_ms")]
    pub ready_timeout_ms: u64,
    /// A URL on this computer that is fetched after READY; `{free_port}` in it is the port that was
    /// handed over, other fields come from the `key=value` pairs of the sidecar's own lines.
    #[serde(default)]
    pub health: Option<String>,
}

fn default_ready_timeout_ms() -> u64 {
    10_000
}

impl SidecarConfig {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// A text that names the file, the key and what to do.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fail = |why: String| {
            format!(
                "The launch configuration {} cannot be used: {why}. `invoke verify` writes it when \
                 it stages a variant.",
                path.display()
            )
        };
        let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text).map_err(fail)
    }

    /// Understands and checks the file's text.
    ///
    /// # Errors
    /// A text that names the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        config.fill_in();
        config.check()?;
        Ok(config)
    }

    /// Says what is meant by what was left out.
    fn fill_in(&mut self) {
        if self.ready_url.is_some() {
            return;
        }
        if self.ready_pattern.is_none() {
            self.ready.get_or_insert_with(|| "READY".to_owned());
        }
        self.ready_stream.get_or_insert(Stream::Stdout);
    }

    /// The sidecar as the plugin wants it. Its environment is what the file says and no more: the
    /// checklist hands a token of its own over.
    #[must_use]
    pub fn for_plugin(&self) -> PluginConfig {
        PluginConfig {
            args: self.args.clone(),
            env: self.env.clone(),
            token: false,
            ready: self.ready.clone(),
            ready_pattern: self.ready_pattern.clone(),
            ready_stream: self.ready_stream,
            ready_url: self.ready_url.clone(),
            ready_timeout_ms: self.ready_timeout_ms,
            health: self.health.clone(),
            ..PluginConfig::new(&self.name)
        }
    }

    /// True when whoever reads the sidecar's standard output sees it say that it is ready.
    #[must_use]
    pub fn says_ready_on_stdout(&self) -> bool {
        self.ready_url.is_none() && self.ready_stream == Some(Stream::Stdout)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!(
                "`schema` is {}, and this host reads {SCHEMA}",
                self.schema
            ));
        }
        let is_plain =
            |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(is_plain) {
            return Err(format!(
                "`name` is {:?}, and has to be a plain file name such as sidecar-hello",
                self.name
            ));
        }
        let checked = self.for_plugin().check();
        checked.map_err(|why| format!("it {}", in_its_words(&why)))
    }

    /// The deadline for READY.
    #[must_use]
    pub fn ready_timeout(&self) -> Duration {
        Duration::from_millis(self.ready_timeout_ms)
    }
}

/// The plugin's keys are called otherwise in this file: `readyUrl` is `ready_url`.
fn in_its_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut in_key = false;
    for character in text.chars() {
        in_key ^= character == '`';
        if in_key && character.is_ascii_uppercase() {
            words.push('_');
            words.push(character.to_ascii_lowercase());
        } else {
            words.push(character);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const GOOD: &str = r#"{"schema": 1, "name": "sidecar-hello", "variant": "nuitka-onefile",
        "packager": "nuitka", "packager_version": "4.3.3", "args": ["--heartbeat", "5"],
        "env": {"SIDECAR_TOKEN": "abc"}, "health": null}"#;

    fn read(text: &str) -> Result<SidecarConfig, String> {
        // A file of this call's own: the tests run side by side.
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!(
            "sidecar-config-{}-{}.json",
            std::process::id(),
            CALLS.fetch_add(1, Ordering::Relaxed)
        ));
        fs::write(&path, text).expect("written");
        let result = SidecarConfig::read(&path);
        fs::remove_file(&path).expect("removed");
        result
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let config = read(GOOD).expect("valid");
        assert_eq!(config.ready.as_deref(), Some("READY"));
        assert_eq!(config.ready_stream, Some(Stream::Stdout));
        assert_eq!(config.ready_timeout(), Duration::from_secs(10));
        assert_eq!(config.args, ["--heartbeat", "5"]);
    }

    #[test]
    fn each_way_to_say_ready_is_understood() {
        let with = |text: &str| read(&GOOD.replace("\"health\": null", text)).expect(text);
        for (text, line, pattern, stream) in [
            ("\"ready\": \"UP\"", Some("UP"), None, Stream::Stdout),
            ("\"ready_token\": \"UP\"", Some("UP"), None, Stream::Stdout),
            (
                "\"ready\": \"UP\", \"ready_stream\": \"either\"",
                Some("UP"),
                None,
                Stream::Either,
            ),
            (
                "\"ready_pattern\": \"on port \\\\d+\", \"ready_stream\": \"stderr\"",
                None,
                Some(r"on port \d+"),
                Stream::Stderr,
            ),
        ] {
            let told = with(text).for_plugin();
            assert_eq!(told.ready.as_deref(), line, "{text}");
            assert_eq!(told.ready_pattern.as_deref(), pattern, "{text}");
            assert_eq!(told.ready_stream, Some(stream), "{text}");
        }
        let config = with("\"ready_url\": \"http://127.0.0.1:8000/health\"");
        assert_eq!((config.ready, config.ready_stream), (None, None));
    }

    #[test]
    fn who_reads_stdout_sees_ready_unless_it_comes_elsewhere() {
        for (text, seen) in [
            ("\"ready\": \"UP\"", true),
            ("\"ready_pattern\": \"UP\"", true),
            ("\"ready\": \"UP\", \"ready_stream\": \"stderr\"", false),
            ("\"ready\": \"UP\", \"ready_stream\": \"either\"", false),
            ("\"ready_url\": \"http://127.0.0.1:8000\"", false),
        ] {
            let config = read(&GOOD.replace("\"health\": null", text)).expect(text);
            assert_eq!(config.says_ready_on_stdout(), seen, "{text}");
        }
    }

    #[test]
    fn a_port_that_is_handed_over_may_be_asked_for() {
        let url = "\"ready_url\": \"http://127.0.0.1:{free_port}/\", \
                   \"health\": \"http://127.0.0.1:{free_port}/health\"";
        let text = GOOD.replace("\"health\": null", url);
        for (from, to) in [("\"5\"", "\"--port={free_port}\""), ("abc", "{free_port}")] {
            let config = read(&text.replace(from, to)).expect(to);
            assert!(config.for_plugin().health.is_some());
        }
    }

    #[test]
    fn each_mistake_names_its_key() {
        for (from, to, named) in [
            ("\"health\"", "\"helth\"", "helth"),
            ("\"schema\": 1", "\"schema\": 2", "`schema`"),
            ("sidecar-hello", "../sidecar-hello", "`name`"),
            ("sidecar-hello", "", "`name`"),
            (
                "\"health\": null",
                "\"ready_timeout_ms\": 0",
                "`ready_timeout_ms`",
            ),
            ("\"health\": null", "\"ready\": \"\"", "`ready`"),
            (
                "\"health\": null",
                "\"ready\": \"A\", \"ready_pattern\": \"B\"",
                "`ready_pattern`",
            ),
            (
                "\"health\": null",
                "\"ready\": \"A\", \"ready_url\": \"http://127.0.0.1:1\"",
                "`ready_url`",
            ),
            (
                "\"health\": null",
                "\"ready_pattern\": \"(\"",
                "`ready_pattern`",
            ),
            ("\"health\": null", "\"ready_stream\": \"stdin\"", "`stdin`"),
            (
                "\"health\": null",
                "\"ready_url\": \"http://127.0.0.1:1\", \"ready_stream\": \"stdout\"",
                "`ready_stream`",
            ),
            (
                "\"health\": null",
                "\"ready_url\": \"http://127.0.0.1:{free_port}\"",
                "`ready_url`",
            ),
            (
                "\"health\": null",
                "\"ready_url\": \"http://127.0.0.1\"",
                "`ready_url`",
            ),
            (
                "\"health\": null",
                "\"health\": \"http://127.0.0.1:{free_port}\"",
                "`health`",
            ),
            (
                "\"health\": null",
                "\"health\": \"http://example.org:80\"",
                "`health`",
            ),
            ("SIDECAR_TOKEN", "A=B", "`env`"),
            ("\"packager\": \"nuitka\",", "", "packager"),
        ] {
            let error = read(&GOOD.replace(from, to)).expect_err(named);
            assert!(error.contains(named), "{error}");
            assert!(error.contains("invoke verify"), "{error}");
        }
    }
}
