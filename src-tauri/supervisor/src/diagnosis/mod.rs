//! Turns a failure into what a user can act on: what happened, the likely causes in order, what to
//! check, and the end of what the sidecar printed.

mod causes;
mod file;
mod libraries;
mod on_windows;

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use self::causes::causes;
use self::file::FileFacts;
use crate::http::HttpError;
use crate::platform;
use crate::ready::{Ready, Signal};
use crate::reason::Reason;
use crate::spec::LaunchSpec;
use crate::url::LocalUrl;

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What happened, in one sentence.
    pub what: String,
    /// Likely causes, the likeliest first.
    pub causes: Vec<String>,
    /// Facts to check: a name and what was found.
    pub checks: Vec<(String, String)>,
    /// The end of stdout.
    pub stdout_tail: Vec<String>,
    /// The end of stderr.
    pub stderr_tail: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.what)?;
        if !self.causes.is_empty() {
            writeln!(formatter, "\nLikely causes, the likeliest first:")?;
            for (number, cause) in self.causes.iter().enumerate() {
                writeln!(formatter, "  {}. {cause}", number + 1)?;
            }
        }
        writeln!(formatter, "\nCheck:")?;
        for (name, value) in &self.checks {
            writeln!(formatter, "  {name}: {value}")?;
        }
        for (name, lines) in [("stderr", &self.stderr_tail), ("stdout", &self.stdout_tail)] {
            if lines.is_empty() {
                writeln!(formatter, "\nThe sidecar wrote nothing to {name}.")?;
                continue;
            }
            writeln!(formatter, "\nThe end of {name}:")?;
            for line in lines {
                writeln!(formatter, "  {line}")?;
            }
        }
        Ok(())
    }
}

/// What is known when a launch has failed.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The program.
    pub program: &'a Path,
    /// Where the program is configured, for the user to look at.
    pub config_key: &'a str,
    /// What it was waited for.
    pub ready: &'a Ready,
    /// The end of stdout.
    pub stdout: &'a [String],
    /// The end of stderr.
    pub stderr: &'a [String],
    /// The start of a last line that never got its newline, on stdout and on stderr.
    pub unterminated: [Option<&'a str>; 2],
    /// The READY URL.
    pub url: Option<&'a LocalUrl>,
    /// What it answered last.
    pub answer: Option<&'a Result<u16, HttpError>>,
    /// The port that the sidecar was handed.
    pub free_port: Option<u16>,
    /// The sidecar's temporary folder.
    pub temp_dir: Option<&'a Path>,
}

impl<'a> Evidence<'a> {
    /// What is known before anything has run.
    #[must_use]
    pub fn of(spec: &'a LaunchSpec) -> Self {
        Self {
            program: &spec.program,
            config_key: &spec.config_key,
            ready: &spec.ready,
            stdout: &[],
            stderr: &[],
            unterminated: [None, None],
            url: None,
            answer: None,
            free_port: None,
            temp_dir: None,
        }
    }
}

/// Writes the report of a failure.
#[must_use]
pub fn diagnose(reason: &Reason, evidence: &Evidence<'_>) -> Report {
    let file = FileFacts::of(evidence.program);
    Report {
        what: reason.to_string(),
        causes: causes(reason, &file, evidence),
        checks: checks(reason, &file, evidence),
        stdout_tail: evidence.stdout.to_vec(),
        stderr_tail: evidence.stderr.to_vec(),
    }
}

fn checks(reason: &Reason, file: &FileFacts, evidence: &Evidence<'_>) -> Vec<(String, String)> {
    let mut checks = vec![("path".to_owned(), evidence.program.display().to_string())];
    let mut add = |name: &str, value: String| checks.push((name.to_owned(), value));
    if file.exists {
        add("size", format!("{} bytes", file.size_bytes));
        if let Some(mode) = file.mode {
            add("mode", format!("{:04o}", mode & 0o7777));
        }
        let found = match (file.arch, file.is_script) {
            (Some(arch), _) => arch,
            (None, true) => "a script, for any",
            (None, false) => "not an executable format that is known here",
        };
        add(
            "architecture",
            format!(
                "the file: {found}; this computer: {}",
                std::env::consts::ARCH
            ),
        );
    } else {
        add("file", "does not exist".to_owned());
    }
    add("configuration", evidence.config_key.to_owned());
    match evidence.ready.signal() {
        Signal::Line { text, stream } => {
            add(
                "READY line",
                format!("{text:?}, alone on a line of {stream}"),
            );
        }
        Signal::Pattern { pattern, stream } => add(
            "READY pattern",
            format!("{:?}, in a line of {stream}", pattern.as_str()),
        ),
        Signal::Url(template) => {
            let url = evidence.url.map_or(template.as_str(), LocalUrl::as_str);
            add(
                "READY URL",
                format!("{url}, which has to answer with 200 to 399"),
            );
            if evidence.url.is_some() {
                let answer = match evidence.answer {
                    None => "none yet".to_owned(),
                    Some(Ok(status)) => format!("status {status}"),
                    Some(Err(error)) => error.to_string(),
                };
                add("last answer", answer);
            }
        }
    }
    if let Some(port) = evidence.free_port {
        add("port handed over", port.to_string());
    }
    if matches!(reason, Reason::ThreadNotStarted { .. }) {
        for (name, value) in platform::thread_facts() {
            add(name, value);
        }
    }
    if let Some(temp) = evidence.temp_dir {
        add("temporary folder", temp.display().to_string());
    }
    checks
}

/// Text of a pipe for people: invalid UTF-8 is replaced, control characters are shown.
#[must_use]
pub fn printable(bytes: &[u8], dropped: u64, terminated: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_control() && character != '\t' {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    if dropped > 0 {
        let _ = write!(text, " [{dropped} more bytes]");
    } else if !terminated {
        text.push_str(" [no newline]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Exit;
    use crate::ready::ReadyStream;

    fn report(reason: &Reason, ready: Ready, stdout: &[&str], stderr: &[&str]) -> Report {
        let mut spec = LaunchSpec::new("/nowhere/sidecar-hello");
        spec.config_key = "bundle.externalBin in tauri.conf.json".to_owned();
        spec.ready = ready;
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let evidence = Evidence {
            stdout: &lines(stdout),
            stderr: &lines(stderr),
            ..Evidence::of(&spec)
        };
        diagnose(reason, &evidence)
    }

    const TIMEOUT: Reason = Reason::ReadyTimeout { timeout_ms: 700 };

    #[test]
    fn a_missing_program_names_the_path_and_the_key() {
        let reason = Reason::NotFound {
            path: "/nowhere/sidecar-hello".into(),
        };
        let text = report(&reason, Ready::default(), &[], &[]).to_string();
        for part in [
            "/nowhere/sidecar-hello",
            "externalBin",
            "does not exist",
            "staged",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }

    #[test]
    fn a_near_miss_of_the_token_is_the_first_cause() {
        let first = |stdout: &[&str], stderr: &[&str]| {
            let report = report(&TIMEOUT, Ready::default(), stdout, stderr);
            report.causes[0].clone()
        };
        assert!(first(&["READY!"], &[]).contains("\"READY!\""));
        assert!(first(&[], &["READY"]).contains("printed to stderr"));
    }

    #[test]
    fn a_pattern_that_is_not_found_is_held_against_what_was_printed() {
        let ready = || Ready::pattern(r"port \d+", ReadyStream::Stderr).expect("valid");
        for (stdout, stderr, part) in [
            (
                &["on port 80"][..],
                &[][..],
                "printed to stdout; it counts on stderr",
            ),
            (&[], &["on port http"], "No line on stderr has"),
        ] {
            let report = report(&TIMEOUT, ready(), stdout, stderr);
            assert!(report.causes[0].contains(part), "{:?}", report.causes);
            let check = ("READY pattern", r#""port \\d+", in a line of stderr"#);
            let checks = report.checks.iter();
            let mut checks = checks.map(|(name, value)| (name.as_str(), value.as_str()));
            assert!(checks.any(|found| found == check), "{:?}", report.checks);
        }
        let twice = report(&Reason::DuplicateReady, ready(), &[], &["port 1", "port 2"]);
        assert!(
            twice.causes[0].contains("two different lines"),
            "{:?}",
            twice.causes
        );
        let twice = report(&Reason::DuplicateReady, ready(), &[], &["port 1", "port 1"]);
        assert!(twice.causes[0].contains("two places"), "{:?}", twice.causes);
    }

    #[test]
    fn a_taken_port_is_understood() {
        let exit = Exit {
            code: Some(1),
            signal: None,
        };
        let stderr = ["OSError: [Errno 98] Address already in use"];
        let reason = Reason::ExitedBeforeReady { exit };
        let report = report(&reason, Ready::default(), &[], &stderr);
        assert!(
            report.causes[0].contains("{free_port}"),
            "{:?}",
            report.causes
        );
    }

    #[test]
    fn the_traceback_of_a_missing_module_is_understood() {
        let stderr = ["ModuleNotFoundError: No module named 'uvloop'"];
        let exit = Exit {
            code: Some(1),
            signal: None,
        };
        let reason = Reason::ExitedBeforeReady { exit };
        let report = report(&reason, Ready::default(), &[], &stderr);
        assert!(
            report
                .causes
                .iter()
                .any(|cause| cause.contains("hidden import"))
        );
        assert!(report.to_string().contains("uvloop"));
    }

    #[test]
    fn invalid_text_is_shown_and_not_trusted() {
        assert_eq!(printable(b"a\xffb\x1b[2J", 0, true), "a\u{fffd}b\\u{1b}[2J");
        assert_eq!(printable(b"abc", 5, false), "abc [5 more bytes]");
    }
}
