//! Turns a failure into what a user can act on: what happened, the likely causes in order, what to
//! check, and the end of what the sidecar printed.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;

use crate::platform;
use crate::reason::Reason;

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
    /// The READY token.
    pub ready_token: &'a str,
    /// The end of stdout.
    pub stdout: &'a [String],
    /// The end of stderr.
    pub stderr: &'a [String],
    /// The start of a last line on stdout that never got its newline.
    pub unterminated: Option<&'a str>,
    /// The sidecar's temporary folder.
    pub temp_dir: Option<&'a Path>,
}

/// Facts about the program's file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileFacts {
    exists: bool,
    is_dir: bool,
    size_bytes: u64,
    mode: Option<u32>,
    arch: Option<&'static str>,
    is_script: bool,
}

impl FileFacts {
    fn of(path: &Path) -> Self {
        let Ok(metadata) = fs::metadata(path) else {
            return Self {
                exists: false,
                is_dir: false,
                size_bytes: 0,
                mode: None,
                arch: None,
                is_script: false,
            };
        };
        let mut head = [0_u8; 4096];
        let read = fs::File::open(path)
            .and_then(|mut file| file.read(&mut head))
            .unwrap_or(0);
        Self {
            exists: true,
            is_dir: metadata.is_dir(),
            size_bytes: metadata.len(),
            mode: platform::mode_of(&metadata),
            arch: executable_arch(&head[..read]),
            is_script: head[..read].starts_with(b"#!"),
        }
    }

    fn is_executable(&self) -> bool {
        self.mode.is_none_or(|mode| mode & 0o111 != 0)
    }
}

/// The architecture that an ELF, PE or Mach-O file is for, in Rust's names.
fn executable_arch(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize| {
        Some(u16::from_le_bytes([
            *head.get(offset)?,
            *head.get(offset + 1)?,
        ]))
    };
    if head.starts_with(b"\x7fELF") {
        return match at(18)? {
            0x03 => Some("x86"),
            0x28 => Some("arm"),
            0x3e => Some("x86_64"),
            0xb7 => Some("aarch64"),
            0xf3 => Some("riscv64"),
            _ => Some("another ELF architecture"),
        };
    }
    if head.starts_with(b"MZ") {
        let header = usize::from(at(0x3c)?);
        return match at(header + 4)? {
            0x014c => Some("x86"),
            0x8664 => Some("x86_64"),
            0xaa64 => Some("aarch64"),
            _ => Some("another PE architecture"),
        };
    }
    if head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) {
        return match at(4)? {
            0x0007 => Some("x86_64"),
            0x000c => Some("aarch64"),
            _ => Some("another Mach-O architecture"),
        };
    }
    None
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
    add(
        "READY line",
        format!("{:?}, alone on a line of stdout", evidence.ready_token),
    );
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

fn causes(reason: &Reason, file: &FileFacts, evidence: &Evidence<'_>) -> Vec<String> {
    let mut causes = Vec::new();
    let key = evidence.config_key;
    match reason {
        Reason::NotFound { .. } if file.exists => {
            causes.push(
                "The file is there, but the loader or interpreter that it names is not: it was \
                 built for another system or C library."
                    .to_owned(),
            );
        }
        Reason::NotFound { .. } => {
            causes.push(format!(
                "The sidecar was not staged or not packaged: see {key}."
            ));
            causes.push(
                "The file has another name: beside the host it has no target triple, and on \
                 Windows it ends in .exe."
                    .to_owned(),
            );
            causes.push(
                "Something removed it after installation, for example an antivirus program."
                    .to_owned(),
            );
        }
        Reason::PermissionDenied { .. } => {
            if file.is_dir {
                causes.push("It is a folder. A folder build goes through the launcher.".to_owned());
            } else if !file.is_executable() {
                causes.push(format!(
                    "It has lost its executable bit, as artifact stores and zip files do: \
                     chmod +x '{}'.",
                    evidence.program.display()
                ));
            } else {
                causes.push("It lies on a file system that is mounted noexec.".to_owned());
                causes.push("A folder above it may not be entered by this user.".to_owned());
            }
        }
        Reason::SpawnIo { error, .. } => {
            if file.exists && file.arch.is_some_and(|arch| arch != std::env::consts::ARCH) {
                causes.push("It was built for another architecture.".to_owned());
            }
            if error.contains("Text file busy") {
                causes.push(
                    "It is being written at this moment, by an update or a build.".to_owned(),
                );
            }
            if error.contains("Argument list too long") {
                causes.push("Arguments and environment together are too long.".to_owned());
            }
            if error.contains("temporarily unavailable") || error.contains("Cannot allocate") {
                causes.push("A limit is reached: processes, memory or open files.".to_owned());
            }
            if file.exists && file.size_bytes == 0 {
                causes.push(format!(
                    "It is an empty file: a stand-in was staged. See {key}."
                ));
            } else {
                causes.push("The file is damaged or was not copied completely.".to_owned());
            }
        }
        Reason::ThreadNotStarted { .. } => {
            causes.push(
                "A limit on processes and threads is reached: of this user (ulimit -u), of the \
                 service (TasksMax) or of the container (pids.max)."
                    .to_owned(),
            );
            causes.push(
                "Memory or address space is short (ulimit -v): a thread needs room for its stack."
                    .to_owned(),
            );
            causes.push(
                "The host, or another program of this user, starts threads and never ends them."
                    .to_owned(),
            );
        }
        Reason::ExitedBeforeReady { .. } | Reason::DiedAfterReady { .. } => {
            exit_causes(&mut causes, reason, file, evidence);
        }
        Reason::ReadyTimeout { timeout_ms } => {
            timeout_causes(&mut causes, *timeout_ms, evidence);
        }
        Reason::DuplicateReady => {
            causes.push("The program prints its READY line in two places.".to_owned());
            causes.push(
                "It started itself a second time: a frozen program that uses multiprocessing needs \
                 multiprocessing.freeze_support() first."
                    .to_owned(),
            );
        }
    }
    causes
}

fn exit_causes(
    causes: &mut Vec<String>,
    reason: &Reason,
    file: &FileFacts,
    evidence: &Evidence<'_>,
) {
    let exit = match reason {
        Reason::ExitedBeforeReady { exit } | Reason::DiedAfterReady { exit } => exit,
        _ => return,
    };
    let said = |needle: &str| evidence.stderr.iter().any(|line| line.contains(needle));
    if file.size_bytes == 0 {
        causes.push(format!(
            "The program is an empty file: a stand-in was staged. See {}.",
            evidence.config_key
        ));
    } else if file.exists && file.arch.is_none() && !file.is_script {
        causes.push("The program is damaged: it has no executable header.".to_owned());
    }
    if said("No space left on device") {
        causes.push("The disk or the temporary folder is full.".to_owned());
    }
    if said("error while loading shared libraries") || said("GLIBC_") {
        causes.push(
            "A shared library is missing or too old here: the program was built on a newer system."
                .to_owned(),
        );
    }
    if said("failed to map segment") {
        causes.push("The temporary folder is mounted noexec: point TMPDIR elsewhere.".to_owned());
    }
    if said("ModuleNotFoundError") || said("ImportError") {
        causes.push(
            "The packager left out a module: see the traceback; name it as a hidden import."
                .to_owned(),
        );
    } else if said("FileNotFoundError") {
        causes.push("A data file was not packaged: see the traceback.".to_owned());
    } else if said("Traceback (most recent call last)") {
        causes.push("The program raised an exception: see the traceback.".to_owned());
    }
    match (exit.code, exit.signal) {
        (Some(0), _) => causes.push(
            "The program finished: it has nothing that keeps it running, or a launcher reported \
             success although its child died."
                .to_owned(),
        ),
        (Some(126), _) => causes.push("The launcher could not execute the program.".to_owned()),
        (Some(127), _) => causes.push("The launcher did not find the program's folder.".to_owned()),
        (Some(_), _) if causes.is_empty() => {
            causes.push("The program ended itself with an error: see stderr.".to_owned());
        }
        (None, Some(signal)) if signal == platform::SIGKILL => causes.push(
            "It was killed: by the system for lack of memory, by a security program, or by a user."
                .to_owned(),
        ),
        (None, Some(_)) => {
            causes.push("It crashed in native code, or another program signalled it.".to_owned());
        }
        _ => {}
    }
}

fn timeout_causes(causes: &mut Vec<String>, timeout_ms: u64, evidence: &Evidence<'_>) {
    let token = evidence.ready_token;
    if evidence
        .unterminated
        .is_some_and(|rest| rest.trim() == token)
    {
        causes.push(format!(
            "{token:?} was printed without a newline; only a whole line counts."
        ));
    } else if let Some(near) = evidence
        .stdout
        .iter()
        .find(|line| line.to_lowercase().contains(&token.to_lowercase()))
    {
        causes.push(format!(
            "The line {near:?} is not {token:?}: the token has to stand alone, exactly as \
             configured."
        ));
    }
    if evidence.stderr.iter().any(|line| line.trim() == token) {
        causes.push(format!(
            "{token:?} was printed to stderr; it counts on stdout only."
        ));
    }
    if evidence.stdout.is_empty() && evidence.unterminated.is_none() {
        causes.push(
            "Its output is buffered: print with flush=True, as stdout is a pipe here.".to_owned(),
        );
        causes.push(
            "It waits for something before it prints READY: a port, a file, input.".to_owned(),
        );
    }
    causes.push(format!(
        "It needs longer than {timeout_ms} ms here: a single-file build unpacks itself at each \
         start, and an antivirus program reads what it unpacks. Raise ready_timeout_ms in \
         sidecar.json."
    ));
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

    fn evidence<'a>(stdout: &'a [String], stderr: &'a [String]) -> Evidence<'a> {
        Evidence {
            program: Path::new("/nowhere/sidecar-hello"),
            config_key: "bundle.externalBin in tauri.conf.json",
            ready_token: "READY",
            stdout,
            stderr,
            unterminated: None,
            temp_dir: None,
        }
    }

    #[test]
    fn a_missing_program_names_the_path_and_the_key() {
        let reason = Reason::NotFound {
            path: "/nowhere/sidecar-hello".into(),
        };
        let text = diagnose(&reason, &evidence(&[], &[])).to_string();
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
        let stdout = ["READY!".to_owned()];
        let report = diagnose(
            &Reason::ReadyTimeout { timeout_ms: 700 },
            &evidence(&stdout, &[]),
        );
        assert!(
            report.causes[0].contains("\"READY!\""),
            "{:?}",
            report.causes
        );
        let stderr = ["READY".to_owned()];
        let report = diagnose(
            &Reason::ReadyTimeout { timeout_ms: 700 },
            &evidence(&[], &stderr),
        );
        assert!(report.causes[0].contains("stderr"), "{:?}", report.causes);
    }

    #[test]
    fn the_traceback_of_a_missing_module_is_understood() {
        let stderr = ["ModuleNotFoundError: No module named 'uvloop'".to_owned()];
        let exit = Exit {
            code: Some(1),
            signal: None,
        };
        let report = diagnose(&Reason::ExitedBeforeReady { exit }, &evidence(&[], &stderr));
        assert!(
            report
                .causes
                .iter()
                .any(|cause| cause.contains("hidden import"))
        );
        assert!(report.to_string().contains("uvloop"));
    }

    #[test]
    fn architectures_are_read_from_the_header() {
        let mut elf = [0_u8; 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        elf[18] = 0xb7;
        assert_eq!(executable_arch(&elf), Some("aarch64"));
        assert_eq!(executable_arch(b"\x7fELF"), None);
        assert_eq!(executable_arch(b"#!/bin/sh"), None);
    }

    #[test]
    fn invalid_text_is_shown_and_not_trusted() {
        assert_eq!(printable(b"a\xffb\x1b[2J", 0, true), "a\u{fffd}b\\u{1b}[2J");
        assert_eq!(printable(b"abc", 5, false), "abc [5 more bytes]");
    }
}
