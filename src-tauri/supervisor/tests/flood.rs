//! The bound on memory, in a process of its own so that its peak is the supervisor's.
#![cfg(target_os = "linux")]

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sidecar_supervisor::{Event, LaunchSpec, State, Supervisor};

/// The bound that is promised for the growth of the supervisor under a flood.
const MAX_GROWTH_KIB: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(120);

fn peak_resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("readable");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("the peak is listed");
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
fn a_gibibyte_without_a_newline_does_not_grow_the_supervisor() {
    let mut spec = LaunchSpec::new(env!("CARGO_BIN_EXE_fake-child"));
    spec.args = ["flood:1073741824", "out:\\nREADY\\n", "forever"]
        .map(str::to_owned)
        .to_vec();
    spec.ready_timeout = PATIENCE;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let supervisor = Supervisor::new(spec, move |event| {
        if let Event::Line(line) = event {
            sink.lock().expect("not poisoned").push(line.text.clone());
        }
    })
    .expect("the thread starts");
    let before = peak_resident_kib();
    supervisor.start();
    supervisor
        .wait_for(PATIENCE, |now| now.state == State::Ready)
        .expect("ready after the flood");
    let growth = peak_resident_kib() - before;
    println!("growth under the flood: {growth} KiB");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
    let flood = &lines.lock().expect("not poisoned")[0];
    assert!(flood.len() < 20_000 && flood.ends_with("more bytes]"));
}
