//! The launcher as a real process on Windows, where it stays and waits for its program.
#![cfg(windows)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{CloseHandle, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// An installation's layout, with a space and a letter beyond ASCII in its path.
fn package(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{name} \u{fc} {}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("sidecar-test.d")).expect("made");
    fs::copy(
        env!("CARGO_BIN_EXE_sidecar-launcher"),
        root.join("sidecar-test.exe"),
    )
    .expect("copied");
    root
}

fn add_program(root: &Path) {
    let folder = root.join("sidecar-test.d");
    fs::copy(env!("CARGO_BIN_EXE_launched"), folder.join("main.exe")).expect("copied");
    fs::write(folder.join("sidecar-program.txt"), "main.exe\n").expect("written");
}

fn command(root: &Path, steps: &[&str]) -> Command {
    let mut command = Command::new(root.join("sidecar-test.exe"));
    command.args(steps).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(root: &Path, steps: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = command(root, steps).spawn().expect("started");
    let lines = BufReader::new(child.stdout.take().expect("a pipe"));
    (child, lines)
}

/// The process id in the next line, which begins with a word.
fn pid(lines: &mut BufReader<ChildStdout>, word: &str) -> u32 {
    let mut line = String::new();
    lines.read_line(&mut line).expect("readable");
    let number = line.strip_prefix(word).expect(word).trim();
    number.parse().expect("a number")
}

fn lives(pid: u32) -> bool {
    // SAFETY: the handle is checked and closed.
    unsafe {
        let handle = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
        if handle.is_null() {
            return false;
        }
        let runs = WaitForSingleObject(handle, 0) == WAIT_TIMEOUT;
        CloseHandle(handle);
        runs
    }
}

fn wait_until_gone(pid: u32) {
    let until = Instant::now() + PATIENCE;
    while lives(pid) {
        assert!(Instant::now() < until, "{pid} lives on");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_program_gets_its_arguments_and_its_exit_code_is_the_launchers() {
    let root = package("runs");
    add_program(&root);
    // 0xC0000005: a fault of the program's is one of the launcher's.
    for code in ["0", "5", "3221225477"] {
        let exit = format!("exit:{code}");
        let output = command(&root, &["show-args", "two three", &exit])
            .output()
            .expect("started");
        let number: u32 = code.parse().expect("a number");
        assert_eq!(output.status.code(), Some(number.cast_signed()));
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(
            text.starts_with(&format!("ARGS show-args|two three|{exit}")),
            "{text}"
        );
    }
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn the_end_of_stdin_reaches_the_program() {
    let root = package("stdin");
    add_program(&root);
    let (mut child, mut lines) = start(&root, &["show-pid", "until-eof", "exit:4"]);
    let program = pid(&mut lines, "PID ");
    assert!(lives(program));
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("ended").code(), Some(4));
    assert!(!lives(program));
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn a_killed_launcher_takes_its_program_along_and_what_that_has_started() {
    let root = package("killed");
    add_program(&root);
    let (mut child, mut lines) = start(&root, &["show-pid", "child", "forever"]);
    let (program, second) = (pid(&mut lines, "PID "), pid(&mut lines, "CHILD "));
    assert!(lives(program) && lives(second));
    child.kill().expect("killed");
    child.wait().expect("ended");
    wait_until_gone(program);
    wait_until_gone(second);
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn a_killed_program_takes_its_launcher_along() {
    let root = package("program-killed");
    add_program(&root);
    let (mut child, mut lines) = start(&root, &["show-pid", "child", "forever"]);
    let (program, second) = (pid(&mut lines, "PID "), pid(&mut lines, "CHILD "));
    // SAFETY: the handle is checked and closed.
    unsafe {
        let handle = OpenProcess(PROCESS_TERMINATE, 0, program);
        assert!(!handle.is_null());
        TerminateProcess(handle, 7);
        CloseHandle(handle);
    }
    assert_eq!(child.wait().expect("ended").code(), Some(7));
    wait_until_gone(second);
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn what_is_missing_is_named_with_where_it_was_looked_for() {
    let root = package("missing");
    let folder = root.join("sidecar-test.d");
    let run = || command(&root, &[]).output().expect("started");
    fs::remove_dir(&folder).expect("removed");
    let output = run();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(127));
    assert!(
        text.contains("sidecar-test.d") && text.contains("bundle.resources"),
        "{text}"
    );

    fs::create_dir(&folder).expect("made");
    for name in ["..\\..\\escape.exe", "C:\\Windows\\notepad.exe", ""] {
        fs::write(folder.join("sidecar-program.txt"), name).expect("written");
        let output = run();
        assert_eq!(output.status.code(), Some(127), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("within its folder"));
    }

    // An empty file is no program, under Wine either.
    fs::write(folder.join("sidecar-program.txt"), "main.exe").expect("written");
    fs::write(folder.join("main.exe"), "").expect("written");
    let output = run();
    assert_eq!(output.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&output.stderr).contains("architecture"));
    fs::remove_dir_all(root).expect("removed");
}
