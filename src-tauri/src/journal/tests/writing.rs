//! Journals written as the application writes them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tauri_plugin_sidecar_supervisor::HealthAnswer;

use crate::config::SidecarConfig;
use crate::journal::{HostFacts, Journal, Recorder, SCHEMA};
use crate::scenario::Scenario;

/// A launch configuration with more keys, as the application understands it.
pub(super) fn config(more: &Value) -> SidecarConfig {
    let mut text = json!({
        "schema": 1, "name": "sidecar-hello", "variant": "nuitka-onefile", "packager": "nuitka",
        "packager_version": "4.3.3", "args": ["--port", "{free_port}"], "env": {"TOKEN": "abc"},
    });
    for (key, value) in more.as_object().expect("an object") {
        text[key] = value.clone();
    }
    SidecarConfig::parse(&text.to_string()).expect("valid")
}

/// Writes a journal as the application does, and reads it again.
pub(super) fn written(
    scenario: Scenario,
    recorder: Recorder,
    health: Option<HealthAnswer>,
) -> Value {
    let mut journal = Journal {
        schema: SCHEMA,
        scenario: scenario.name(),
        cycles: 5,
        host: HostFacts {
            name: "sidecar-host",
            version: "0.1.0",
            triple: "x86_64-unknown-linux-gnu",
            profile: "debug",
            pid: std::process::id(),
            executable: std::env::current_exe().expect("known"),
            args: vec!["sidecar-host".to_owned()],
            resource_dir: None,
        },
        config_path: PathBuf::from("sidecar.json"),
        config: Some(config(&json!({}))),
        config_error: None,
        sidecar_path: Some(PathBuf::from("/bin/sh")),
        launches: Vec::new(),
        health,
        notes: Vec::new(),
    };
    journal.take(recorder);
    read_back(&journal)
}

pub(super) fn read_back(journal: &Journal) -> Value {
    let folder = scratch("journal");
    let path = folder.join("journal.json");
    journal.write(&path).expect("written");
    let text = fs::read_to_string(&path).expect("readable");
    fs::remove_dir_all(folder).expect("removed");
    serde_json::from_str(&text).expect("valid JSON")
}

pub(super) fn scratch(name: &str) -> PathBuf {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    let folder = std::env::temp_dir().join(format!("{name}-{}-{test}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}
