//! The supervisor against a real child process: what a host may rely on, on every system. What only
//! one of them has is said where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sidecar_supervisor::{
    LineKind, Ready, ReadyStream, Reason, RestartPolicy, Snapshot, State, Stream, TempSpec,
};

#[path = "support/trial.rs"]
mod trial;
use trial::{PATIENCE, Trial, assert_nothing_left, launch, lives, reason, spec, trial};

/// The field of a line that the child printed, waiting for the line.
fn field(trial: &Trial, line_start: &str, key: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        for line in trial.lines() {
            if line.text.starts_with(line_start)
                && let Some((_, value)) =
                    sidecar_supervisor::fields(&line.text).find(|(name, _)| *name == key)
            {
                return value.to_owned();
            }
        }
        assert!(Instant::now() < until, "no line {line_start} {key}=");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_good_life_goes_through_every_state_once() {
    let trial = launch(&["out:BOOT sidecar=fake\\nREADY\\n", "until-eof"]);
    let ready = trial.wait("ready");
    assert!(ready.ready_ms.expect("set") >= ready.boot_ms.expect("set"));
    // Windows has no such groups: there it is the job.
    let group = ready.pid.map(u32::cast_signed).filter(|_| cfg!(unix));
    assert_eq!(ready.process_group, group);
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_nothing_left(&end);
    assert!(end.stop_ms.expect("set") < 5000.0);
    assert_eq!(
        trial.states(),
        ["spawning", "waiting_ready", "ready", "stopping", "exited"]
    );
    let kinds: Vec<LineKind> = trial.lines().iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LineKind::Boot, LineKind::Ready]);
}

#[test]
fn ready_may_be_split_across_reads() {
    let trial = launch(&[
        "out:RE", "sleep:60", "out:AD", "sleep:60", "out:Y\\n", "forever",
    ]);
    let ready = trial.wait("ready");
    assert!(ready.ready_ms.expect("set") >= 120.0);
}

#[test]
fn ready_with_crlf_is_ready() {
    launch(&["out:READY\\r", "sleep:30", "out:\\n", "forever"]).wait("ready");
}

#[test]
fn another_token_can_be_configured() {
    let mut spec = spec(&["out:READY\\n", "sleep:50", "out:SERVING\\n", "forever"]);
    spec.ready = Ready::line("SERVING", ReadyStream::Stdout).expect("valid");
    let trial = trial(spec);
    trial.supervisor.start();
    assert!(trial.wait("ready").ready_ms.expect("set") >= 50.0);
}

/// A child has to have spoken by then; its start alone takes longer on Windows.
const TIMEOUT_MS: u64 = if cfg!(windows) { 2000 } else { 250 };

fn never_ready(output: &str) -> Snapshot {
    let mut spec = spec(&[output, "forever"]);
    spec.ready_timeout = Duration::from_millis(TIMEOUT_MS);
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial.wait("failed");
    assert_eq!(
        reason(&end),
        &Reason::ReadyTimeout {
            timeout_ms: TIMEOUT_MS
        }
    );
    assert_nothing_left(&end);
    assert!(!trial.states().contains(&"ready".to_owned()));
    end
}

#[test]
fn what_only_looks_like_ready_ends_in_the_timeout_and_is_named() {
    for output in [
        "out:READY!\\n",
        "out: READY\\n",
        "out:NOT READY\\n",
        "out:ready\\n",
    ] {
        let text = never_ready(output).failure.expect("set").text;
        assert!(text.contains("has to stand alone"), "{output}:\n{text}");
    }
}

#[test]
fn ready_on_stderr_is_not_ready_and_is_named() {
    let text = never_ready("err:READY\\n").failure.expect("set").text;
    assert!(text.contains("printed to stderr"), "{text}");
}

#[test]
fn ready_without_a_newline_is_not_ready_and_is_named() {
    let text = never_ready("out:READY").failure.expect("set").text;
    assert!(text.contains("without a newline"), "{text}");
}

#[test]
fn silence_ends_in_the_timeout_with_a_report_to_act_on() {
    let report = never_ready("err:thinking\\n").failure.expect("set").report;
    assert!(report.causes.iter().any(|cause| cause.contains("flush")));
    assert_eq!(report.stderr_tail, ["thinking"]);
    let names: Vec<&str> = report
        .checks
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for name in ["path", "architecture", "configuration"] {
        assert!(names.contains(&name), "{names:?}");
    }
    // Files have no mode on Windows.
    assert_eq!(names.contains(&"mode"), cfg!(unix));
}

#[test]
fn invalid_text_before_ready_does_no_harm() {
    let trial = launch(&["out:\\xff\\xfe\\x00\\n", "out:READY\\n", "forever"]);
    trial.wait("ready");
    assert!(trial.lines()[0].text.contains('\u{fffd}'));
}

#[test]
fn ready_twice_is_a_failure() {
    for steps in [
        &["out:READY\\nREADY\\n", "forever"][..],
        &["out:READY\\n", "sleep:50", "out:READY\\n", "forever"],
    ] {
        let end = launch(steps).wait("failed");
        assert_eq!(reason(&end), &Reason::DuplicateReady);
        assert_nothing_left(&end);
    }
}

/// What is seen of a child that signals itself: a signal, or on Windows, which has none, a code.
fn ended_by(step: &str, number: i32) -> (&str, Option<i32>, Option<i32>) {
    let (unix, windows) = (Some(number).filter(|_| cfg!(unix)), Some(number));
    (step, windows.filter(|_| cfg!(windows)), unix)
}

#[test]
fn any_end_before_ready_is_a_failure_also_with_code_0() {
    for (step, code, signal) in [
        ("exit:0", Some(0), None),
        ("exit:3", Some(3), None),
        ended_by("signal:9", 9),
        ended_by("signal:6", 6),
    ] {
        let end = launch(&["err:last words\\n", step]).wait("failed");
        match reason(&end) {
            Reason::ExitedBeforeReady { exit } => {
                assert_eq!((exit.code, exit.signal), (code, signal));
            }
            other => panic!("{step}: {other:?}"),
        }
        let report = end.failure.expect("set").report;
        assert_eq!(report.stderr_tail, ["last words"]);
        assert!(!report.causes.is_empty());
    }
}

#[test]
fn a_child_that_dies_right_after_ready_was_ready_and_died() {
    // READY may be read before or after the end is noticed: the outcome is the same.
    for _ in 0..20 {
        let trial = launch(&["out:READY\\n", "exit:0"]);
        let end = trial.wait("failed");
        assert!(
            matches!(reason(&end), Reason::DiedAfterReady { exit } if exit.code == Some(0)),
            "{end:?}"
        );
        assert!(end.ready_ms.is_some());
        assert!(trial.states().contains(&"ready".to_owned()));
    }
}

#[test]
fn a_missing_program_is_not_found() {
    let folder = scratch("not-found");
    let program = folder.join("sidecar.exe");
    let mut missing = spec(&[]);
    missing.program.clone_from(&program);
    let failing = trial(missing);
    failing.supervisor.start();
    let end = failing.wait("failed");
    assert!(matches!(reason(&end), Reason::NotFound { path } if *path == program));
    assert!(end.failure.expect("set").text.contains("not staged"));
    fs::remove_dir_all(folder).expect("removed");
}

#[cfg(unix)] // Windows has no such bit
#[test]
fn a_lost_exec_bit_is_told_from_a_missing_program() {
    let folder = scratch("spawn-errors");
    let program = folder.join("sidecar");
    fs::write(&program, "x").expect("written");
    let mut plain = spec(&[]);
    plain.program.clone_from(&program);
    let failing = trial(plain);
    failing.supervisor.start();
    let end = failing.wait("failed");
    assert!(matches!(reason(&end), Reason::PermissionDenied { .. }));
    assert!(end.failure.expect("set").text.contains("chmod +x"));
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_child_that_ends_at_end_of_file_is_not_signalled_on_its_way_out() {
    let mut spec = spec(&[
        "out:READY\\n",
        "until-eof",
        "sleep:150",
        "out:CLEAN\\n",
        "exit:0",
    ]);
    spec.eof_grace = Duration::from_secs(10);
    let trial = trial(spec);
    trial.supervisor.start();
    trial.wait("ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_eq!(end.exit.expect("set").code, Some(0));
    assert_eq!(trial.lines().last().expect("printed").text, "CLEAN");
}

#[cfg(unix)] // Windows has Ctrl-Break in its place: see windows.rs
#[test]
fn a_child_that_does_not_watch_stdin_gets_sigterm() {
    let trial = launch(&["out:READY\\n", "forever"]);
    trial.wait("ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_eq!(end.exit.expect("set").signal, Some(15));
    let cleanup = end.cleanup.expect("set");
    assert!(!cleanup.killed);
    assert_eq!(cleanup.not_asked, None);
}

#[test]
fn a_child_that_ignores_what_it_is_asked_is_killed_after_the_grace() {
    let mut spec = spec(&["ignore-term", "out:READY\\n", "forever"]);
    spec.stop_grace = Duration::from_millis(300);
    let trial = trial(spec);
    trial.supervisor.start();
    trial.wait("ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    let (_, code, signal) = ended_by("", if cfg!(unix) { 9 } else { 1 });
    let exit = end.exit.expect("set");
    assert_eq!((exit.code, exit.signal), (code, signal));
    let cleanup = end.cleanup.as_ref().expect("set");
    // There is no grace for what cannot be asked, as nothing can be under Wine.
    assert!(cleanup.not_asked.is_some() || end.stop_ms.expect("set") >= 300.0);
    assert!(cfg!(windows) || cleanup.not_asked.is_none());
    assert!(cleanup.killed);
    assert_nothing_left(&end);
}

#[test]
fn a_grandchild_that_keeps_the_pipes_does_not_keep_the_supervisor() {
    // As with a onefile build whose launcher is killed alone: its Python holds both pipes.
    let mut spec = spec(&[
        "grandchild:ignore-term,forever",
        "out:READY\\n",
        "sleep:50",
        "signal:9",
    ]);
    spec.crash_grace = Duration::from_millis(200);
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial.wait("failed");
    let (_, code, signal) = ended_by("", 9);
    assert!(
        matches!(reason(&end), Reason::DiedAfterReady { exit }
        if (exit.code, exit.signal) == (code, signal)),
        "{end:?}"
    );
    let grandchild: u32 = field(&trial, "GRANDCHILD", "pid")
        .parse()
        .expect("a number");
    let cleanup = end.cleanup.as_ref().expect("set");
    assert!(
        cleanup
            .stragglers
            .iter()
            .any(|process| process.pid == grandchild)
    );
    assert!(!lives(grandchild));
    assert_nothing_left(&end);
}

#[test]
fn a_grandchild_that_left_group_session_and_environment_is_found() {
    let mut spec = spec(&["escape:ignore-term,forever", "out:READY\\n", "until-eof"]);
    spec.stop_grace = Duration::from_millis(200);
    let trial = trial(spec);
    trial.supervisor.start();
    trial.wait("ready");
    let escaped: u32 = field(&trial, "GRANDCHILD", "pid")
        .parse()
        .expect("a number");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert!(!lives(escaped));
    assert_nothing_left(&end);
}

#[test]
fn the_ready_timeout_ends_the_whole_tree() {
    let mut spec = spec(&["grandchild:ignore-term,forever", "ignore-term", "forever"]);
    spec.ready_timeout = Duration::from_millis(2000);
    spec.stop_grace = Duration::from_millis(200);
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial.wait("failed");
    assert_eq!(reason(&end), &Reason::ReadyTimeout { timeout_ms: 2000 });
    let grandchild: u32 = field(&trial, "GRANDCHILD", "pid")
        .parse()
        .expect("a number");
    assert!(!lives(grandchild));
    assert_nothing_left(&end);
}

#[test]
fn stop_during_the_spawn_wins() {
    for _ in 0..20 {
        let trial = launch(&["out:READY\\n", "forever"]);
        trial.supervisor.stop();
        let end = trial.wait("exited");
        assert_nothing_left(&end);
        assert_eq!(end.failure, None);
    }
}

#[test]
fn a_stop_that_is_waited_for_counts_a_start_that_was_on_its_way() {
    let root = scratch("stop-and-wait");
    let mut spec = spec(&["out:READY\\n", "forever"]);
    spec.temp = Some(TempSpec {
        root: root.clone(),
        prefix: "trial".to_owned(),
    });
    let trial = trial(spec);
    for number in 1..=50 {
        trial.supervisor.start();
        let last = trial.supervisor.stop_and_wait(PATIENCE).expect("it rests");
        assert_eq!(last.launch, number);
        let left = fs::read_dir(&root).expect("the folder is there").count();
        assert_eq!(left, 0, "launch {number}");
    }
}

#[test]
fn restart_gives_a_new_process_and_ends_the_old_one() {
    let trial = launch(&["out:READY\\n", "until-eof"]);
    let first = trial.wait("ready");
    trial.supervisor.restart();
    let second = trial
        .supervisor
        .wait_for(PATIENCE, |now| now.launch == 2 && now.state == State::Ready)
        .expect("ready again");
    assert_ne!(first.pid, second.pid);
    assert!(!lives(first.pid.expect("set")));
}

#[test]
fn restart_during_a_stop_starts_after_it_and_a_later_stop_wins() {
    let mut spec = spec(&["ignore-term", "out:READY\\n", "forever"]);
    spec.stop_grace = Duration::from_millis(200);
    let trial = trial(spec);
    trial.supervisor.start();
    trial.wait("ready");
    trial.supervisor.stop();
    trial.wait("stopping");
    trial.supervisor.restart();
    trial
        .supervisor
        .wait_for(PATIENCE, |now| now.launch == 2 && now.state == State::Ready)
        .expect("ready again");
    trial.supervisor.restart();
    trial.wait("stopping");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_eq!(end.launch, 2);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(trial.supervisor.snapshot().launch, 2);
}

fn quick_restarts() -> RestartPolicy {
    RestartPolicy {
        first_delay: Duration::from_millis(10),
        max_delay: Duration::from_millis(40),
        max_crashes: 3,
        ..RestartPolicy::default()
    }
}

#[test]
fn a_crash_after_ready_restarts_until_the_breaker_opens() {
    let mut spec = spec(&["out:READY\\n", "sleep:20", "exit:1"]);
    spec.restart = quick_restarts();
    let trial = trial(spec);
    trial.supervisor.start();
    let end = trial
        .supervisor
        .wait_for(PATIENCE, |now| now.recovery.left_because.is_some())
        .expect("the breaker opens");
    assert_eq!((end.launch, end.recovery.crashes), (3, 3));
    assert!(end.recovery.left_because.expect("set").contains("3 times"));
}

#[test]
fn a_restart_that_is_due_is_called_off_by_stop_and_by_shutdown() {
    for shut_down in [false, true] {
        let mut spec = spec(&["out:READY\\n", "exit:1"]);
        spec.restart = quick_restarts();
        spec.restart.first_delay = Duration::from_millis(200);
        spec.restart.max_delay = Duration::from_millis(200);
        let trial = trial(spec);
        trial.supervisor.start();
        trial
            .supervisor
            .wait_for(PATIENCE, |now| now.recovery.restart_at_ms.is_some())
            .expect("a restart is due");
        if shut_down {
            trial.supervisor.shutdown();
        } else {
            trial.supervisor.stop();
        }
        std::thread::sleep(Duration::from_millis(350));
        assert_eq!(trial.supervisor.snapshot().launch, 1);
    }
}

#[test]
fn a_stop_while_a_crash_is_cleared_away_calls_the_restart_off() {
    let mut spec = spec(&["grandchild:ignore-term,forever", "out:READY\\n", "exit:3"]);
    spec.restart = quick_restarts();
    spec.crash_grace = Duration::from_millis(500);
    let trial = trial(spec);
    trial.supervisor.start();
    // It has died, and what it left running gets its grace.
    trial.wait("stopping");
    trial.supervisor.stop();
    let end = trial.wait("failed");
    assert_eq!(end.recovery.restart_at_ms, None);
    assert!(end.recovery.left_because.is_some(), "{:?}", end.recovery);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(trial.supervisor.snapshot().launch, 1);
    assert_nothing_left(&end);
}

#[test]
fn nothing_starts_after_a_shutdown() {
    let trial = launch(&["out:READY\\n", "until-eof"]);
    trial.wait("ready");
    trial.supervisor.restart();
    let end = trial.supervisor.shutdown();
    assert!(end.state.is_at_rest());
    assert_nothing_left(&end);
    trial.supervisor.start();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(trial.supervisor.snapshot(), end);
}

#[test]
fn kill_does_not_wait_for_the_grace() {
    let trial = launch(&["ignore-term", "out:READY\\n", "forever"]);
    trial.wait("ready");
    trial.supervisor.stop();
    trial.wait("stopping");
    trial.supervisor.kill();
    let end = trial.wait("exited");
    assert!(end.stop_ms.expect("set") < 4000.0);
    assert_nothing_left(&end);
}

#[test]
fn arguments_and_environment_arrive() {
    let mut spec = spec(&[
        "show-args",
        "show-env:SIDECAR_TOKEN",
        "show-env:SIDECAR_EXIT_ON_EOF",
        "out:READY\\n",
        "forever",
    ]);
    spec.env = vec![("SIDECAR_TOKEN".to_owned(), "a b\u{e9}".to_owned())];
    let trial = trial(spec);
    trial.supervisor.start();
    let ready = trial.wait("ready");
    let texts: Vec<String> = trial.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(
        texts[..3],
        [
            "ARGS count=6",
            "ENV SIDECAR_TOKEN=a b\u{e9}",
            "ENV SIDECAR_EXIT_ON_EOF=1"
        ]
    );
    assert_eq!(ready.launched.expect("set").args.len(), 5);
}

#[test]
fn a_temporary_folder_of_its_own_is_counted_and_removed() {
    let root = scratch("temp");
    let mut spec = spec(&["temp:left.bin", "out:READY\\n", "forever"]);
    spec.temp = Some(TempSpec {
        root: root.clone(),
        prefix: "sidecar".to_owned(),
    });
    let trial = trial(spec);
    trial.supervisor.start();
    let ready = trial.wait("ready");
    let folder = ready.launched.expect("set").temp_dir.expect("set");
    assert!(folder.starts_with(&root) && folder.join("left.bin").exists());
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_eq!(end.cleanup.expect("set").temp_left, ["left.bin"]);
    assert_eq!(fs::read_dir(&root).expect("readable").count(), 0);
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn stderr_is_captured_and_marked() {
    let trial = launch(&["err:warning\\n", "out:READY\\n", "until-eof"]);
    trial.wait("ready");
    trial.supervisor.stop();
    trial.wait("exited");
    let lines = trial.lines();
    let warning = lines
        .iter()
        .find(|line| line.text == "warning")
        .expect("kept");
    assert_eq!(
        (warning.stream, warning.kind),
        (Stream::Stderr, LineKind::Other)
    );
}

#[test]
fn tails_are_bounded_in_lines() {
    let end = launch(&["lines:100000", "exit:1"]).wait("failed");
    let tail = end.failure.expect("set").report.stdout_tail;
    assert_eq!(tail.len(), 100);
    assert_eq!(tail[99], "line 99999");
}

#[test]
fn the_host_process_dying_ends_the_sidecar() {
    // The thread that launched it ends with this copy of the test program, by SIGKILL.
    if let Ok(pid_file) = std::env::var("SUPERVISOR_TEST_HOST") {
        let steps = std::env::var("SUPERVISOR_TEST_STEPS").expect("set with the other");
        let trial = launch(&steps.split(' ').collect::<Vec<_>>());
        let ready = trial.wait("ready");
        let mut pids = vec![ready.pid.expect("set").to_string()];
        if steps.contains("grandchild:") {
            pids.push(field(&trial, "GRANDCHILD", "pid"));
        }
        fs::write(pid_file, pids.join(" ") + "\n").expect("written");
        std::thread::sleep(Duration::from_secs(600));
    }
    // By a signal alone, by end of file on stdin alone, and what a launcher has started and does
    // not pass the signal on to.
    host_death_ends("out:READY\\n forever");
    host_death_ends("ignore-term out:READY\\n until-eof");
    host_death_ends("grandchild:forever out:READY\\n forever");
}

fn host_death_ends(steps: &str) {
    let folder = scratch("host-death");
    let pid_file = folder.join("pid");
    let mut host = std::process::Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "the_host_process_dying_ends_the_sidecar"])
        .env("SUPERVISOR_TEST_HOST", &pid_file)
        .env("SUPERVISOR_TEST_STEPS", steps)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("started");
    let until = Instant::now() + PATIENCE;
    let pids: Vec<u32> = loop {
        let text = fs::read_to_string(&pid_file).unwrap_or_default();
        if text.ends_with('\n') {
            let numbers = text.split_whitespace().map(str::parse);
            break numbers.collect::<Result<_, _>>().expect("process ids");
        }
        assert!(Instant::now() < until, "the host did not start its sidecar");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(pids.iter().all(|&pid| lives(pid)));
    host.kill().expect("killed");
    host.wait().expect("reaped");
    while pids.iter().any(|&pid| lives(pid)) {
        assert!(Instant::now() < until, "the sidecar outlived its host");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_dir_all(folder).expect("removed");
}

fn scratch(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}
