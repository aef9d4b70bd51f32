//! Sidecars that become ready, and what is left of one.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use sidecar_supervisor::{RestartPolicy, State};
use tauri_plugin_sidecar_supervisor::HealthAnswer;

use super::names::KINDS;
use super::schema::assert_valid;
use super::trial::{Trial, shell};
use crate::scenario::Scenario;

#[test]
fn a_good_life_is_valid_with_its_health() {
    let trial = Trial::start(shell(
        "echo BOOT sidecar=sh; echo READY; echo HEARTBEAT n=1; echo warning >&2; read x; \
         echo SHUTDOWN reason=eof",
    ));
    trial.wait(|now| now.state == State::Ready);
    // Nobody answers there, and that is an answer of the journal too.
    let health = HealthAnswer {
        url: "http://127.0.0.1:1/".to_owned(),
        status: None,
        body: None,
        error: Some("Connecting to 127.0.0.1:1 failed".to_owned()),
    };
    trial.supervisor.stop();
    trial.wait(|now| now.state == State::Exited);
    let journal = trial.journal(Scenario::Ready, Some(health));
    assert_valid(&journal);
    let lines = journal["launches"][0]["lines"].as_array().expect("a list");
    let seen: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["kind"].as_str())
        .collect();
    assert_eq!(seen, KINDS.iter().copied().collect());
    assert!(journal["health"]["error"].is_string());
}

#[test]
fn a_restart_and_a_recovery_are_valid() {
    let trial = Trial::start(shell("echo READY; exec cat"));
    trial.wait(|now| now.state == State::Ready);
    trial.supervisor.restart();
    trial.wait(|now| now.launch == 2 && now.state == State::Ready);
    let journal = trial.journal(Scenario::Restart, None);
    assert_valid(&journal);
    assert_eq!(journal["launches"].as_array().map(Vec::len), Some(2));

    let mut spec = shell("echo READY; exit 1");
    spec.restart = RestartPolicy {
        first_delay: Duration::from_millis(10),
        max_crashes: 2,
        ..RestartPolicy::default()
    };
    let trial = Trial::start(spec);
    trial.wait(|now| now.recovery.left_because.is_some());
    let journal = trial.journal(Scenario::Recover, None);
    assert_valid(&journal);
    assert_eq!(journal["launches"][1]["recovery"]["crashes"], 2);
}

#[test]
fn what_is_left_behind_is_valid() {
    // The child of the shell outlives it, and a file stays in the temporary folder.
    let trial = Trial::start(shell("sleep 600 & echo > $TMPDIR/left; echo READY; exit 3"));
    trial.wait(|now| matches!(now.state, State::Failed(_)));
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    let cleanup = &journal["launches"][0]["cleanup"];
    assert_eq!(cleanup["stragglers"].as_array().map(Vec::len), Some(1));
    assert_eq!(cleanup["temp_left"], json!(["left"]));
}

#[test]
fn a_port_that_was_handed_over_is_in_the_journal() {
    let trial = Trial::start(shell("echo READY {free_port}; echo READY; exec cat"));
    let ready = trial.wait(|now| now.state == State::Ready);
    let port = ready.launched.and_then(|launched| launched.free_port);
    let journal = trial.journal(Scenario::Ready, None);
    assert_valid(&journal);
    let launch = &journal["launches"][0];
    assert_eq!(launch["launched"]["free_port"], json!(port.expect("set")));
    let line = &launch["lines"][0]["text"];
    assert_eq!(*line, json!(format!("READY {}", port.expect("set"))));
}
