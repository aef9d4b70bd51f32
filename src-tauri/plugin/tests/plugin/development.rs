//! `tauri dev`: the sources are run by the same supervisor, started again when they change, and
//! nothing survives the end of the development server, whatever ends it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tauri_plugin_sidecar_supervisor::{SidecarSupervisorExt as _, Status};

use crate::support::{PATIENCE, app, channel, folder, hello, lives, until};

const SCRIPT: &str =
    "import sys; print('VERSION n=1'); print('READY', flush=True); sys.stdin.read()";

fn script(folder: &Path) -> Value {
    fs::write(folder.join("main.py"), SCRIPT).expect("written");
    fs::create_dir_all(folder.join("__pycache__")).expect("made");
    json!({"program": "binaries/never-built", "grace": {"eofMs": 2000},
           "dev": {"program": "python3", "args": ["main.py"], "folder": folder, "watch": [folder]}})
}

#[test]
fn it_runs_the_script_and_starts_it_again_when_its_sources_change() {
    let folder = folder("sources");
    let app = app(json!({"api": script(&folder)}));
    let sidecars = app.sidecars();
    sidecars.wait_ready("api", PATIENCE).expect("ready");
    assert!(sidecars.status("api").expect("known").dev);
    let launch = || sidecars.status("api").expect("known").launch;

    // What is made of sources is none.
    fs::write(folder.join("__pycache__/main.pyc"), "x").expect("written");
    fs::write(folder.join(".main.py.swp"), "x").expect("written");
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(launch(), 1);

    // One that does not start, and then one that does: each change is a new start.
    fs::write(folder.join("main.py"), "import nothing_like_this").expect("written");
    until("the failure", || {
        sidecars.status("api").expect("known").state == "failed"
    });
    fs::write(folder.join("main.py"), SCRIPT.replace("n=1", "n=2")).expect("written");
    until("the new version", || {
        let lines = sidecars.diagnostics("api").expect("known").lines;
        lines.iter().any(|line| line.text == "VERSION n=2")
    });

    // A module in a folder that is new.
    sidecars.wait_ready("api", PATIENCE).expect("ready");
    let before = launch();
    fs::create_dir(folder.join("package")).expect("made");
    until("the folder", || launch() > before);
    sidecars.wait_ready("api", PATIENCE).expect("ready");
    std::thread::sleep(Duration::from_millis(300));
    let before = launch();
    fs::write(folder.join("package/module.py"), "x = 1").expect("written");
    until("the module", || launch() > before);
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn many_files_at_once_are_one_change() {
    let folder = folder("branch");
    let app = app(json!({"api": script(&folder)}));
    app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    let (sender, receiver) = channel::<Status>();
    app.sidecars().watch("main", sender).expect("watched");
    for number in 0..50 {
        fs::write(folder.join(format!("module_{number}.py")), "x = 1").expect("written");
        std::thread::sleep(Duration::from_millis(5));
    }
    let seen = || receiver.recv_timeout(PATIENCE).expect("told");
    while seen().launch < 2 {}
    app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(app.sidecars().status("api").expect("known").launch, 2);
    fs::remove_dir_all(folder).expect("removed");
}

/// Run by the tests below as a process of its own: it says the pids of its sidecars, and stays.
#[test]
fn host_for_others() {
    let Some(sidecars) = std::env::var_os("PLUGIN_TEST_SIDECARS") else {
        return;
    };
    let sidecars = serde_json::from_str(sidecars.to_str().expect("a text")).expect("JSON");
    let app = app(sidecars);
    for name in app.sidecars().names() {
        app.sidecars().wait_ready(name, PATIENCE).expect("ready");
        let status = app.sidecars().status(name).expect("known");
        eprintln!("PID {}", status.pid.expect("it runs"));
    }
    std::thread::sleep(Duration::from_secs(120));
}

fn host(sidecars: &Value, count: usize) -> (Child, Vec<u32>) {
    let own = std::env::current_exe().expect("known");
    let mut child = Command::new(own)
        .args(["--exact", "development::host_for_others", "--nocapture"])
        .env("PLUGIN_TEST_SIDECARS", sidecars.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    let pids = said.lines().map_while(Result::ok).filter_map(|line| {
        let pid = line.strip_prefix("PID ")?;
        Some(pid.parse().expect("a number"))
    });
    let pids: Vec<u32> = pids.take(count).collect();
    assert_eq!(pids.len(), count);
    (child, pids)
}

#[test]
fn nothing_survives_a_development_server_that_is_killed() {
    // The second one ignores the end of its stdin: only the leash ends it.
    let deaf = json!({"program": "/bin/sh", "args": ["-c", "echo READY; exec sleep 600"]});
    let sidecars = json!({"deaf": deaf, "hello": hello()});
    // SIGKILL is what `tauri dev` sends when Rust sources change; the others come from a terminal.
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT] {
        let (mut host, pids) = host(&sidecars, 2);
        assert!(pids.iter().all(|pid| lives(*pid)));
        // SAFETY: plain integers; the process is our child and not reaped yet.
        unsafe { libc::kill(host.id().cast_signed(), signal) };
        host.wait().expect("reaped");
        until("the end of all", || !pids.iter().any(|pid| lives(*pid)));
    }
}
