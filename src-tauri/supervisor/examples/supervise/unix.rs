//! See `main.rs`.

use std::env;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;

use sidecar_supervisor::{Event, LaunchSpec, RestartPolicy, State, Stream, Supervisor, TempSpec};

const PREFIX: &str = "supervise";
/// Lines that wait for a slow reader; more are dropped, since an observer must not block.
const WAITING_LINES: usize = 1024;

enum Reason {
    Asked,
    SidecarEnded,
    Unheard,
}

/// The command line.
pub fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprintln!("usage: supervise PROGRAM [ARGUMENT ...] | supervise --sweep");
        return ExitCode::from(2);
    };
    if first == "--sweep" {
        let removed = sidecar_supervisor::sweep(&env::temp_dir(), PREFIX);
        println!("removed {}", removed.len());
        return ExitCode::SUCCESS;
    }
    let mut spec = LaunchSpec::new(found(Path::new(&first)));
    spec.args = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    spec.restart = RestartPolicy::never();
    spec.temp = Some(TempSpec {
        root: env::temp_dir(),
        prefix: PREFIX.to_owned(),
    });
    match supervise(spec) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("supervise: {error}");
            ExitCode::from(2)
        }
    }
}

/// The program as an absolute path; a name that cannot be resolved is left to fail by itself.
fn found(program: &Path) -> PathBuf {
    program
        .canonicalize()
        .unwrap_or_else(|_| program.to_owned())
}

fn supervise(spec: LaunchSpec) -> io::Result<ExitCode> {
    let (reasons, reason) = mpsc::channel();
    watch_signals(reasons.clone())?;
    if env::var_os("SIDECAR_EXIT_ON_EOF").is_some_and(|value| value == "1") {
        watch_stdin(reasons.clone());
    }
    let printer = print_lines(reasons.clone());
    let supervisor = Supervisor::new(spec, move |event| match event {
        Event::Line(line) => {
            // A full queue drops the line: see the promise of `Event`.
            let _ = printer.try_send((line.stream, line.text.clone()));
        }
        Event::Changed(snapshot) => {
            if let State::Failed(why) = &snapshot.state {
                let _ = printer.try_send((Stream::Stderr, why.to_string()));
                let _ = reasons.send(Reason::SidecarEnded);
            }
        }
    })?;
    supervisor.start();
    let why = reason.recv().unwrap_or(Reason::Unheard);
    let last = supervisor.shutdown();
    let clean = last
        .cleanup
        .as_ref()
        .is_some_and(|cleanup| cleanup.survivors.is_empty() && cleanup.temp_error.is_none());
    drop(supervisor);
    // The printer takes what is queued; a reader that does not read is not waited for.
    thread::sleep(std::time::Duration::from_millis(20));
    let done = matches!(why, Reason::Asked) && last.ready_ms.is_some();
    Ok(ExitCode::from(u8::from(!(done && clean))))
}

fn watch_signals(reasons: Sender<Reason>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if reasons.send(Reason::Asked).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn watch_stdin(reasons: Sender<Reason>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = reasons.send(Reason::Asked);
    });
}

/// A thread that prints, so that a reader that does not read holds up nothing else.
fn print_lines(reasons: Sender<Reason>) -> mpsc::SyncSender<(Stream, String)> {
    let (sender, lines) = mpsc::sync_channel::<(Stream, String)>(WAITING_LINES);
    thread::spawn(move || {
        for (stream, text) in lines {
            let written = match stream {
                Stream::Stdout => writeln!(io::stdout(), "{text}"),
                Stream::Stderr => writeln!(io::stderr(), "{text}"),
            };
            if written.is_err() && stream == Stream::Stdout {
                // Nobody reads any more, so there is nobody to serve.
                let _ = reasons.send(Reason::Unheard);
                return;
            }
        }
    });
    sender
}
