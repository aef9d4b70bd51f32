//! No descriptor for a port, in a process of its own: the limit is that of the whole process.
#![cfg(target_os = "linux")]

use std::time::Duration;

use sidecar_supervisor::{LaunchSpec, Reason, State, Supervisor};

const PATIENCE: Duration = Duration::from_secs(20);

/// Sets the limit on open descriptors and gives the one before.
fn limit(count: libc::rlim_t) -> libc::rlim_t {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is plain data that outlives the calls.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits), 0);
        let before = limits.rlim_cur;
        limits.rlim_cur = count;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits), 0);
        before
    }
}

#[test]
fn a_port_that_cannot_be_found_is_a_reason_of_its_own() {
    let mut spec = LaunchSpec::new(env!("CARGO_BIN_EXE_fake-child"));
    spec.args = ["out:{free_port}\\nREADY\\n", "until-eof"]
        .map(str::to_owned)
        .to_vec();
    let supervisor = Supervisor::new(spec, |_| {}).expect("the thread starts");

    let before = limit(3);
    supervisor.start();
    let end = supervisor.wait_for(PATIENCE, |now| now.launch == 1 && now.state.is_at_rest());
    limit(before);

    let end = end.expect("at rest");
    let State::Failed(Reason::NoFreePort { error }) = &end.state else {
        panic!("{:?}", end.state);
    };
    assert!(error.contains("Too many open files"), "{error}");
    assert_eq!(end.pid, None);
    assert!(end.failure.expect("set").text.contains("ulimit -n"));

    // With descriptors again the next start is as good as any.
    supervisor.start();
    supervisor
        .wait_for(PATIENCE, |now| now.launch == 2 && now.state == State::Ready)
        .expect("ready");
}
