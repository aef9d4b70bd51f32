//! Every way in which a sidecar can say that it is ready, and the port that it is handed.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sidecar_supervisor::{
    Event, LaunchSpec, LineKind, Ready, ReadyStream, Reason, RestartPolicy, Snapshot, State,
    Stream, Supervisor,
};

#[path = "support/trial.rs"]
mod trial;
use trial::{PATIENCE, Trial, assert_nothing_left, launch, lives, reason, spec, trial};

/// Long enough for a child to start and an answer to be waited for on a busy machine; its start alone
/// takes longer on Windows.
const TIMEOUT_MS: u64 = if cfg!(windows) { 3000 } else { 800 };
const URL: &str = "http://127.0.0.1:{free_port}/health";

fn pattern(pattern: &str, stream: ReadyStream) -> Ready {
    Ready::pattern(pattern, stream).expect("valid")
}

fn url(template: &str) -> Ready {
    Ready::url(template).expect("valid")
}

fn waiting_for(ready: Ready, steps: &[&str]) -> LaunchSpec {
    LaunchSpec {
        ready,
        ..spec(steps)
    }
}

fn started(spec: LaunchSpec) -> Trial {
    let trial = trial(spec);
    trial.supervisor.start();
    trial
}

/// READY does not come in time: the report's text.
fn never_ready(ready: Ready, steps: &[&str]) -> String {
    let trial = started(LaunchSpec {
        ready_timeout: Duration::from_millis(TIMEOUT_MS),
        ..waiting_for(ready, steps)
    });
    let end = trial.wait("failed");
    assert_eq!(
        reason(&end),
        &Reason::ReadyTimeout {
            timeout_ms: TIMEOUT_MS
        }
    );
    assert_nothing_left(&end);
    assert!(!trial.states().contains(&"ready".to_owned()));
    end.failure.expect("set").text
}

fn port_of(snapshot: &Snapshot) -> u16 {
    let launched = snapshot.launched.as_ref().expect("set");
    launched.free_port.expect("handed over")
}

#[test]
fn a_line_on_stderr_is_ready_where_it_is_looked_for() {
    for (stream, step) in [
        (ReadyStream::Stderr, "err:READY\\n"),
        (ReadyStream::Either, "err:READY\\n"),
        (ReadyStream::Either, "out:READY\\n"),
    ] {
        let ready = Ready::line("READY", stream).expect("valid");
        let trial = started(waiting_for(ready, &["sleep:30", step, "forever"]));
        assert!(trial.wait("ready").ready_ms.expect("set") >= 30.0);
        let kinds: Vec<LineKind> = trial.lines().iter().map(|line| line.kind).collect();
        assert_eq!(kinds, [LineKind::Ready]);
    }
}

#[test]
fn a_pattern_is_found_within_a_line() {
    let ready = pattern(r"running on http://\S+:\d+", ReadyStream::Stderr);
    let trial = started(waiting_for(
        ready,
        &[
            "err:INFO: started, not yet running on http\\n",
            "sleep:50",
            "err:INFO: running on http://127.0.0.1:8000 (CTRL+C ends it)\\n",
            "err:INFO: GET / 200\\n",
            "forever",
        ],
    ));
    assert!(trial.wait("ready").ready_ms.expect("set") >= 50.0);
    let lines = trial.lines();
    let ready: Vec<_> = lines
        .iter()
        .filter(|line| line.kind == LineKind::Ready)
        .collect();
    assert_eq!((ready.len(), ready[0].stream), (1, Stream::Stderr));
}

#[test]
fn a_pattern_may_be_split_across_reads_and_needs_its_newline() {
    let ready = || pattern("^listening", ReadyStream::Stdout);
    let steps = [
        "out:listen",
        "sleep:60",
        "out:ing on 80",
        "sleep:60",
        "out:\\n",
        "forever",
    ];
    let trial = started(waiting_for(ready(), &steps));
    assert!(trial.wait("ready").ready_ms.expect("set") >= 120.0);
    let text = never_ready(ready(), &["out:listening on 80", "forever"]);
    assert!(text.contains("without a newline"), "{text}");
}

#[test]
fn a_pattern_on_the_other_stream_is_not_ready_and_is_named() {
    let ready = pattern(r"port=\d+", ReadyStream::Stdout);
    let text = never_ready(ready, &["err:port=80\\n", "forever"]);
    assert!(text.contains("printed to stderr"), "{text}");
    assert!(
        text.contains(r#"READY pattern: "port=\\d+", in a line of stdout"#),
        "{text}"
    );
}

#[test]
fn a_pattern_that_comes_twice_is_a_failure_that_shows_both_lines() {
    for (stream, steps) in [
        (
            ReadyStream::Stdout,
            ["out:port=80\\nport=81\\n", "forever", ""],
        ),
        (
            ReadyStream::Either,
            ["out:port=80\\n", "err:port=81\\n", "forever"],
        ),
    ] {
        let steps: Vec<&str> = steps.into_iter().filter(|step| !step.is_empty()).collect();
        let trial = started(waiting_for(pattern(r"port=\d+", stream), &steps));
        let end = trial.wait("failed");
        assert_eq!(reason(&end), &Reason::DuplicateReady);
        assert_nothing_left(&end);
        let causes = end.failure.expect("set").report.causes;
        assert!(
            causes[0].contains("port=80") && causes[0].contains("port=81"),
            "{causes:?}"
        );
    }
}

#[test]
fn the_port_is_handed_over_in_arguments_and_environment() {
    let mut spec = spec(&[
        "show-env:PORT",
        "out:ARG {free_port}\\n",
        "out:READY\\n",
        "forever",
    ]);
    spec.env = vec![("PORT".to_owned(), "<{free_port}>".to_owned())];
    let trial = started(spec);
    let ready = trial.wait("ready");
    let port = port_of(&ready);
    let texts: Vec<String> = trial.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(
        texts[..2],
        [format!("ENV PORT=<{port}>"), format!("ARG {port}")]
    );
    // What was launched is told as it was, not as it was configured.
    let launched = ready.launched.expect("set");
    assert_eq!(launched.args[1], format!("out:ARG {port}\\n"));
    assert!(
        launched
            .env
            .contains(&("PORT".to_owned(), format!("<{port}>")))
    );

    // Each launch gets one of its own.
    let mut ports = vec![port];
    for number in 2..5 {
        trial.supervisor.restart();
        let ready = trial.supervisor.wait_for(PATIENCE, |now| {
            now.launch == number && now.state == State::Ready
        });
        ports.push(port_of(&ready.expect("ready again")));
    }
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() > 1, "{ports:?}");
}

#[test]
fn without_a_field_there_is_no_port() {
    let ready = launch(&["out:READY\\n", "forever"]).wait("ready");
    assert_eq!(ready.launched.expect("set").free_port, None);
}

#[test]
fn a_url_that_answers_is_ready() {
    for (status, is_ready) in [("200", true), ("204", true), ("307", true), ("404", false)] {
        let serve = format!("serve:{{free_port}},{status}");
        if is_ready {
            let trial = started(waiting_for(url(URL), &["sleep:50", &serve, "forever"]));
            let ready = trial.wait("ready");
            assert!(ready.ready_ms.expect("set") >= 50.0);
            assert_eq!(trial.states(), ["spawning", "waiting_ready", "ready"]);
            trial.supervisor.stop();
            assert_nothing_left(&trial.wait("exited"));
        } else {
            let text = never_ready(url(URL), &[&serve, "forever"]);
            assert!(text.contains("status 404"), "{text}");
        }
    }
}

#[test]
fn a_url_is_asked_until_it_is_well() {
    let steps = ["serve:{free_port},503,200,200", "out:up\\n", "forever"];
    let ready = started(waiting_for(url(URL), &steps)).wait("ready");
    assert!(ready.ready_ms.expect("set") >= 200.0);
}

#[test]
fn what_a_url_answered_last_is_in_the_report() {
    let late = format!("did not answer within {} ms", TIMEOUT_MS / 2);
    for (steps, parts) in [
        (
            &["out:{free_port}\\n", "forever"][..],
            [
                "last answer: Connecting to 127.0.0.1:",
                "Nothing listens at http://127.0.0.1:",
            ],
        ),
        (
            &["serve:{free_port},500", "forever"],
            ["last answer: status 500", "says that it is not well"],
        ),
        (
            &["serve:{free_port},401", "forever"],
            ["last answer: status 401", "another path is meant"],
        ),
        (
            &["talk:{free_port},SSH-2.0\\n", "forever"],
            ["did not answer in HTTP", "another protocol"],
        ),
        (
            &["hold:{free_port}", "forever"],
            [&*late, "does not answer them"],
        ),
    ] {
        let text = never_ready(url(URL), steps);
        for part in parts {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        let line = text
            .lines()
            .find(|line| line.contains("READY URL: "))
            .expect("a check");
        let port = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("port handed over: "));
        let named = format!("http://127.0.0.1:{}/health", port.expect("a check"));
        assert!(line.contains(&named), "{line}");
    }
}

#[test]
fn a_child_that_ends_before_its_url_answers_has_failed() {
    let trial = started(waiting_for(url(URL), &["out:{free_port}\\n", "exit:0"]));
    let end = trial.wait("failed");
    assert!(matches!(reason(&end), Reason::ExitedBeforeReady { exit } if exit.code == Some(0)));
}

#[test]
fn a_stop_before_the_url_answers_ends_it() {
    let trial = started(waiting_for(
        url(URL),
        &["hold:{free_port}", "out:up\\n", "forever"],
    ));
    trial.wait("waiting_ready");
    trial.supervisor.stop();
    let end = trial.wait("exited");
    assert_nothing_left(&end);
    assert_eq!(end.ready_ms, None);
}

#[test]
fn a_stranger_at_the_port_is_not_taken_for_the_sidecar() {
    let held = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = held.local_addr().expect("known").port();
    let serve = format!("serve:{port},200");
    let fixed = url(&format!("http://127.0.0.1:{port}/"));
    let trial = started(waiting_for(fixed, &[&serve, "forever"]));
    let end = trial.wait("failed");
    assert!(matches!(reason(&end), Reason::PortInUse { port: named, .. } if *named == port));
    assert_eq!(end.pid, None);
    let text = end.failure.expect("set").text;
    assert!(
        text.contains(&port.to_string()) && text.contains("{free_port}"),
        "{text}"
    );
    assert!(!text.contains("last answer"), "it was not asked:\n{text}");

    // When the stranger is gone the same spec is as good as any. It is not gone at once: a child that
    // another test is starting holds every descriptor of this process until its exec.
    drop(held);
    let patience = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < patience, "port {port} is still held");
        thread::sleep(Duration::from_millis(5));
    }
    trial.supervisor.start();
    let ready = trial.wait("ready");
    assert!(lives(ready.pid.expect("it runs")));
}

#[test]
fn a_port_that_the_child_cannot_have_is_named() {
    let held = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = held.local_addr().expect("known").port();
    let end = launch(&[&format!("serve:{port},200"), "forever"]).wait("failed");
    assert!(matches!(reason(&end), Reason::ExitedBeforeReady { .. }));
    let causes = end.failure.expect("set").report.causes;
    assert!(causes[0].contains("port is taken"), "{causes:?}");
}

#[test]
fn a_url_is_asked_anew_after_a_crash_at_another_port() {
    let mut spec = waiting_for(url(URL), &["serve:{free_port},200", "sleep:200", "exit:1"]);
    spec.restart = RestartPolicy {
        first_delay: Duration::from_millis(10),
        max_crashes: 2,
        ..RestartPolicy::default()
    };
    let trial = started(spec);
    let end = trial
        .supervisor
        .wait_for(PATIENCE, |now| now.recovery.left_because.is_some())
        .expect("the breaker opens");
    assert_eq!((end.launch, end.recovery.crashes), (2, 2));
    let ready = trial
        .states()
        .iter()
        .filter(|state| *state == "ready")
        .count();
    assert_eq!(ready, 2);
}

#[test]
fn a_port_that_is_not_handed_over_is_refused_at_once() {
    let spec = waiting_for(url(URL), &["forever"]);
    let seen = Arc::new(Mutex::new(0));
    let sink = Arc::clone(&seen);
    let result = Supervisor::new(spec, move |_: Event<'_>| *sink.lock().expect("fine") += 1);
    let error = result.err().expect("refused").to_string();
    assert!(
        error.contains("`ready_url`") && error.contains("`args`"),
        "{error}"
    );
    assert_eq!(*seen.lock().expect("fine"), 0);
}
