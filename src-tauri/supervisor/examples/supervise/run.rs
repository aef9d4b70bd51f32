//! See `main.rs`.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use sidecar_supervisor::{
    Console, Event, LaunchSpec, RestartPolicy, State, Stream, Supervisor, TempSpec,
};

use self::shared::ReadyOptions;

#[path = "../shared/mod.rs"]
mod shared;

const PREFIX: &str = "supervise";
const USAGE: &str = "usage: supervise [OPTIONS] PROGRAM [ARGUMENT ...] | supervise --sweep";
/// A reader that does not read is not waited for.
const PRINT_BOUND: Duration = Duration::from_millis(200);

enum Reason {
    Asked,
    SidecarEnded,
    Unheard,
}

/// The command line.
pub fn main() -> ExitCode {
    let asked = match parse(env::args_os().skip(1)) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("supervise: {problem}");
            return ExitCode::from(2);
        }
    };
    let Asked::Run { spec, tell_ready } = asked else {
        let removed = sidecar_supervisor::sweep(&env::temp_dir(), PREFIX);
        println!("removed {}", removed.len());
        return ExitCode::SUCCESS;
    };
    match supervise(*spec, tell_ready) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("supervise: {error}");
            ExitCode::from(2)
        }
    }
}

enum Asked {
    Sweep,
    Run {
        spec: Box<LaunchSpec>,
        tell_ready: bool,
    },
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Asked, String> {
    let mut ready = ReadyOptions::default();
    let mut tell_ready = false;
    let program = loop {
        let first = arguments.next().ok_or(USAGE)?;
        match &*first.to_string_lossy() {
            "--sweep" => return Ok(Asked::Sweep),
            "--tell-ready" => tell_ready = true,
            option if option.starts_with("--") => {
                let value = arguments.next().ok_or(format!("{option} needs a value"))?;
                if !ready.take(option, &value.to_string_lossy())? {
                    return Err(format!("there is no option {option}; {USAGE}"));
                }
            }
            _ => break first.clone(),
        }
    };
    let mut spec = LaunchSpec::new(found(Path::new(&program)));
    spec.args = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    spec.restart = RestartPolicy::never();
    spec.temp = Some(TempSpec {
        root: env::temp_dir(),
        prefix: PREFIX.to_owned(),
    });
    ready.apply(&mut spec)?;
    Ok(Asked::Run {
        spec: Box::new(spec),
        tell_ready,
    })
}

/// The program as an absolute path; a name that cannot be resolved is left to fail by itself.
fn found(program: &Path) -> PathBuf {
    // Windows has a form of its own for resolved names, which many programs do not understand.
    let resolved = if cfg!(windows) {
        std::path::absolute(program)
    } else {
        program.canonicalize()
    };
    resolved.unwrap_or_else(|_| program.to_owned())
}

fn supervise(spec: LaunchSpec, tell_ready: bool) -> io::Result<ExitCode> {
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
    let mut told = false;
    let supervisor = Supervisor::new(spec, move |event| match event {
        Event::Line(line) => printer.print(line.stream, &*line.text),
        Event::Changed(snapshot) => {
            if let State::Failed(why) = &snapshot.state {
                printer.print(Stream::Stderr, why.to_string());
                let _ = reasons.send(Reason::SidecarEnded);
            }
            if tell_ready && snapshot.state == State::Ready && !told {
                told = true;
                printer.print(Stream::Stderr, "supervise: the sidecar is ready");
            }
        }
    })?;
    supervisor.start();
    let why = reason.recv().unwrap_or(Reason::Unheard);
    let last = supervisor.shutdown();
    if let Some(why) = last
        .cleanup
        .as_ref()
        .and_then(|cleanup| cleanup.not_asked.as_ref())
    {
        console
            .printer()
            .print(Stream::Stderr, format!("supervise: ended unasked: {why}"));
    }
    let clean = last
        .cleanup
        .as_ref()
        .is_some_and(|cleanup| cleanup.survivors.is_empty() && cleanup.temp_error.is_none());
    drop(supervisor);
    console.flush(PRINT_BOUND);
    let done = matches!(why, Reason::Asked) && last.ready_ms.is_some();
    Ok(ExitCode::from(u8::from(!(done && clean))))
}

#[cfg(unix)]
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

/// Ctrl-C and Ctrl-Break; there is nothing else that asks.
#[cfg(windows)]
fn watch_signals(reasons: Sender<Reason>) -> io::Result<()> {
    use std::sync::{Mutex, PoisonError};
    use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

    static ASKED: Mutex<Option<Sender<Reason>>> = Mutex::new(None);

    /// Called by a thread of the system's, which a closing console waits for.
    unsafe extern "system" fn ask(_event: u32) -> windows_sys::core::BOOL {
        let sender = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_heard = sender
            .as_ref()
            .is_some_and(|sender| sender.send(Reason::Asked).is_ok());
        i32::from(is_heard)
    }

    *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(reasons);
    // SAFETY: the handler is a function of this program.
    match unsafe { SetConsoleCtrlHandler(Some(ask), 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn watch_stdin(reasons: Sender<Reason>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = reasons.send(Reason::Asked);
    });
}
