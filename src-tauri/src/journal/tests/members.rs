//! The members of a journal: those that it may have, and no other.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sidecar_supervisor::State;
use tauri_plugin_sidecar_supervisor::HealthAnswer;

use super::schema::{assert_valid, objection};
use super::trial::{Trial, shell};
use super::writing::{config, read_back, written};
use crate::journal::{HostFacts, Journal, Recorder, SCHEMA};
use crate::scenario::Scenario;

#[test]
fn an_answer_of_the_health_route_is_valid() {
    let health = HealthAnswer {
        url: "http://127.0.0.1:4711/health".to_owned(),
        status: Some(200),
        body: Some("{}".to_owned()),
        error: None,
    };
    assert_valid(&written(Scenario::Ready, Recorder::default(), Some(health)));
}

#[test]
fn every_way_to_say_ready_is_valid_and_no_two_at_once() {
    let journal = written(Scenario::Ready, Recorder::default(), None);
    let with = |config: Value| {
        let mut journal = journal.clone();
        journal["config"] = config;
        journal
    };
    for more in [
        json!({}),
        json!({"ready": "UP", "ready_stream": "either"}),
        json!({"ready_pattern": "port=[0-9]+", "ready_stream": "stderr"}),
        json!({"ready_url": "http://127.0.0.1:{free_port}/", "health": "http://127.0.0.1:{port}/"}),
    ] {
        let good = json!(config(&more));
        assert_valid(&with(good.clone()));
        for (key, value) in [
            ("ready", json!("UP")),
            ("ready_pattern", json!("port=")),
            ("ready_url", json!("http://127.0.0.1:1/")),
            ("ready_stream", json!("stdin")),
        ] {
            if good[key].is_null() || key == "ready_stream" {
                let mut bad = good.clone();
                bad[key] = value;
                assert!(objection(&with(bad)).is_some(), "{more} with {key}");
            }
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_valid() {
    let mut journal: Journal = Journal {
        schema: SCHEMA,
        scenario: Scenario::Ready.name(),
        cycles: 1,
        host: HostFacts {
            name: "sidecar-host",
            version: "0.1.0",
            triple: "x86_64-unknown-linux-gnu",
            profile: "release",
            pid: 1,
            executable: PathBuf::from("sidecar-host"),
            args: Vec::new(),
            resource_dir: Some(PathBuf::from("/usr/lib/sidecar-host")),
        },
        config_path: PathBuf::from("sidecar.json"),
        config: None,
        config_error: Some("there is no such file".to_owned()),
        sidecar_path: None,
        launches: Vec::new(),
        health: None,
        notes: Vec::new(),
    };
    assert_valid(&read_back(&journal));
    journal.scenario = "never";
    assert!(objection(&read_back(&journal)).is_some());
}

/// Every object in a value, with the way to it.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                objects(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn one_member_more_or_less_anywhere_is_refused() {
    let trial = Trial::start(shell("echo gone >&2; sleep 600 & exit 3"));
    trial.wait(|now| matches!(now.state, State::Failed(_)));
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    let mut found = Vec::new();
    objects(&journal, "", &mut found);
    // Only the sidecar's own environment has names that cannot be known.
    found.retain(|pointer| pointer != "/config/env");
    assert!(found.len() > 15, "{found:?}");
    for pointer in found {
        let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut document = journal.clone();
            let object = document
                .pointer_mut(&pointer)
                .and_then(Value::as_object_mut);
            change(object.expect("an object"));
            objection(&document)
        };
        let more = changed(&|object| {
            object.insert("more".to_owned(), json!(1));
        });
        assert!(more.is_some(), "{pointer}/more");
        let object = journal.pointer(&pointer).and_then(Value::as_object);
        for name in object.expect("an object").keys() {
            // Journals of hosts that handed no port over are read as well.
            if name == "free_port" {
                continue;
            }
            let less = changed(&|object| {
                object.remove(name);
            });
            assert!(less.is_some(), "{pointer} without {name}");
        }
    }
}
