//! Launches that fail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use sidecar_supervisor::{Cleanup, Failure, LaunchSpec, Ready, Reason, Report, Snapshot, State};

use super::names::{reason_name, state_name};
use super::schema::assert_valid;
use super::trial::{Trial, shell};
use super::writing::{scratch, written};
use crate::journal::Recorder;
use crate::scenario::Scenario;

/// One failed launch: its journal is valid and names the reason.
fn assert_fails(spec: LaunchSpec, reason: &str) {
    let trial = Trial::start(spec);
    let end = trial.wait(|now| matches!(now.state, State::Failed(_)));
    assert_eq!(state_name(&end.state), "failed");
    assert_eq!(reason_name(&end.failure.expect("set").reason), reason);
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    assert_eq!(
        journal["launches"][0]["failure"]["reason"]["kind"], reason,
        "{journal:#}"
    );
}

#[test]
fn every_failure_that_can_be_made_is_valid() {
    let folder = scratch("journal-failures");
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        path
    };
    let program = |path: &Path| LaunchSpec {
        program: path.to_owned(),
        ..shell("")
    };
    assert_fails(program(&folder.join("nowhere")), "not_found");
    assert_fails(
        program(&file("plain", "#!/bin/sh\n", 0o644)),
        "permission_denied",
    );
    assert_fails(program(&file("empty", "", 0o755)), "spawn_io");
    assert_fails(shell("echo bad >&2; exit 3"), "exited_before_ready");
    assert_fails(shell("kill -9 $$"), "exited_before_ready");
    assert_fails(
        LaunchSpec {
            ready_timeout: Duration::from_millis(200),
            ..shell("echo READY!; exec sleep 600")
        },
        "ready_timeout",
    );
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = held.local_addr().expect("known").port();
    let ready = Ready::url(&format!("http://127.0.0.1:{port}/"));
    assert_fails(
        LaunchSpec {
            ready: ready.expect("valid"),
            ..shell("exec sleep 600")
        },
        "port_in_use",
    );
    assert_fails(
        shell("echo READY; echo READY; exec sleep 600"),
        "duplicate_ready",
    );
    assert_fails(shell("echo READY; sleep 0.1"), "died_after_ready");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_the_system_refuses_is_valid() {
    // That it is refused for real is the matter of the supervisor's own tests.
    let error = || "Resource temporarily unavailable (os error 11)".to_owned();
    for reason in [
        Reason::ThreadNotStarted { error: error() },
        Reason::NoFreePort { error: error() },
        Reason::Blocked {
            path: "C:/app/sidecar.exe".into(),
            error: "contains a virus (os error 225)".to_owned(),
        },
    ] {
        let report = Report {
            what: reason.to_string(),
            causes: vec!["A limit is reached.".to_owned()],
            checks: vec![("threads of the host".to_owned(), "4000".to_owned())],
            stdout_tail: Vec::new(),
            stderr_tail: Vec::new(),
        };
        let mut recorder = Recorder::default();
        recorder.change(&Snapshot {
            state: State::Failed(reason.clone()),
            launch: 1,
            cleanup: Some(Cleanup {
                not_asked: Some("it has no console".to_owned()),
                ..Cleanup::default()
            }),
            failure: Some(Failure {
                text: report.to_string(),
                reason,
                report,
            }),
            ..Snapshot::idle()
        });
        assert_valid(&written(Scenario::Failure, recorder, None));
    }
}
