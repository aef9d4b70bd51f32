//! What Windows alone has: jobs, Ctrl-Break, codes in place of signals.
#![cfg(windows)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sidecar_supervisor::{Reason, State, TempSpec};

#[path = "support/trial.rs"]
mod trial;
use trial::{PATIENCE, assert_nothing_left, launch, lives, reason, spec, trial};

/// More than a stop may take that waits for nobody, on a busy machine, and less than the grace.
const AT_ONCE_MS: f64 = 4000.0;
const CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();

#[test]
fn what_does_not_watch_stdin_is_asked_by_ctrl_break_or_ended_at_once_and_it_is_said() {
    let trial = launch(&["out:READY\\n", "forever"]);
    trial.wait("ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert!(end.stop_ms.expect("set") < AT_ONCE_MS, "{end:?}");
    assert_nothing_left(&end);
    let cleanup = end.cleanup.expect("set");
    // On Windows it arrives; Wine 8 refuses to send it.
    match cleanup.not_asked {
        None => assert_eq!(end.exit.expect("set").code, Some(CONTROL_C_EXIT)),
        Some(why) => assert!(
            cleanup.killed && why.contains("Ctrl-Break cannot be sent"),
            "{why}"
        ),
    }
}

#[test]
fn what_has_no_console_is_ended_at_once_and_it_is_said() {
    let trial = launch(&["detach", "out:READY\\n", "forever"]);
    trial.wait("ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert!(end.stop_ms.expect("set") < AT_ONCE_MS, "{end:?}");
    let cleanup = end.cleanup.as_ref().expect("set");
    assert!(cleanup.killed && cleanup.not_asked.is_some(), "{cleanup:?}");
    assert_nothing_left(&end);
}

#[test]
fn a_clean_stop_has_no_stragglers() {
    for _ in 0..20 {
        let mut spec = spec(&["out:READY\\n", "until-eof"]);
        spec.eof_grace = PATIENCE;
        let trial = trial(spec);
        trial.supervisor.start();
        trial.wait("ready");
        trial.supervisor.stop();
        let end = trial.wait("exited");
        let cleanup = end.cleanup.as_ref().expect("set");
        assert!(cleanup.stragglers.is_empty(), "{cleanup:?}");
        assert!(
            !cleanup.killed && cleanup.not_asked.is_none(),
            "{cleanup:?}"
        );
        assert_eq!(end.exit.expect("set").code, Some(0));
        assert_nothing_left(&end);
    }
}

#[test]
fn a_straggler_has_an_id_and_a_program() {
    let trial = launch(&["grandchild:forever", "out:READY\\n", "sleep:50", "exit:3"]);
    let end = trial.wait("failed");
    let cleanup = end.cleanup.as_ref().expect("set");
    let [straggler] = &cleanup.stragglers[..] else {
        panic!("{cleanup:?}");
    };
    assert!(straggler.pid != 0 && straggler.cmdline.contains("fake-child"));
    assert!(!lives(straggler.pid));
    assert_nothing_left(&end);
}

#[test]
fn what_is_started_at_the_first_instruction_is_in_the_job() {
    // The first process is gone before the second one has begun: only the job leads to it.
    for _ in 0..10 {
        let trial = launch(&["grandchild:grandchild:forever", "exit:3"]);
        let end = trial.wait("failed");
        assert_nothing_left(&end);
        for line in trial.lines() {
            if let Some(pid) = line.text.strip_prefix("GRANDCHILD pid=") {
                assert!(!lives(pid.parse().expect("a number")), "{}", line.text);
            }
        }
    }
}

#[test]
fn a_sidecar_keeps_no_pipe_of_its_host_open() {
    use std::io::Read as _;
    use std::os::windows::io::AsRawHandle as _;
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};

    let (mut reading, writing) = std::io::pipe().expect("a pipe");
    let handle = writing.as_raw_handle();
    // SAFETY: the handle is open.
    let set = unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) };
    assert_ne!(set, 0);
    let trial = launch(&["out:READY\\n", "until-eof"]);
    trial.wait("ready");
    drop(writing);
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(reading.read(&mut [0; 1])));
    let read = ended.recv_timeout(Duration::from_secs(5));
    assert!(matches!(read, Ok(Ok(0))), "{read:?}");
    trial.supervisor.stop();
    trial.wait("exited");
}

#[test]
fn a_fault_is_said_in_words() {
    for (code, name, part) in [
        (0xC000_0005_u32, "0xC0000005", "an access violation"),
        (
            0xC000_0135,
            "0xC0000135",
            "library that it needs is missing",
        ),
        (0xC000_0142, "0xC0000142", "could not be initialised"),
    ] {
        let end = launch(&[&format!("exit:{code}")]).wait("failed");
        let Reason::ExitedBeforeReady { exit } = reason(&end) else {
            panic!("{end:?}");
        };
        assert_eq!(exit.code, Some(code.cast_signed()));
        let report = end.failure.expect("set").report;
        assert!(report.what.contains(name), "{}", report.what);
        assert!(report.causes[0].contains(part), "{:?}", report.causes);
    }
}

#[test]
fn a_program_whose_library_is_missing_is_told_which() {
    // A copy of the child, in which the name of a library is another one of the same length.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("missing-library");
    fs::create_dir_all(&folder).expect("made");
    let mut program = fs::read(env!("CARGO_BIN_EXE_fake-child")).expect("readable");
    let name = b"WS2_32.dll";
    let at = program
        .windows(name.len())
        .position(|part| part.eq_ignore_ascii_case(name))
        .expect("it uses sockets");
    program[at..at + name.len()].copy_from_slice(b"ZZ2_32.dll");
    let path = folder.join("sidecar.exe");
    fs::write(&path, program).expect("written");
    let mut spec = spec(&["out:READY\\n", "forever"]);
    spec.program = path;
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial.wait("failed");
    let report = end.failure.expect("set").report;
    assert!(report.what.contains("0xC0000135"), "{}", report.what);
    assert!(
        report.causes[0].contains("ZZ2_32.dll"),
        "{:?}",
        report.causes
    );
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn an_empty_program_is_a_stand_in() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stand-in");
    fs::create_dir_all(&folder).expect("made");
    let mut spec = spec(&[]);
    spec.program = folder.join("sidecar.exe");
    fs::write(&spec.program, "").expect("written");
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial.wait("failed");
    assert!(matches!(reason(&end), Reason::SpawnIo { .. }), "{end:?}");
    assert!(end.failure.expect("set").text.contains("stand-in"));
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn all_three_names_of_the_temporary_folder_are_its_own() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("three names \u{fc}");
    fs::create_dir_all(&root).expect("made");
    let mut spec = spec(&[
        "show-env:TEMP",
        "show-env:TMP",
        "show-env:TMPDIR",
        "temp:left.bin",
        "out:READY\\n",
        "until-eof",
    ]);
    spec.eof_grace = PATIENCE;
    spec.temp = Some(TempSpec {
        root: root.clone(),
        prefix: "sidecar".to_owned(),
    });
    let trial = trial(spec);
    trial.supervisor.start();
    let ready = trial.wait("ready");
    let folder = ready.launched.expect("set").temp_dir.expect("set");
    for line in &trial.lines()[..3] {
        assert!(
            line.text.ends_with(&*folder.display().to_string()),
            "{}",
            line.text
        );
    }
    trial.supervisor.stop();
    let cleanup = trial.wait("exited").cleanup.expect("set");
    assert_eq!(cleanup.temp_left, ["left.bin"]);
    assert_eq!(cleanup.temp_error, None);
    fs::remove_dir(&root).expect("nothing is left in it");
}

#[test]
fn a_killed_first_process_leaves_nothing() {
    let trial = launch(&["grandchild:forever", "out:READY\\n", "forever"]);
    let first = trial.wait("ready").pid.expect("set");
    let until = Instant::now() + PATIENCE;
    let second: u32 = loop {
        let lines = trial.lines();
        let found = lines
            .iter()
            .find_map(|line| line.text.strip_prefix("GRANDCHILD pid="));
        if let Some(pid) = found {
            break pid.parse().expect("a number");
        }
        assert!(Instant::now() < until, "no second process");
        std::thread::sleep(Duration::from_millis(5));
    };
    let killed = std::process::Command::new("taskkill")
        .args(["/F", "/PID", &first.to_string()])
        .stdout(std::process::Stdio::null())
        .status()
        .expect("taskkill is part of Windows");
    assert!(killed.success());
    let end = trial.wait("failed");
    assert!(
        matches!(end.state, State::Failed(Reason::DiedAfterReady { .. })),
        "{end:?}"
    );
    assert!(!lives(second));
    assert_nothing_left(&end);
}
