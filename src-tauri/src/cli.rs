//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::scenario::{Scenario, SelfTest};

/// The default of `--cycles`; the plan asks for five or more.
const DEFAULT_CYCLES: u32 = 5;

/// The text of `--help`.
pub const USAGE: &str = "\
Usage: sidecar-host [--sidecar-config FILE] [--follow] [-- SIDECAR ARGUMENTS]
       sidecar-host [--sidecar-config FILE] --self-test OUT.json --scenario NAME [OPTIONS]
       sidecar-host --sweep --sidecar-config FILE

Launches the sidecar that lies beside this program and shows its life.

  --sidecar-config FILE  launch configuration (default: sidecar.json in the resources)
  --follow               print what the sidecar prints as well, and on stderr that it is ready where
                         it does not say so on stdout; and end like a command: when nobody
                         reads standard output any more, at the end of standard input when
                         SIDECAR_EXIT_ON_EOF=1 is set, and with 1 unless the sidecar was ready and
                         nothing of it is left
  -- ARGUMENTS           arguments for the sidecar, behind those of the launch configuration
  --sweep                only remove what hosts that are gone left in the temporary folder
  --self-test OUT.json   run a scenario in the real application and write a journal of facts
  --scenario NAME        ready     launch, wait for READY, stop
                         failure   launch, wait for whatever comes
                         restart   launch, restart from the window's button, stop
                         recover   launch, kill the sidecar, wait for READY again, stop
                         shutdown  launch, close the window while the sidecar runs
                         serve     launch, run until somebody ends the host
                         cycles    launch and stop, again and again
  --cycles N             for `cycles` (default: 5)
  --hold-ms N            how long to stay ready before going on, and to rest between `cycles`
                         (default: 300)
  --help, --version      print and exit
";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// `--sweep`.
    Sweep(Options),
    /// The application.
    Run(Options),
}

/// How the application is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Another launch configuration.
    pub config: Option<PathBuf>,
    /// A self-test instead of waiting for a user.
    pub self_test: Option<SelfTest>,
    /// Print what the sidecar prints, and end like a command.
    pub follow: bool,
    /// More arguments for the sidecar.
    pub sidecar_args: Vec<String>,
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// A sentence about the first argument that is wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut arguments = arguments.into_iter();
    let mut options = Options::default();
    let (mut out, mut scenario, mut sweep) = (None, None, false);
    let (mut cycles, mut hold_ms) = (DEFAULT_CYCLES, 300);
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{name} needs a value."))
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--version" | "-V" => return Ok(Request::Version),
            "--sidecar-config" => options.config = Some(PathBuf::from(value()?)),
            "--follow" => options.follow = true,
            "--sweep" => sweep = true,
            "--" => {
                options.sidecar_args = arguments
                    .by_ref()
                    .map(|argument| argument.to_string_lossy().into_owned())
                    .collect();
            }
            "--self-test" => out = Some(PathBuf::from(value()?)),
            "--scenario" => scenario = Some(Scenario::parse(&value()?.to_string_lossy())?),
            "--cycles" => cycles = number(&name, &value()?, 1)?,
            "--hold-ms" => hold_ms = number(&name, &value()?, 0)?,
            _ => return Err(format!("There is no argument {name}.")),
        }
    }
    options.self_test = match (out, scenario) {
        (None, None) => None,
        (Some(out), Some(scenario)) => Some(SelfTest {
            out,
            scenario,
            cycles,
            hold_ms,
        }),
        (Some(_), None) => return Err("--self-test needs --scenario.".to_owned()),
        (None, Some(_)) => return Err("--scenario needs --self-test.".to_owned()),
    };
    if options.follow && options.self_test.is_some() {
        return Err("--follow and --self-test do not go together.".to_owned());
    }
    Ok(if sweep {
        Request::Sweep(options)
    } else {
        Request::Run(options)
    })
}

fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    value: &OsString,
    least: T,
) -> Result<T, String> {
    value
        .to_str()
        .and_then(|text| text.parse().ok())
        .filter(|number| *number >= least)
        .ok_or_else(|| {
            format!(
                "{name} needs a whole number of at least {least}, not {}.",
                value.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(arguments: &str) -> Result<Request, String> {
        parse(arguments.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_self_test_is_understood() {
        let expected = SelfTest {
            out: "out.json".into(),
            scenario: Scenario::Cycles,
            cycles: 7,
            hold_ms: 300,
        };
        assert_eq!(
            request("--self-test out.json --scenario cycles --cycles 7"),
            Ok(Request::Run(Options {
                self_test: Some(expected),
                ..Options::default()
            }))
        );
    }

    #[test]
    fn arguments_behind_two_dashes_are_the_sidecars() {
        let expected = Options {
            follow: true,
            sidecar_args: vec!["--heartbeat".to_owned(), "--follow".to_owned()],
            ..Options::default()
        };
        assert_eq!(
            request("--follow -- --heartbeat --follow"),
            Ok(Request::Run(expected))
        );
    }

    #[test]
    fn each_mistake_is_named() {
        for (arguments, part) in [
            ("--self-test out.json", "--scenario"),
            ("--scenario ready", "--self-test"),
            ("--scenario never --self-test o", "never"),
            ("--cycles 0", "at least 1"),
            ("--cycles abc", "abc"),
            ("--cycles", "needs a value"),
            ("--wat", "--wat"),
            ("--follow --self-test o --scenario ready", "together"),
        ] {
            let error = request(arguments).expect_err(arguments);
            assert!(error.contains(part), "{arguments}: {error}");
        }
    }
}
