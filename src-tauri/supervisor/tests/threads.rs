//! A thread that the system refuses, in a process of its own: the limit is that of the whole process.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};
use std::{fs, thread};

use sidecar_supervisor::{LaunchSpec, Reason, State, Supervisor};

const PATIENCE: Duration = Duration::from_secs(20);
/// Less than the stack of a thread and more than anything else that is needed here.
const ROOM_BYTES: u64 = 1024 * 1024;

fn address_space_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("readable");
    let pages: u64 = statm
        .split(' ')
        .next()
        .expect("the size")
        .parse()
        .expect("a number");
    // SAFETY: sysconf has no preconditions.
    pages * u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a size")
}

/// Sets the limit on this process's address space and gives the one before. It holds for root too,
/// which the limit on processes does not.
fn limit(bytes: libc::rlim_t) -> libc::rlim_t {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is plain data that outlives the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_AS, &raw mut limits), 0);
        let before = limits.rlim_cur;
        limits.rlim_cur = bytes;
        assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &raw const limits), 0);
        before
    }
}

/// Waits until a thread of this name runs. It gets its name after the memory that every thread asks
/// for before anything else, and without which the process would be aborted.
fn wait_for_thread(name: &str) {
    let until = Instant::now() + PATIENCE;
    let is_there = || {
        let tasks = fs::read_dir("/proc/self/task").expect("readable");
        tasks.flatten().any(|task| {
            fs::read_to_string(task.path().join("comm"))
                .is_ok_and(|found| !found.trim().is_empty() && name.starts_with(found.trim()))
        })
    };
    while !is_there() {
        assert!(Instant::now() < until, "no thread {name}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_thread_that_cannot_be_started_is_a_reason_of_its_own() {
    let mut spec = LaunchSpec::new(env!("CARGO_BIN_EXE_fake-child"));
    spec.args = vec!["out:READY\\n".to_owned(), "until-eof".to_owned()];
    let supervisor = Supervisor::new(spec, |_| {}).expect("the thread starts");
    wait_for_thread("sidecar-supervisor");

    let before = limit(address_space_bytes() + ROOM_BYTES);
    supervisor.start();
    let end = supervisor.wait_for(PATIENCE, |now| now.launch == 1 && now.state.is_at_rest());
    limit(before);

    let end = end.expect("at rest");
    let State::Failed(Reason::ThreadNotStarted { error }) = &end.state else {
        panic!("{:?}", end.state);
    };
    assert!(error.contains("temporarily unavailable"), "{error}");
    assert_eq!(
        end.pid, None,
        "a sidecar that cannot be watched is not started"
    );
    let failure = end.failure.expect("set");
    for part in ["ulimit", "TasksMax", "threads of the host", "limit on"] {
        assert!(failure.text.contains(part), "{part}: {}", failure.text);
    }
    assert!(
        failure
            .report
            .checks
            .iter()
            .any(|(_, value)| value.contains("bytes of address space"))
    );

    // With room again the next start is as good as any.
    supervisor.start();
    supervisor
        .wait_for(PATIENCE, |now| now.launch == 2 && now.state == State::Ready)
        .expect("ready");
}
