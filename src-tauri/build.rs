//! Checks that a sidecar is staged, then lets Tauri take it in.

use std::path::Path;
use std::{env, fs, process};

use serde_json::Value;

/// What the window may call; the capability file grants these and nothing else.
const COMMANDS: &[&str] = &["view", "watch", "stop", "restart", "report", "save_report"];

fn main() {
    let missing = missing_files();
    if !missing.is_empty() {
        println!(
            "cargo::error=No sidecar is staged: {} missing in src-tauri/. `invoke verify` stages each built \
             variant and builds the host. To check the code without a sidecar, set \
             TAURI_CONFIG='{{\"bundle\":{{\"externalBin\":null,\"resources\":null}}}}'.",
            missing.join(" and ")
        );
        process::exit(1);
    }
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
        process::exit(1);
    }
}

/// The staged files that the configuration asks for and that are not there.
fn missing_files() -> Vec<String> {
    println!("cargo::rerun-if-changed=tauri.conf.json");
    println!("cargo::rerun-if-env-changed=TAURI_CONFIG");
    let target = env::var("TARGET").unwrap_or_default();
    let suffix = if target.contains("windows") {
        ".exe"
    } else {
        ""
    };
    let binaries = setting("externalBin")
        .as_array()
        .cloned()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .map(|stem| format!("{stem}-{target}{suffix}"))
        .collect::<Vec<_>>();
    let resources = setting("resources")
        .as_object()
        .map(|map| map.keys().cloned().collect::<Vec<_>>())
        .unwrap_or_default();
    binaries
        .into_iter()
        .chain(resources)
        .filter(|path| !Path::new(path).exists())
        .collect()
}

/// A key of `bundle`, from TAURI_CONFIG when it is set there and else from the file.
fn setting(key: &str) -> Value {
    let from_variable = env::var("TAURI_CONFIG").unwrap_or_default();
    let from_file = fs::read_to_string("tauri.conf.json").unwrap_or_default();
    [from_variable, from_file]
        .iter()
        .filter_map(|text| serde_json::from_str::<Value>(text).ok())
        .find_map(|config| config.get("bundle")?.get(key).cloned())
        .unwrap_or(Value::Null)
}
