//! The launcher as a real process, under the name of a sidecar.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One test at a time: a program cannot be executed while another test's new process still holds
/// the handle that it was written through ("Text file busy").
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A package's layout, with a space and a letter beyond ASCII in its path.
fn package(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{name} \u{fc} {}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("bin")).expect("made");
    fs::copy(
        env!("CARGO_BIN_EXE_sidecar-launcher"),
        root.join("bin/sidecar-test"),
    )
    .expect("copied");
    root
}

fn add_program(folder: &Path, file: &str, script: &str) {
    fs::create_dir_all(folder).expect("made");
    let path = folder.join(file);
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
}

fn run(root: &Path) -> Output {
    Command::new(root.join("bin/sidecar-test"))
        .args(["one", "two three"])
        .output()
        .expect("started")
}

#[test]
fn it_becomes_the_program_with_the_same_process_id_and_arguments() {
    let _alone = alone();
    let root = package("becomes");
    let folder = root.join("lib/sidecar-host/sidecar-test.d");
    add_program(
        &folder,
        "main.bin",
        "#!/bin/sh\necho \"$$|$1|$2|$0\"\nexit 5\n",
    );
    fs::write(folder.join("sidecar-program.txt"), "main.bin\n").expect("written");
    let child = Command::new(root.join("bin/sidecar-test"))
        .args(["one", "two three"])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("started");
    let pid = child.id();
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(5));
    let program = folder.join("main.bin");
    assert_eq!(
        String::from_utf8(output.stdout).expect("text"),
        format!("{pid}|one|two three|{}\n", program.display())
    );
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn beside_itself_comes_before_the_library_folder() {
    let _alone = alone();
    let root = package("order");
    add_program(
        &root.join("bin/sidecar-test.d"),
        "sidecar-test",
        "#!/bin/sh\necho beside\n",
    );
    add_program(
        &root.join("lib/sidecar-host/sidecar-test.d"),
        "sidecar-test",
        "#!/bin/sh\necho lib\n",
    );
    assert_eq!(run(&root).stdout, b"beside\n");
    fs::remove_dir_all(root).expect("removed");
}

#[test]
fn what_is_missing_is_named_with_where_it_was_looked_for() {
    let _alone = alone();
    let root = package("missing");
    let output = run(&root);
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(127));
    assert!(
        text.contains("lib/sidecar-host/sidecar-test.d") && text.contains("bundle.resources"),
        "{text}"
    );

    let folder = root.join("bin/sidecar-test.d");
    fs::create_dir_all(&folder).expect("made");
    for name in ["../../escape", "/bin/sh", ""] {
        fs::write(folder.join("sidecar-program.txt"), name).expect("written");
        let output = run(&root);
        assert_eq!(output.status.code(), Some(127), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("within its folder"));
    }

    fs::write(folder.join("sidecar-program.txt"), "main.bin").expect("written");
    fs::write(folder.join("main.bin"), "not executable").expect("written");
    let output = run(&root);
    assert_eq!(output.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&output.stderr).contains("mode"));
    fs::remove_dir_all(root).expect("removed");
}

/// The promise for a release build; a debug build does the same work.
const MAX_COST_MS: f64 = 3.0;

#[test]
fn it_costs_less_than_three_milliseconds() {
    let _alone = alone();
    let root = package("cost");
    add_program(
        &root.join("bin/sidecar-test.d"),
        "sidecar-test",
        "#!/bin/true\n",
    );
    // The least of many, taken in turns: what it costs, and not what else the machine does.
    let once = |program: &Path| {
        let started = Instant::now();
        Command::new(program).status().expect("ran");
        started.elapsed().as_secs_f64() * 1000.0
    };
    let (mut direct, mut through) = (f64::MAX, f64::MAX);
    for _ in 0..41 {
        direct = direct.min(once(&root.join("bin/sidecar-test.d/sidecar-test")));
        through = through.min(once(&root.join("bin/sidecar-test")));
    }
    println!("direct {direct:.2} ms, through the launcher {through:.2} ms");
    assert!(
        through - direct < MAX_COST_MS,
        "direct {direct:.2} ms, through {through:.2} ms"
    );
    fs::remove_dir_all(root).expect("removed");
}

/// Runs a guarded program below a host that is a process of its own; the program says its ids.
#[cfg(target_os = "linux")]
fn guarded(root: &Path, script: &str) -> (std::process::Child, Vec<PathBuf>) {
    add_program(&root.join("bin/sidecar-test.d"), "sidecar-test", script);
    let mut host = Command::new("sh")
        .args(["-c", "setsid \"$0\" & wait; read x"])
        .arg(root.join("bin/sidecar-test"))
        .env("SIDECAR_GUARD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut line = String::new();
    let mut said = std::io::BufReader::new(host.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut said, &mut line).expect("read");
    let ids = line.split_whitespace();
    (host, ids.map(|id| Path::new("/proc").join(id)).collect())
}

#[cfg(target_os = "linux")]
fn gone(what: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !what() && began.elapsed().as_secs() < 5 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    what()
}

/// Whether somebody runs the launcher of this package: a guard does.
#[cfg(target_os = "linux")]
fn is_guarded(root: &Path) -> bool {
    fs::read_dir("/proc")
        .expect("read")
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path().join("exe")).ok())
        .any(|program| program.starts_with(root))
}

#[cfg(target_os = "linux")]
#[test]
fn a_guard_ends_the_whole_program_with_its_host_and_itself_with_the_program() {
    let _alone = alone();
    let root = package("guard");
    // The second one heeds no SIGTERM.
    for trap in ["", "trap '' TERM; "] {
        let script = format!("#!/bin/sh\n{trap}sleep 60 & echo $$ $!; wait; wait; sleep 60\n");
        let (mut host, processes) = guarded(&root, &script);
        assert_eq!(processes.len(), 2);
        assert!(is_guarded(&root));
        host.kill().expect("killed");
        host.wait().expect("reaped");
        assert!(gone(|| !processes
            .iter()
            .any(|process| process.join("exe").exists())));
        assert!(gone(|| !is_guarded(&root)));
    }
    let (mut host, _) = guarded(&root, "#!/bin/sh\necho $$; sleep 0.2; exit 3\n");
    assert!(gone(|| !is_guarded(&root)), "though the host lives on");
    host.kill().expect("killed");
    host.wait().expect("reaped");
    fs::remove_dir_all(root).expect("removed");
}
