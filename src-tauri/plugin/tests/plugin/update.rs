//! Before an update: nothing runs, nobody uses the files, nothing is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tauri_plugin_sidecar_supervisor::{Error, SidecarSupervisorExt as _};

use crate::support::{PATIENCE, app, folder, hello, lives};

/// A program with a file of its own that can be replaced: a copy of the shell.
fn program(folder: &Path) -> (PathBuf, Value) {
    let path = folder.join("my-api");
    fs::copy("/bin/sh", &path).expect("copied");
    let sidecar = json!({"program": path, "args": ["-c", "echo READY; cat"]});
    (path, sidecar)
}

#[test]
fn everything_is_ended_and_can_be_replaced_and_goes_on_afterwards() {
    let folder = folder("update");
    let (path, sidecar) = program(&folder);
    let app = app(json!({"api": sidecar, "hello": hello()}));
    let sidecars = app.sidecars();
    let pids = ["api", "hello"].map(|name| {
        sidecars.wait_ready(name, PATIENCE).expect("ready");
        sidecars.status(name).expect("known").pid.expect("it runs")
    });
    sidecars.stop("hello").expect("stopped");
    let prepared = sidecars.prepare_update().expect("prepared");
    assert!(!pids.into_iter().any(lives));
    let told: Vec<_> = prepared
        .iter()
        .map(|one| (one.path.clone(), one.ran))
        .collect();
    assert_eq!(told, [(Some(path.clone()), true), (None, false)]);
    assert!(matches!(sidecars.start("api"), Err(Error::Updating)));
    assert!(matches!(sidecars.restart("hello"), Err(Error::Updating)));
    assert!(matches!(sidecars.prepare_update(), Err(Error::Updating)));
    // What an updater does: writes into it, and puts another file into its place.
    fs::write(&path, b"#!/bin/sh\necho READY\nexec cat\n").expect("nobody runs it");
    sidecars.resume().expect("gone on");
    let access = sidecars
        .wait_ready("api", PATIENCE)
        .expect("the next version");
    assert_eq!(access.launch, 2);
    assert_eq!(sidecars.status("hello").expect("known").state, "exited");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn somebody_else_who_runs_the_file_is_named_and_all_goes_on() {
    let folder = folder("in-use");
    let (path, sidecar) = program(&folder);
    let app = app(json!({"api": sidecar}));
    app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    // As a second instance of the application would have it.
    let mut other = Command::new(&path);
    other
        .args(["-c", "read line"])
        .stdin(std::process::Stdio::piped());
    let mut other = other.spawn().expect("it starts");
    match app.sidecars().prepare_update() {
        Err(Error::InUse { why, .. }) => assert!(why.contains(&other.id().to_string()), "{why}"),
        result => panic!("{result:?}"),
    }
    let again = app
        .sidecars()
        .wait_ready("api", PATIENCE)
        .expect("started again");
    assert_eq!(again.launch, 2);
    other.kill().expect("killed");
    other.wait().expect("reaped");
    app.sidecars().prepare_update().expect("prepared");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_this_user_may_not_write_is_told_apart_from_what_is_in_use() {
    let app = app(json!({"api": {"program": "/usr/bin/env", "autostart": false}}));
    let prepared = app.sidecars().prepare_update().expect("prepared");
    // SAFETY: geteuid has no preconditions.
    let is_root = unsafe { libc::geteuid() } == 0;
    assert_eq!(prepared[0].needs_rights.is_none(), is_root);
}
