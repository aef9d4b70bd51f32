//! The likely causes of a failure, in order.

use super::Evidence;
use super::file::FileFacts;
use super::on_windows;
use crate::http::HttpError;
use crate::platform;
use crate::protocol::Stream;
use crate::ready::{ReadyStream, Signal};
use crate::reason::Reason;

/// How systems and frameworks say that a port is in use.
const PORT_TAKEN: [&str; 6] = [
    "ddress already in use",
    "ddress in use",
    "EADDRINUSE",
    "Only one usage of each socket address",
    // Windows says it in its user's language, and the number in every one.
    "os error 10048",
    "[WinError 10048]",
];

pub(super) fn causes(reason: &Reason, file: &FileFacts, evidence: &Evidence<'_>) -> Vec<String> {
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
            } else if cfg!(windows) {
                causes.extend(on_windows::ACCESS_DENIED.map(str::to_owned));
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
        Reason::Blocked { error, .. } => {
            causes.extend(on_windows::blocked(error));
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
        Reason::NoFreePort { .. } => {
            causes.push("The host has too many files and connections open (ulimit -n).".to_owned());
            causes.push(
                "Every port that the system gives out is in use: something opens connections and \
                 never closes them."
                    .to_owned(),
            );
        }
        Reason::PortInUse { port, .. } => {
            causes.push(format!(
                "An earlier sidecar still runs, started by another copy of the application: see \
                 who listens at port {port}."
            ));
            causes.push(
                "Another program has the port: hand a free one over with {free_port} in args or \
                 env, and name the same in ready_url."
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
            duplicate_causes(&mut causes, evidence);
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
    if file.exists && file.size_bytes == 0 {
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
    if PORT_TAKEN.iter().any(|needle| said(needle)) {
        causes.push(match evidence.free_port {
            Some(port) => format!(
                "Its port is taken: port {port} was free a moment before the launch, so another \
                 program was quicker, or it does not use the port that it is handed."
            ),
            None => "Its port is taken by another program: hand a free one over with {free_port} \
                     in args or env."
                .to_owned(),
        });
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
    on_windows::exit_causes(causes, exit, evidence);
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

fn duplicate_causes(causes: &mut Vec<String>, evidence: &Evidence<'_>) {
    if let Signal::Pattern { pattern, .. } = evidence.ready.signal() {
        let lines = evidence.stdout.iter().chain(evidence.stderr);
        let found: Vec<&String> = lines.filter(|line| evidence.ready.is_in(line)).collect();
        if let [first, second, ..] = found[..]
            && first != second
        {
            causes.push(format!(
                "The pattern {:?} is found in two different lines, {first:?} and {second:?}: make \
                 it say more of the one that is meant.",
                pattern.as_str()
            ));
        }
    }
    causes.push("The program prints its READY line in two places.".to_owned());
}

fn timeout_causes(causes: &mut Vec<String>, timeout_ms: u64, evidence: &Evidence<'_>) {
    match evidence.ready.signal() {
        Signal::Line { text, stream } => {
            near_misses(causes, *stream, &format!("{text:?}"), evidence);
            let lower = text.to_lowercase();
            let near = looked_at(*stream, evidence)
                .find(|line| line.as_str() != text && line.to_lowercase().contains(&lower));
            if causes.is_empty()
                && let Some(near) = near
            {
                causes.push(format!(
                    "The line {near:?} is not {text:?}: the token has to stand alone, exactly as \
                     configured; a part of a line is found with ready_pattern."
                ));
            }
        }
        Signal::Pattern { pattern, stream } => {
            let name = format!("what {:?} is found in", pattern.as_str());
            near_misses(causes, *stream, &name, evidence);
            if causes.is_empty() && looked_at(*stream, evidence).next().is_some() {
                causes.push(format!(
                    "No line on {stream} has {:?} in it: compare it with the lines below.",
                    pattern.as_str()
                ));
            }
        }
        Signal::Url(_) => url_causes(causes, evidence),
    }
    if evidence.ready.url_template().is_none()
        && evidence.stdout.is_empty()
        && evidence.unterminated[0].is_none()
    {
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

/// The lines of the streams that READY was looked for on.
fn looked_at<'a>(
    stream: ReadyStream,
    evidence: &Evidence<'a>,
) -> impl Iterator<Item = &'a String> + use<'a> {
    let (stdout, stderr) = (evidence.stdout, evidence.stderr);
    let of = move |one, lines: &'a [String]| if stream.includes(one) { lines } else { &[] };
    of(Stream::Stdout, stdout)
        .iter()
        .chain(of(Stream::Stderr, stderr))
}

/// What was waited for came, in a way that does not count.
fn near_misses(causes: &mut Vec<String>, stream: ReadyStream, name: &str, evidence: &Evidence<'_>) {
    let streams = [
        (
            Stream::Stdout,
            "stdout",
            evidence.stdout,
            evidence.unterminated[0],
        ),
        (
            Stream::Stderr,
            "stderr",
            evidence.stderr,
            evidence.unterminated[1],
        ),
    ];
    for (one, on, lines, unterminated) in streams {
        if stream.includes(one) {
            if unterminated.is_some_and(|rest| evidence.ready.is_in(rest)) {
                causes.push(format!(
                    "A line with {name} was printed without a newline; only a whole line counts."
                ));
            }
        } else if lines.iter().any(|line| evidence.ready.is_in(line)) {
            causes.push(format!(
                "A line with {name} was printed to {on}; it counts on {stream} only, as \
                 ready_stream says."
            ));
        }
    }
}

fn url_causes(causes: &mut Vec<String>, evidence: &Evidence<'_>) {
    let Some(url) = evidence.url else {
        return;
    };
    let at = url.as_str();
    causes.push(match evidence.answer {
        None | Some(Err(HttpError::Silent { .. })) => format!(
            "It takes connections at {at} and does not answer them: what answers there waits for \
             something, or has not begun to serve."
        ),
        Some(Err(HttpError::NotConnected { .. })) => match evidence.free_port {
            Some(port) => format!(
                "Nothing listens at {at}: it does not use the port {port} that it is handed in \
                 args or env, or it is not that far yet."
            ),
            None => format!(
                "Nothing listens at {at}: it listens at another port, or it is not that far yet."
            ),
        },
        Some(Err(HttpError::NotHttp { .. })) => {
            format!("What listens at {at} speaks another protocol than HTTP, or HTTP with TLS.")
        }
        Some(Err(HttpError::Failed { .. })) => {
            format!("What listens at {at} breaks connections off: see what it wrote to stderr.")
        }
        Some(Ok(status @ 500..)) => format!(
            "It answers with the status {status} at {at}: it runs, and says that it is not well or \
             not ready. See what it wrote to stderr."
        ),
        Some(Ok(status)) => format!(
            "It answers with the status {status} at {at}, where 200 to 399 is waited for: another \
             path is meant, or it wants to know who asks."
        ),
    });
}
