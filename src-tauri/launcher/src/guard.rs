//! Ends the program when its host dies, where the kernel has no leash for it.
//!
//! On macOS the launcher leaves a guard behind before it becomes the program: a process in a session
//! of its own that waits until host or program has ended. `SIDECAR_GUARD`, the seconds between
//! SIGTERM and SIGKILL, asks for one on Linux too, so that all but [`first_to_end`] is tried there.

use std::{env, io};

/// Leaves a guard behind that ends this process, and its group if it leads one, with its parent.
///
/// # Errors
/// When the system starts no process more.
pub fn leave_behind() -> io::Result<()> {
    let asked = env::var("SIDECAR_GUARD").ok();
    // SAFETY: these take nothing and cannot fail.
    let (host, program, group) = unsafe { (libc::getppid(), libc::getpid(), libc::getpgrp()) };
    // Whoever has lost its parent already, or never had one that ends, needs none.
    if host == 1 || (asked.is_none() && !cfg!(target_os = "macos")) {
        return Ok(());
    }
    let grace_s = asked.and_then(|text| text.parse().ok()).unwrap_or(8); // as the supervisor
    let target = if group == program { -program } else { program };
    // SAFETY: the launcher has one thread, so its copy may do what it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => guard(host, program, target, grace_s),
        child => {
            // SAFETY: it is our own child, which ends at once.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            Ok(())
        }
    }
}

/// The child of the launcher, whose own child guards: so the program has none that it did not start.
fn guard(host: libc::pid_t, program: libc::pid_t, target: libc::pid_t, grace_s: i32) -> ! {
    // SAFETY: plain calls with plain integers, in a process with one thread.
    unsafe {
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        libc::setsid();
        // Whoever reads these pipes waits for their end.
        for stream in 0..3 {
            libc::close(stream);
        }
        if first_to_end(&[host, program], None) == Some(host) {
            libc::kill(target, libc::SIGTERM);
            let ended = first_to_end(&[program], Some(grace_s)).is_some();
            // A group keeps its number while it has members; a process that has ended does not.
            if target < 0 || !ended {
                libc::kill(target, libc::SIGKILL);
            }
        }
        libc::_exit(0);
    }
}

/// Who cannot be found any more has ended; any other reason not to watch it ends nobody.
fn has_ended(pid: libc::pid_t) -> Option<libc::pid_t> {
    let code = io::Error::last_os_error().raw_os_error();
    (code == Some(libc::ESRCH)).then_some(pid)
}

/// Waits until a process has ended, and says which; nothing when that took too long.
#[cfg(target_os = "macos")]
fn first_to_end(pids: &[libc::pid_t], limit_s: Option<i32>) -> Option<libc::pid_t> {
    use std::ptr::{null, null_mut};

    let mut event = libc::kevent {
        ident: 0,
        filter: libc::EVFILT_PROC,
        flags: libc::EV_ADD | libc::EV_ONESHOT,
        fflags: libc::NOTE_EXIT,
        data: 0,
        udata: null_mut(),
    };
    let (tv_sec, tv_nsec) = (limit_s.unwrap_or(0).into(), 0);
    let limit = libc::timespec { tv_sec, tv_nsec };
    let limit = limit_s.map_or(null(), |_| &raw const limit);
    // SAFETY: the events and the time outlive the calls, which get their number right.
    unsafe {
        let queue = libc::kqueue();
        for &pid in pids {
            event.ident = pid.cast_unsigned() as usize;
            if libc::kevent(queue, &raw const event, 1, null_mut(), 0, null()) == -1 {
                return has_ended(pid);
            }
        }
        loop {
            match libc::kevent(queue, null(), 0, &raw mut event, 1, limit) {
                -1 => {} // interrupted: nothing else can be wrong with it
                count => return (count == 1).then_some(event.ident as libc::pid_t),
            }
        }
    }
}

/// The same by Linux's own means.
#[cfg(target_os = "linux")]
fn first_to_end(pids: &[libc::pid_t], limit_s: Option<i32>) -> Option<libc::pid_t> {
    let mut ends = Vec::new();
    for &pid in pids {
        // SAFETY: plain integers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let Some(fd) = i32::try_from(fd).ok().filter(|&fd| fd >= 0) else {
            return has_ended(pid);
        };
        let (events, revents) = (libc::POLLIN, 0);
        ends.push(libc::pollfd {
            fd,
            events,
            revents,
        });
    }
    let limit_ms = limit_s.map_or(-1, |seconds| seconds * 1000);
    // SAFETY: the array outlives the call, which gets its length right.
    while unsafe { libc::poll(ends.as_mut_ptr(), ends.len() as libc::nfds_t, limit_ms) } == -1 {}
    let first = ends.iter().position(|end| end.revents != 0)?;
    Some(pids[first])
}
