//! What a sidecar inherits of its host's descriptors, in a process of its own.
#![cfg(target_os = "linux")]

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::time::Duration;

use sidecar_supervisor::{LaunchSpec, State, Supervisor};

const PATIENCE: Duration = Duration::from_secs(20);
const AT_ONCE_MS: i32 = 2000;

/// A pipe as a C library makes it that forks, such as libdbus: its ends are inherited.
fn inherited_pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors, which are ours when the call succeeds.
    unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    }
}

/// libdbus reads such a pipe to its end on the thread of the window. A sidecar that started at that
/// moment held the other end, and the application stood still until the sidecar ended.
#[test]
fn a_sidecar_keeps_no_pipe_of_its_host_open() {
    let (reading, writing) = inherited_pipe();
    let mut spec = LaunchSpec::new(env!("CARGO_BIN_EXE_fake-child"));
    spec.args = ["out:READY\\n", "until-eof"].map(str::to_owned).to_vec();
    let supervisor = Supervisor::new(spec, |_| {}).expect("the thread starts");
    supervisor.start();
    supervisor
        .wait_for(PATIENCE, |now| now.state == State::Ready)
        .expect("ready");

    drop(writing);
    let mut wanted = libc::pollfd {
        fd: reading.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one plain structure that outlives the call.
    let ended = unsafe { libc::poll(&raw mut wanted, 1, AT_ONCE_MS) };
    assert_eq!((ended, wanted.revents & libc::POLLHUP), (1, libc::POLLHUP));
}
