//! Signals to the process that the supervisor holds.

use sidecar_supervisor::{State, Supervisor};

/// Sends a signal to the process that the host holds, if there is one.
pub(super) fn send(supervisor: &Supervisor, signal: i32, group: bool) {
    let now = supervisor.snapshot();
    if !now.state.is_at_rest()
        && let Some(pid) = now.pid
    {
        let pid = pid.cast_signed();
        // SAFETY: kill takes no pointers. The child is not reaped while the state says it runs,
        // so its id is not another's.
        unsafe { libc::kill(if group { -pid } else { pid }, signal) };
    }
}

/// SIGKILL; true when it hit one that was ready: what dies before READY, in its first launch, is
/// rightly left alone.
pub(super) fn send_kill(supervisor: &Supervisor, group: bool) -> bool {
    let ready = supervisor.snapshot().state == State::Ready;
    send(supervisor, libc::SIGKILL, group);
    ready
}
