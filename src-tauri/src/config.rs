//! `sidecar.json`: how the staged sidecar is launched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// The line on stdout that means ready.
    #[serde(default = "default_ready_token")]
    pub ready_token: String,
    /// Arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Launch to READY, in milliseconds.
    #[serde(default = "default_ready_timeout_ms")]
    pub ready_timeout_ms: u64,
    /// A URL on this computer that is fetched after READY; fields in braces come from the
    /// `key=value` pairs of the sidecar's own lines.
    #[serde(default)]
    pub health: Option<String>,
}

fn default_ready_token() -> String {
    "READY".to_owned()
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
        let config: Self = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
        config.check().map_err(fail)?;
        Ok(config)
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
        if self.ready_token.is_empty() || self.ready_token.contains(['\r', '\n']) {
            return Err("`ready_token` has to be one line that is not empty".to_owned());
        }
        if self.ready_timeout_ms == 0 {
            return Err("`ready_timeout_ms` has to be at least 1".to_owned());
        }
        if let Some(name) = self
            .env
            .keys()
            .find(|name| name.is_empty() || name.contains('='))
        {
            return Err(format!(
                "`env` holds the name {name:?}, which no variable can have"
            ));
        }
        Ok(())
    }

    /// The deadline for READY.
    #[must_use]
    pub fn ready_timeout(&self) -> Duration {
        Duration::from_millis(self.ready_timeout_ms)
    }
}

/// Where `externalBin` puts the sidecar: beside the host's own program, without the target triple.
///
/// # Errors
/// When the host's own path cannot be told.
pub fn sidecar_path(name: &str, own: &Path) -> Result<PathBuf, String> {
    let mut folder = own
        .parent()
        .ok_or_else(|| format!("{} has no folder", own.display()))?;
    // `cargo test` runs programs from `deps`; the sidecar lies one above.
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
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
        assert_eq!(config.ready_token, "READY");
        assert_eq!(config.ready_timeout(), Duration::from_secs(10));
        assert_eq!(config.args, ["--heartbeat", "5"]);
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
            ("\"health\": null", "\"ready_token\": \"\"", "`ready_token`"),
            ("SIDECAR_TOKEN", "A=B", "`env`"),
            ("\"packager\": \"nuitka\",", "", "packager"),
        ] {
            let error = read(&GOOD.replace(from, to)).expect_err(named);
            assert!(error.contains(named), "{error}");
            assert!(error.contains("invoke verify"), "{error}");
        }
    }

    #[test]
    fn the_sidecar_lies_beside_the_host() {
        let suffix = std::env::consts::EXE_SUFFIX;
        for (own, folder) in [
            ("/usr/bin/sidecar-host", "/usr/bin"),
            ("/t/debug/deps/host-1", "/t/debug"),
        ] {
            assert_eq!(
                sidecar_path("sidecar-hello", Path::new(own)),
                Ok(Path::new(folder).join(format!("sidecar-hello{suffix}")))
            );
        }
    }
}
