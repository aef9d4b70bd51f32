//! A child for the supervisor's tests. Each argument is one step, done in order:
//!
//! `out:TEXT` and `err:TEXT` write (`\n`, `\r` and `\xNN` are understood), `sleep:MS` waits,
//! `exit:CODE` ends, `signal:NUMBER` signals itself (on Windows it ends itself at once, with that
//! exit code), `ignore-term` ignores SIGTERM and Ctrl-Break, `detach` leaves the console,
//! `flood:BYTES` writes that many bytes without a newline, `lines:COUNT` writes short lines,
//! `grandchild:STEPS` starts itself with steps that are separated by commas and keeps the pipes
//! open in it, `escape:STEPS` does so in a session of its own and without the environment,
//! `serve:PORT,STATUS[,MS,STATUS]` answers every GET at the port of 127.0.0.1 with the status, and
//! after so many milliseconds with the second one; `talk:PORT,TEXT` answers with a text and
//! `hold:PORT` with nothing, `until-eof` reads stdin to its end, `show-env:NAME` and `show-args` print, `temp:NAME` makes a
//! file in TMPDIR, `forever` sleeps.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

fn main() {
    for step in env::args().skip(1) {
        let (name, value) = step.split_once(':').unwrap_or((&step, ""));
        run(name, value).unwrap_or_else(|error| {
            eprintln!("fake-child: {step}: {error}");
            process::exit(99);
        });
    }
}

fn run(name: &str, value: &str) -> io::Result<()> {
    match name {
        "out" => {
            io::stdout().write_all(&unescape(value))?;
            io::stdout().flush()
        }
        "err" => io::stderr().write_all(&unescape(value)),
        "sleep" => {
            thread::sleep(Duration::from_millis(number(value)));
            Ok(())
        }
        // A code of Windows has 32 bits, the first of which is set for a fault.
        "exit" => process::exit(u32::try_from(number(value)).unwrap_or(98).cast_signed()),
        "signal" => signal_self(i32::try_from(number(value)).unwrap_or(0)),
        "ignore-term" => ignore_term(),
        "detach" => detach(),
        "flood" => flood(number(value)),
        "lines" => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            for line in 0..number(value) {
                writeln!(out, "line {line}")?;
            }
            out.flush()
        }
        "grandchild" => start(value, false),
        "escape" => start(value, true),
        "serve" => serve(value),
        "talk" => {
            let (port, text) = value.split_once(',').expect("a port and a text");
            let text = unescape(text);
            at_each_connection(port, move |mut stream| {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(&text);
            })
        }
        "hold" => {
            let mut held = Vec::new();
            at_each_connection(value, move |stream| held.push(stream))
        }
        "until-eof" => io::stdin().read_to_end(&mut Vec::new()).map(|_| ()),
        "show-env" => {
            println!("ENV {value}={}", env::var(value).unwrap_or_default());
            Ok(())
        }
        "show-args" => {
            println!("ARGS count={}", env::args().count());
            Ok(())
        }
        "temp" => fs::write(env::temp_dir().join(value), "left"),
        "forever" => loop {
            thread::sleep(Duration::from_secs(3600));
        },
        other => Err(io::Error::other(format!("no step is called {other}"))),
    }
}

fn number(value: &str) -> u64 {
    value.parse().expect("a number")
}

fn unescape(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (&kind, after) = rest.split_first().expect("an escape");
        rest = after;
        match kind {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b'x' => {
                let (digits, after) = rest.split_at(2);
                rest = after;
                let text = std::str::from_utf8(digits).expect("hexadecimal digits");
                bytes.push(u8::from_str_radix(text, 16).expect("hexadecimal digits"));
            }
            other => bytes.push(other),
        }
    }
    bytes
}

fn flood(bytes: u64) -> io::Result<()> {
    let block = vec![b'x'; 64 * 1024];
    let mut left = bytes;
    let mut out = io::stdout().lock();
    while left > 0 {
        let now = left.min(block.len() as u64);
        out.write_all(&block[..usize::try_from(now).expect("it fits")])?;
        left -= now;
    }
    out.flush()
}

fn serve(value: &str) -> io::Result<()> {
    let numbers: Vec<&str> = value.split(',').collect();
    let (port, first) = (numbers[0], numbers[1].to_owned());
    let later = numbers.get(2).map(|after| {
        let at = Instant::now() + Duration::from_millis(number(after));
        (at, numbers[3].to_owned())
    });
    at_each_connection(port, move |mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let status = match &later {
            Some((at, status)) if Instant::now() >= *at => status,
            _ => &first,
        };
        let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 2\r\n\r\n{{}}");
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn at_each_connection(
    port: &str,
    mut serve: impl FnMut(TcpStream) + Send + 'static,
) -> io::Result<()> {
    let port = u16::try_from(number(port)).expect("a port");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    thread::spawn(move || listener.incoming().flatten().for_each(&mut serve));
    Ok(())
}

fn start(steps: &str, escape: bool) -> io::Result<()> {
    let mut command = Command::new(env::current_exe()?);
    command.args(steps.split(','));
    if escape {
        leave(&mut command);
    }
    let child = command.spawn()?;
    println!("GRANDCHILD pid={}", child.id());
    Ok(())
}

/// No environment, and a session of its own.
#[cfg(unix)]
fn leave(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.env_clear();
    // SAFETY: setsid is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
}

/// No mark in the environment, of which Windows itself needs a part, no console and another group.
/// To leave the job it would have to ask, and the job does not allow it.
#[cfg(windows)]
fn leave(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};
    command.env_remove("SIDECAR_LAUNCH_ID");
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS);
}

#[cfg(unix)]
fn signal_self(signal: i32) -> io::Result<()> {
    // SAFETY: plain integers.
    unsafe { libc::raise(signal) };
    Ok(())
}

#[cfg(unix)]
fn ignore_term() -> io::Result<()> {
    // SAFETY: ignoring a signal installs no handler.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    Ok(())
}

#[cfg(unix)]
fn detach() -> io::Result<()> {
    Err(io::Error::other("there are no consoles here"))
}

#[cfg(windows)]
fn signal_self(signal: i32) -> io::Result<()> {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
    // SAFETY: the handle of this process needs no closing.
    unsafe { TerminateProcess(GetCurrentProcess(), signal.cast_unsigned()) };
    Ok(())
}

#[cfg(windows)]
fn ignore_term() -> io::Result<()> {
    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, SetConsoleCtrlHandler};
    unsafe extern "system" fn take(event: u32) -> windows_sys::core::BOOL {
        i32::from(event == CTRL_BREAK_EVENT)
    }
    // SAFETY: the handler is a function of this program.
    unsafe { SetConsoleCtrlHandler(Some(take), 1) };
    Ok(())
}

#[cfg(windows)]
fn detach() -> io::Result<()> {
    // SAFETY: no arguments. It fails when there is no console, which is what is wanted.
    unsafe { windows_sys::Win32::System::Console::FreeConsole() };
    Ok(())
}
