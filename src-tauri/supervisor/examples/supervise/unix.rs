//! See `main.rs`.

use std::env;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use sidecar_supervisor::{
    Console, Event, LaunchSpec, RestartPolicy, State, Stream, Supervisor, TempSpec,
};

const PREFIX: &str = "supervise";
/// A reader that does not read is not waited for.
const PRINT_BOUND: Duration = Duration::from_millis(200);

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
    let unheard = reasons.clone();
    let console = Console::new(move || {
        // Nobody reads any more, so there is nobody to serve.
        let _ = unheard.send(Reason::Unheard);
    });
    let printer = console.printer();
    let supervisor = Supervisor::new(spec, move |event| match event {
        Event::Line(line) => printer.print(line.stream, &*line.text),
        Event::Changed(snapshot) => {
            if let State::Failed(why) = &snapshot.state {
                printer.print(Stream::Stderr, why.to_string());
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
    console.flush(PRINT_BOUND);
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
