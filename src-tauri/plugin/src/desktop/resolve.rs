//! From a sidecar's configuration to what is launched: which program, and with what.

use std::collections::BTreeMap;
use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sidecar_supervisor::{
    FREE_PORT, LaunchSpec, PORT_VARIABLE, Ready, ReadyStream, RestartPolicy, SettingError,
    TOKEN_VARIABLE, UrlTemplate,
};

use super::temp_spec;
use crate::config::{Dev, Restart, SidecarConfig, Stream};

/// Tells the launcher of a folder build where the application's resources are.
const RESOURCE_DIR_VARIABLE: &str = "SIDECAR_RESOURCE_DIR";
/// Has the origins of the application's own pages, with spaces in between: a sidecar that is asked
/// by another page refuses.
const ORIGINS_VARIABLE: &str = "SIDECAR_ORIGINS";
/// What the first bytes of a placeholder have in them; `tauri-sidecar-build` writes it.
const PLACEHOLDER_MARK: &str = "sidecar placeholder";

/// What the application knows of where things are.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The folder of the application's program, where `externalBin` goes.
    pub(super) programs: PathBuf,
    /// The application's resources.
    pub(super) resources: Option<PathBuf>,
    /// The folder of tauri.conf.json, in development.
    pub(super) sources: PathBuf,
    /// Run `dev` in place of `program`.
    pub(super) dev: bool,
    /// The origins of the application's pages.
    pub(super) origins: String,
    /// Its last part begins the names of temporary folders.
    pub(super) identifier: String,
    /// The application itself says what its sidecars are, and not tauri.conf.json.
    pub(super) given: bool,
}

impl Places {
    /// Where something of a sidecar is configured, in words.
    pub(super) fn key(&self, of: &str) -> String {
        if self.given {
            format!("sidecars.{of} in the application's own configuration")
        } else {
            format!("plugins.sidecar-supervisor.sidecars.{of} in tauri.conf.json")
        }
    }
}

/// What a configuration comes to.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) spec: LaunchSpec,
    pub(super) health: Option<UrlTemplate>,
    /// What an update replaces; nothing in development.
    pub(super) replaced: Option<PathBuf>,
    /// What is watched in development.
    pub(super) watched: Vec<PathBuf>,
    pub(super) dev: bool,
}

/// Finds the program of a sidecar, and checks its configuration.
///
/// # Errors
/// A text to be read on after the sidecar's place in tauri.conf.json.
pub(super) fn resolve(
    name: &str,
    config: &SidecarConfig,
    places: &Places,
) -> Result<Resolved, String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err("needs a name of letters, digits, - and _".to_owned());
    }
    config.check()?;
    let dev = config.dev.as_ref().filter(|_| places.dev);
    let (program, mut args, folder, replaced) = match dev {
        Some(dev) => {
            let folder = dev.folder.as_ref().map(|path| places.sources.join(path));
            let folder = folder.unwrap_or_else(|| places.sources.clone());
            (
                dev_program(dev, places)?,
                dev.args.clone(),
                Some(folder),
                None,
            )
        }
        None => {
            let (program, replaced) = packaged(config, places)?;
            (program, Vec::new(), None, Some(replaced))
        }
    };
    args.extend(config.args.iter().cloned());
    let mut env: Vec<(String, String)> = config.env.clone().into_iter().collect();
    env.push((ORIGINS_VARIABLE.to_owned(), places.origins.clone()));
    if let Some(resources) = &places.resources {
        let value = resources.display().to_string();
        env.push((RESOURCE_DIR_VARIABLE.to_owned(), value));
    }
    let section = if dev.is_some() { "dev" } else { "program" };
    let mut config_key = places.key(&format!("{name}.{section}"));
    if dev.is_none() && is_external_bin(config) {
        config_key = format!("bundle.externalBin in tauri.conf.json, and {config_key}");
    }
    let spec = LaunchSpec {
        config_key,
        args,
        env,
        folder,
        port: config.port,
        token: config.token,
        ready: ready(config)?,
        ready_timeout: Duration::from_millis(config.ready_timeout_ms),
        eof_grace: Duration::from_millis(config.grace.eof_ms),
        stop_grace: Duration::from_millis(config.grace.stop_ms),
        crash_grace: Duration::from_millis(config.grace.crash_ms),
        restart: policy(&config.restart),
        temp: config.temp.then(|| temp_spec(&places.identifier, name)),
        ..LaunchSpec::new(program)
    };
    Ok(Resolved {
        spec,
        health: health(config)?,
        replaced,
        watched: dev.map_or_else(Vec::new, |dev| {
            let paths = dev.watch.iter();
            paths.map(|path| places.sources.join(path)).collect()
        }),
        dev: dev.is_some(),
    })
}

/// True when the file stands in for a program that was never built.
pub(super) fn is_placeholder(program: &Path) -> bool {
    let mut head = [0; 64];
    let read = File::open(program).and_then(|mut file| file.read(&mut head));
    read.is_ok_and(|len| String::from_utf8_lossy(&head[..len]).contains(PLACEHOLDER_MARK))
}

impl SidecarConfig {
    /// Finds what contradicts itself, in what no place on this computer has a part in. The plugin
    /// does it; this is for who makes a configuration.
    ///
    /// # Errors
    /// A text to be read on after the configuration's place, with the key in backticks.
    pub fn check(&self) -> Result<(), String> {
        if self.ready_timeout_ms == 0 {
            return Err("has `readyTimeoutMs` 0, and has to give it some time".to_owned());
        }
        for variable in self.env.keys() {
            let handed = match variable.as_str() {
                TOKEN_VARIABLE if self.token => "token",
                PORT_VARIABLE if self.port => "port",
                "" => return Err("has an `env` without a name".to_owned()),
                other if other.contains('=') => {
                    return Err(format!(
                        "has `env` {other:?}, which no variable can be called"
                    ));
                }
                _ => continue,
            };
            return Err(format!(
                "sets {variable} in `env`, and `{handed}` hands it over: leave one of them out"
            ));
        }
        health(self)?;
        let asked = LaunchSpec {
            args: self.args.clone(),
            env: self.env.clone().into_iter().collect(),
            port: self.port,
            ready: ready(self)?,
            ..LaunchSpec::new(&self.program)
        };
        asked.check().map_err(said)
    }
}

/// The program of the package, and what of it an update replaces.
fn packaged(config: &SidecarConfig, places: &Places) -> Result<(PathBuf, PathBuf), String> {
    if let Some(folder) = &config.folder {
        let resources = places.resources.as_ref();
        let resources = resources.ok_or("has a `folder`, and the application has no resources")?;
        let folder = resources.join(folder);
        return Ok((executable(folder.join(&config.program)), folder));
    }
    if !is_external_bin(config) {
        return Ok((config.program.clone(), config.program.clone()));
    }
    let file = config.program.file_name();
    let file = file.ok_or("has a `program` that names no file")?;
    let mut file = file.to_owned();
    // A point in the name begins no suffix: `externalBin` puts one behind it.
    if !file.to_string_lossy().ends_with(EXE_SUFFIX) {
        file.push(EXE_SUFFIX);
    }
    let program = places.programs.join(file);
    Ok((program.clone(), program))
}

/// True when Tauri puts it beside the application's program.
fn is_external_bin(config: &SidecarConfig) -> bool {
    config.folder.is_none() && !config.program.is_absolute()
}

fn dev_program(dev: &Dev, places: &Places) -> Result<PathBuf, String> {
    match (&dev.program, &dev.venv) {
        (Some(program), None) => {
            let is_name = program.components().count() == 1 && !program.is_absolute();
            if !is_name {
                return Ok(executable(places.sources.join(program)));
            }
            in_path(program.as_os_str()).ok_or_else(|| {
                format!("has `dev.program` {program:?}, which no folder in PATH has")
            })
        }
        (None, Some(venv)) => {
            let inside = if cfg!(windows) {
                "Scripts/python.exe"
            } else {
                "bin/python"
            };
            let venv = places.sources.join(venv);
            let python = venv.join(inside);
            if python.is_file() {
                return Ok(python);
            }
            Err(format!(
                "has no Python at {} yet. Make it: python3 -m venv {} and install what the sidecar \
                 needs into it",
                python.display(),
                venv.display()
            ))
        }
        _ => Err("needs either `dev.program` or `dev.venv`".to_owned()),
    }
}

fn executable(path: PathBuf) -> PathBuf {
    if cfg!(windows) && path.extension().is_none() {
        return path.with_extension("exe");
    }
    path
}

fn in_path(name: &OsStr) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| executable(folder.join(name)))
        .find(|path| path.is_file())
}

fn ready(config: &SidecarConfig) -> Result<Ready, String> {
    let stream = match config.ready_stream {
        None | Some(Stream::Stdout) => ReadyStream::Stdout,
        Some(Stream::Stderr) => ReadyStream::Stderr,
        Some(Stream::Either) => ReadyStream::Either,
    };
    match (&config.ready, &config.ready_pattern, &config.ready_url) {
        (None, None, None) => Ready::line("READY", stream).map_err(said),
        (Some(line), None, None) => Ready::line(line, stream).map_err(said),
        (None, Some(pattern), None) => Ready::pattern(pattern, stream).map_err(said),
        (None, None, Some(_)) if config.ready_stream.is_some() => {
            Err("has `readyStream`, which is for lines, and `readyUrl`: leave one out".to_owned())
        }
        (None, None, Some(url)) => Ready::url(url).map_err(said),
        _ => Err(
            "has more than one of `ready`, `readyPattern` and `readyUrl`: give one of them"
                .to_owned(),
        ),
    }
}

fn health(config: &SidecarConfig) -> Result<Option<UrlTemplate>, String> {
    let Some(text) = &config.health else {
        return Ok(None);
    };
    let hands = config.port || {
        let mut texts = config.args.iter().chain(config.env.values());
        texts.any(|text| text.contains(FREE_PORT))
    };
    if text.contains(FREE_PORT) && !hands {
        return Err("has {free_port} in `health`, and is handed none".to_owned());
    }
    let template = UrlTemplate::new(text);
    Ok(Some(template.map_err(|error| format!("`health` {error}"))?))
}

fn policy(restart: &Restart) -> RestartPolicy {
    RestartPolicy {
        enabled: restart.enabled,
        first_delay: Duration::from_millis(restart.first_delay_ms),
        factor: restart.factor,
        max_delay: Duration::from_millis(restart.max_delay_ms),
        stable_after: Duration::from_millis(restart.stable_after_ms),
        max_crashes: restart.max_crashes,
    }
}

/// The supervisor's settings are called otherwise in tauri.conf.json.
fn said(error: SettingError) -> String {
    let names = BTreeMap::from([
        ("ready_pattern", "readyPattern"),
        ("ready_stream", "readyStream"),
        ("ready_url", "readyUrl"),
    ]);
    let key = names.get(error.key).unwrap_or(&error.key);
    format!("has `{key}`, which {}", error.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(dev: bool) -> Places {
        Places {
            programs: "/opt/app/bin".into(),
            resources: Some("/opt/app/lib".into()),
            sources: "/home/me/app/src-tauri".into(),
            dev,
            origins: "tauri://localhost".to_owned(),
            identifier: "org.example.app".to_owned(),
            given: false,
        }
    }

    fn found(text: &str, dev: bool) -> Result<Resolved, String> {
        let config = serde_json::from_str(text).expect("it parses");
        resolve("api", &config, &places(dev))
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_where_tauri_puts_it() {
        for (text, program, replaced) in [
            (
                r#"{"program": "binaries/my-api"}"#,
                "/opt/app/bin/my-api",
                "/opt/app/bin/my-api",
            ),
            (r#"{"program": "/usr/bin/x"}"#, "/usr/bin/x", "/usr/bin/x"),
            (
                r#"{"program": "main", "folder": "api.d"}"#,
                "/opt/app/lib/api.d/main",
                "/opt/app/lib/api.d",
            ),
        ] {
            let found = found(text, true).expect(text);
            assert_eq!(found.spec.program, Path::new(program));
            assert_eq!(found.replaced.as_deref(), Some(Path::new(replaced)));
            assert!(!found.dev);
        }
    }

    #[cfg(unix)]
    #[test]
    fn development_runs_the_sources_and_a_package_does_not() {
        let text = r#"{"program": "binaries/my-api", "args": ["--last"], "dev": {"program": "sh",
            "args": ["main.sh"], "folder": "../sidecar", "watch": ["../sidecar"]}}"#;
        let dev = found(text, true).expect("valid");
        assert!(dev.spec.program.ends_with("sh") && dev.spec.program.is_absolute());
        assert_eq!(dev.spec.args, ["main.sh", "--last"]);
        let folder = Path::new("/home/me/app/src-tauri/../sidecar");
        assert_eq!(dev.spec.folder.as_deref(), Some(folder));
        assert_eq!(dev.watched, [folder]);
        assert_eq!(dev.replaced, None);
        let package = found(text, false).expect("valid");
        assert_eq!(package.spec.program, Path::new("/opt/app/bin/my-api"));
        assert_eq!(package.spec.args, ["--last"]);
        assert_eq!(package.spec.folder, None);
    }

    #[test]
    fn each_contradiction_names_its_key() {
        for (text, part) in [
            (r#"{"program": "p", "readyTimeoutMs": 0}"#, "readyTimeoutMs"),
            (
                r#"{"program": "p", "ready": "A", "readyUrl": "B"}"#,
                "`readyUrl`",
            ),
            (
                r#"{"program": "p", "ready": ""}"#,
                "`ready`, which has to be one line",
            ),
            (r#"{"program": "p", "readyPattern": "("}"#, "`readyPattern`"),
            (
                r#"{"program": "p", "readyUrl": "http://127.0.0.1:{free_port}"}"#,
                "`readyUrl`",
            ),
            (
                r#"{"program": "p", "readyUrl": "http://127.0.0.1:1", "readyStream": "stderr"}"#,
                "`readyStream`",
            ),
            (
                r#"{"program": "p", "health": "http://example.org:80"}"#,
                "`health`",
            ),
            (
                r#"{"program": "p", "health": "http://127.0.0.1:{free_port}"}"#,
                "`health`",
            ),
            (
                r#"{"program": "p", "env": {"SIDECAR_TOKEN": "x"}}"#,
                "SIDECAR_TOKEN",
            ),
            (r#"{"program": "p", "env": {"A=B": "x"}}"#, "A=B"),
            (r#"{"program": "p", "dev": {}}"#, "`dev.program`"),
            (
                r#"{"program": "p", "dev": {"program": "no-such-program"}}"#,
                "PATH",
            ),
            (
                r#"{"program": "p", "dev": {"venv": "nowhere/.venv"}}"#,
                "python3 -m venv",
            ),
            (r#"{"program": ".."}"#, "names no file"),
        ] {
            let error = found(text, true).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
        let config = serde_json::from_str(r#"{"program": "p"}"#).expect("it parses");
        assert!(resolve("a b", &config, &places(false)).is_err());
    }

    #[test]
    fn a_port_that_is_asked_for_may_be_in_urls() {
        let text = r#"{"program": "p", "port": true, "readyUrl": "http://127.0.0.1:{free_port}/",
            "health": "http://127.0.0.1:{free_port}/health"}"#;
        let found = found(text, false).expect("valid");
        assert!(found.spec.port && found.health.is_some());
    }
}
