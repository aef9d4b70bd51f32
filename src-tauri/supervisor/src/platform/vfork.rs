//! Starts a process without copying this one.
//!
//! `fork` copies the page tables, which takes some 7 ms in a process as large as one with a WebKit
//! window; the standard library has to use it as soon as anything but its own settings is wanted
//! in the child. Here the child borrows the memory until it executes the program, as in glibc's
//! `posix_spawn`, and asks for SIGTERM at our death on the way: for itself by the parent-death
//! signal, and for its whole process group by a leash. Of our descriptors it inherits the leash alone.
//!
//! The leash is a pipe that nothing is ever written to. The child and what it starts inherit the
//! reading end; ours is the only writing end. When it is closed, which the kernel does at our death
//! whatever its cause, the kernel sends SIGTERM to the group, as `fcntl(2)` says of `F_SETOWN` and
//! `F_SETSIG`. The parent-death signal alone would end the launcher of a onefile build and leave
//! the program that it has just started (issue 0021); the leash alone would end nothing where a
//! program closes descriptors that it does not know.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::Command;
use std::ptr;

use super::Pipes;

/// The child calls a handful of thin wrappers on it.
const STACK_BYTES: usize = 64 * 1024;
const LAST_SIGNAL: c_int = 64;
/// The first descriptor behind stdin, stdout and stderr.
const FIRST_NOT_STANDARD: libc::c_uint = 3;
/// From `fcntl.h`; the libc crate has it for musl alone.
const F_SETSIG: c_int = 10;

/// What the child reads, and the one thing that it writes. It lives in the waiting parent.
struct Orders {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    /// Null to stay where the parent is.
    folder: *const c_char,
    stdio: [c_int; 3],
    leash: c_int,
    parent: libc::pid_t,
    error: c_int,
}

/// What [`spawn`] gives.
pub struct Spawned {
    /// Nobody reaps it but the caller.
    pub pid: u32,
    pub pipes: Pipes,
    /// Closed, it ends the process group with SIGTERM.
    pub leash: OwnedFd,
}

/// Starts the program in a process group of its own, with three pipes, and with SIGTERM for the
/// time when the calling thread ends (to the program) or the leash is closed (to the group).
///
/// # Errors
/// What the system said, also when the program itself could not be executed.
pub fn spawn(command: &Command) -> io::Result<Spawned> {
    let program = c_string(command.get_program().as_bytes())?;
    let mut arguments = vec![program.clone()];
    for argument in command.get_args() {
        arguments.push(c_string(argument.as_bytes())?);
    }
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => variables.insert(name.to_owned(), value.to_owned()),
            None => variables.remove(name),
        };
    }
    let mut environment = Vec::with_capacity(variables.len());
    for (name, value) in variables {
        let mut text = name.into_vec();
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        environment.push(c_string(&text)?);
    }
    let folder = command
        .get_current_dir()
        .map(|path| c_string(path.as_os_str().as_bytes()));
    let folder = folder.transpose()?;
    let (stdin_read, stdin_write) = pipe()?;
    let (stdout_read, stdout_write) = pipe()?;
    let (stderr_read, stderr_write) = pipe()?;
    let (leash_read, leash) = pipe()?;
    let argument_pointers = pointers(&arguments);
    let environment_pointers = pointers(&environment);
    let mut orders = Orders {
        program: program.as_ptr(),
        arguments: argument_pointers.as_ptr(),
        environment: environment_pointers.as_ptr(),
        folder: folder.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
        stdio: [
            stdin_read.as_raw_fd(),
            stdout_write.as_raw_fd(),
            stderr_write.as_raw_fd(),
        ],
        leash: leash_read.as_raw_fd(),
        // SAFETY: getpid has no preconditions.
        parent: unsafe { libc::getpid() },
        error: 0,
    };
    let pid = clone(&mut orders)?;
    if orders.error != 0 {
        // SAFETY: the child is ours, has ended, and is reaped here and nowhere else.
        unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        return Err(io::Error::from_raw_os_error(orders.error));
    }
    let pipes = Pipes {
        stdin: File::from(stdin_write),
        stdout: File::from(stdout_read),
        stderr: File::from(stderr_read),
    };
    Ok(Spawned {
        pid: pid.cast_unsigned(),
        pipes,
        leash,
    })
}

/// Runs the child until it has become the program or has failed. All signals are blocked
/// meanwhile: a handler of ours that ran in the child would work on our memory.
fn clone(orders: &mut Orders) -> io::Result<libc::pid_t> {
    // Words of 16 bytes, as the stack has to be aligned.
    let mut stack = vec![0_u128; STACK_BYTES / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the sets are plain data that is filled before use. The stack and the orders outlive
    // the child's use of them, since CLONE_VFORK keeps this thread waiting until the child has
    // executed the program or ended. `child` neither allocates, locks, unwinds nor returns.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let top = stack.as_mut_ptr().add(stack.len());
        let pid = libc::clone(child, top.cast(), flags, ptr::from_mut(orders).cast());
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        if pid < 0 { Err(error) } else { Ok(pid) }
    }
}

extern "C" fn child(orders: *mut c_void) -> c_int {
    // SAFETY: the pointer is to the waiting parent's orders. Only system calls are made.
    unsafe {
        let orders = orders.cast::<Orders>();
        become_program(orders);
        (*orders).error = *libc::__errno_location();
        libc::_exit(127)
    }
}

/// Returns only when a step failed, with its error in `errno`.
///
/// # Safety
/// `orders` points to the orders of a parent that waits.
unsafe fn become_program(orders: *const Orders) {
    // SAFETY: see above; everything that the orders point to is alive.
    unsafe {
        // The program begins with the default handlers. Signals that the host ignores stay ignored,
        // but for SIGPIPE, which the Rust runtime ignores on its own account.
        for signal in 1..=LAST_SIGNAL {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, ptr::null(), &raw mut action) != 0 {
                continue;
            }
            let handler = action.sa_sigaction;
            if signal == libc::SIGPIPE || (handler != libc::SIG_DFL && handler != libc::SIG_IGN) {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        // SIGTERM and not SIGKILL: a onefile build's launcher passes it on to its Python, where
        // SIGKILL would end the launcher alone.
        if libc::setpgid(0, 0) != 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 {
            return;
        }
        // What other threads of the host have open without close-on-exec is none of the program's:
        // libdbus would wait on the window's thread until the last holder of its pipe is gone. The
        // table is a copy. A kernel before 5.11 says no, and there all is inherited.
        libc::syscall(
            libc::SYS_close_range,
            FIRST_NOT_STANDARD,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
        // The last step lets the end outlive execve; the copy in the parent stays as it was.
        let leash = (*orders).leash;
        if libc::fcntl(leash, libc::F_SETOWN, -libc::getpid()) != 0
            || libc::fcntl(leash, F_SETSIG, libc::SIGTERM) != 0
            || libc::fcntl(leash, libc::F_SETFL, libc::O_ASYNC) != 0
            || libc::fcntl(leash, libc::F_SETFD, 0) != 0
        {
            return;
        }
        // The parent may have died before the lines above.
        if libc::getppid() != (*orders).parent {
            *libc::__errno_location() = libc::ESRCH;
            return;
        }
        // The runtime keeps 0, 1 and 2 open, so none of ours is among them and no copy is lost.
        for target in 0..3 {
            if libc::dup2((*orders).stdio[target as usize], target) < 0 {
                return;
            }
        }
        let folder = (*orders).folder;
        if !folder.is_null() && libc::chdir(folder) != 0 {
            return;
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        libc::execve(
            (*orders).program,
            (*orders).arguments,
            (*orders).environment,
        );
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "an argument or a variable holds a zero byte",
        )
    })
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let mut pointers: Vec<_> = strings.iter().map(|text| text.as_ptr()).collect();
    pointers.push(ptr::null());
    pointers
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors, which are ours when the call succeeds.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}
