//! Causes that Windows alone has: codes in place of signals, libraries that are missing, and
//! security programs. Whatever can be told from a number is told on every system, so that it can
//! be tested on every system.

use super::{Evidence, libraries};
use crate::platform::Exit;
use crate::windows_codes::{self as codes, meaning};

/// What "access denied" can mean at a start, the likeliest first.
pub(super) const ACCESS_DENIED: [&str; 3] = [
    "An antivirus program holds or blocks it: look into its list of what it has found, and exempt \
     the application's folder.",
    "A policy of this computer allows no programs from that folder (AppLocker, controlled folder \
     access): programs belong below Program Files.",
    "This user may not execute it: see the file's properties, under Security.",
];

/// How Python and the loader say on stderr that a security program was in the way.
const BLOCKED_WORDS: [&str; 4] = [
    "[WinError 225]",
    "[WinError 226]",
    "[WinError 1260]",
    "contains a virus",
];

/// Why a start was forbidden, and what helps.
pub(super) fn blocked(error: &str) -> Vec<String> {
    let known = codes::error_number(error).and_then(codes::blocked_by);
    known
        .map(str::to_owned)
        .into_iter()
        .chain([
            "Frozen programs are often taken for malware, single-file ones above all, since they \
             unpack programs and run them: sign it, prefer a folder build, and report it to the \
             program's maker as a false positive."
                .to_owned(),
        ])
        .collect()
}

/// What an exit code says that Windows gives, and not the program.
pub(super) fn exit_causes(causes: &mut Vec<String>, exit: &Exit, evidence: &Evidence<'_>) {
    let says_blocked = |line: &String| BLOCKED_WORDS.iter().any(|word| line.contains(word));
    let code = exit.code.unwrap_or_default();
    if codes::is_blocked_exit(code) || evidence.stderr.iter().any(says_blocked) {
        causes.push(
            "An antivirus program or a policy of this computer blocks a file of it: exempt the \
             application's folder, and its temporary one if it is a single file that unpacks \
             itself."
                .to_owned(),
        );
    }
    match code {
        codes::DLL_NOT_FOUND => causes.push(missing_library(evidence)),
        codes::ENTRY_POINT_NOT_FOUND => causes.push(
            "A library is older than the program: another program's copy is found first, by PATH, \
             or this Windows is too old."
                .to_owned(),
        ),
        codes::DLL_INIT_FAILED => causes.push(
            "A library could not be initialised: the user's session is ending, too many programs \
             run in it, or an antivirus program's own library fails in this process."
                .to_owned(),
        ),
        codes::CONTROL_C_EXIT => causes.push(
            "Ctrl-C, Ctrl-Break or the closing of a console window ended it: another program shares \
             its console, and it has no handler for that."
                .to_owned(),
        ),
        code if code < 0 && causes.is_empty() => causes.push(match meaning(code) {
            Some(meaning) => format!("It crashed in native code: {meaning}."),
            None => "It crashed in native code, or a security program ended it.".to_owned(),
        }),
        _ => {}
    }
}

fn missing_library(evidence: &Evidence<'_>) -> String {
    let missing = libraries::missing(evidence.program, &libraries::places());
    let runtime = missing.iter().any(|name| {
        let name = name.to_ascii_lowercase();
        name.starts_with("vcruntime") || name.starts_with("msvcp")
    });
    let mut text = if missing.is_empty() {
        "A library that it needs is missing: none that it names itself, but one that it, or its \
         launcher, loads in turn."
            .to_owned()
    } else {
        format!(
            "A library that it needs is missing: {}. It was looked for beside the program, in the \
             system's folders and on PATH.",
            missing.join(", ")
        )
    };
    if runtime {
        text.push_str(
            " It belongs to the Visual C++ runtime: ship it beside the program, or let the \
             installer install the redistributable.",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::LaunchSpec;

    fn causes(code: u32, stderr: &[&str]) -> Vec<String> {
        let spec = LaunchSpec::new("/nowhere/sidecar.exe");
        let stderr: Vec<String> = stderr.iter().map(ToString::to_string).collect();
        let evidence = Evidence {
            stderr: &stderr,
            ..Evidence::of(&spec)
        };
        let exit = Exit {
            code: Some(code.cast_signed()),
            signal: None,
        };
        let mut causes = Vec::new();
        exit_causes(&mut causes, &exit, &evidence);
        causes
    }

    #[test]
    fn each_code_of_windows_has_a_cause() {
        for (code, part) in [
            (0xC000_0005, "an access violation"),
            (0xC000_0135, "library that it needs is missing"),
            (0xC000_0139, "older than the program"),
            (0xC000_013A, "Ctrl-Break"),
            (0xC000_0142, "could not be initialised"),
            (0xC000_0906, "antivirus program"),
            (0xDEAD_BEEF, "in native code"),
        ] {
            let causes = causes(code, &[]);
            assert!(causes[0].contains(part), "{code:08X}: {causes:?}");
        }
        assert!(causes(1, &[]).is_empty());
    }

    #[test]
    fn a_file_that_was_taken_for_a_virus_is_seen_on_stderr() {
        let line = "OSError: [WinError 225] Operation did not complete successfully because the \
                    file contains a virus or potentially unwanted software";
        assert!(causes(1, &[line])[0].contains("antivirus"));
    }

    #[test]
    fn who_blocks_a_start_is_said_when_it_is_known() {
        assert!(blocked("… (os error 226)")[0].contains("removed it"));
        assert_eq!(blocked("…").len(), 1);
    }
}
