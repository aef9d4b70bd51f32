//! The command line's options, and the launches that they ask for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sidecar_supervisor::{LaunchSpec, RestartPolicy, TempSpec};

use super::shared::ReadyOptions;
use super::system::MARK;

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) program: PathBuf,
    pub(super) lifecycles: u32,
    pub(super) seed: u64,
    pub(super) parallel: u32,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) ready: ReadyOptions,
    /// A line tells that it is ready, and not a URL.
    pub(super) by_line: bool,
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// A sentence about what cannot be used.
pub(super) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        program: PathBuf::new(),
        lifecycles: 1000,
        seed: 1,
        parallel: 4,
        args: Vec::new(),
        env: Vec::new(),
        ready: ReadyOptions::default(),
        by_line: true,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let number = || {
            value
                .parse::<u32>()
                .map_err(|_| format!("{name} needs a whole number, not {value:?}"))
        };
        match name.as_str() {
            "--program" => options.program = PathBuf::from(&value),
            "--lifecycles" => options.lifecycles = number()?,
            "--seed" => options.seed = u64::from(number()?),
            "--parallel" => options.parallel = number()?.max(1),
            "--arg" => options.args.push(value),
            "--env" => {
                let (name, value) = value
                    .split_once('=')
                    .ok_or(format!("--env needs NAME=VALUE, not {value:?}"))?;
                options.env.push((name.to_owned(), value.to_owned()));
            }
            _ if options.ready.take(&name, &value)? => options.by_line &= name != "--ready-url",
            _ => return Err(format!("there is no argument {name}")),
        }
    }
    if options.program.as_os_str().is_empty() {
        return Err("--program FILE is missing".to_owned());
    }
    // Windows has a form of its own for resolved names, which many programs do not understand.
    let resolved = options.program.canonicalize().and_then(|resolved| {
        if cfg!(windows) {
            std::path::absolute(&options.program)
        } else {
            Ok(resolved)
        }
    });
    options.program =
        resolved.map_err(|error| format!("{}: {error}", options.program.display()))?;
    // What cannot be used is said before anything is launched.
    options.launch("", Path::new(""))?;
    Ok(options)
}

impl Options {
    /// One supervisor's launches.
    pub(super) fn launch(&self, mark: &str, root: &Path) -> Result<LaunchSpec, String> {
        let mut spec = LaunchSpec::new(&self.program);
        spec.args.clone_from(&self.args);
        spec.env.clone_from(&self.env);
        spec.env.push((MARK.to_owned(), mark.to_owned()));
        spec.ready_timeout = Duration::from_secs(30);
        // As a host has it, but for the waits, which would make the run long and test nothing.
        spec.restart = RestartPolicy {
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_millis(40),
            ..RestartPolicy::default()
        };
        spec.temp = Some(TempSpec {
            root: root.to_owned(),
            prefix: "life".to_owned(),
        });
        self.ready.apply(&mut spec)?;
        Ok(spec)
    }
}
