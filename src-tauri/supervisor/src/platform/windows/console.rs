//! Ctrl-Break, the only thing that asks a program to stop that does not watch its stdin.
//!
//! It goes through the console that asker and asked share. A host on a command line shares its own
//! with the sidecar. One with a window has none: the sidecar then has one of its own that nobody
//! sees, and the host joins it for a moment. A program for the window subsystem has no console, and
//! cannot be asked.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, FreeConsole, GenerateConsoleCtrlEvent, GetConsoleProcessList,
    GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetConsoleCtrlHandler,
    SetStdHandle,
};
use windows_sys::core::BOOL;

/// A process has one console: one at a time joins another one.
static JOINING: Mutex<()> = Mutex::new(());

/// So many processes that share a console are looked at.
const MAX_SHARING: usize = 256;

const STREAMS: [u32; 3] = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];

/// While this is held, nobody here joins another console. What is started in between would have that
/// one, which is another sidecar's, and end with it.
pub(super) fn at_rest() -> MutexGuard<'static, ()> {
    JOINING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True when this process has a console, with a window or without; to be asked [`at_rest`].
pub(super) fn is_there() -> bool {
    let mut first = 0;
    // SAFETY: the buffer has room for the one id that is asked for.
    unsafe { GetConsoleProcessList(&raw mut first, 1) > 0 }
}

/// Sends Ctrl-Break to a process group through the console that this process has itself.
///
/// # Errors
/// None of the processes has that console, or it does not take the event.
pub(super) fn send_break_here(group: u32, processes: &[u32]) -> io::Result<()> {
    let mut sharing = [0; MAX_SHARING];
    // SAFETY: the buffer has the length that is passed.
    let count = unsafe { GetConsoleProcessList(sharing.as_mut_ptr(), MAX_SHARING as u32) };
    let sharing = &sharing[..(count as usize).min(MAX_SHARING)];
    // A list that has no room is not filled; whom it lacks is not known then.
    let is_known = count as usize <= MAX_SHARING;
    if is_known && !processes.iter().any(|process| sharing.contains(process)) {
        return Err(no_console());
    }
    send_break(group)
}

fn no_console() -> io::Error {
    io::Error::other("no process of it has a console")
}

fn send_break(group: u32) -> io::Result<()> {
    // SAFETY: plain integers.
    match unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Sends Ctrl-Break to a process group through the console of the first of some processes that
/// lets us in.
///
/// # Errors
/// None of them has a console, or it does not take the event.
pub(super) fn send_break_through(group: u32, processes: &[u32]) -> io::Result<()> {
    let _alone = at_rest();
    let streams = Streams::now();
    let mut result = Err(no_console());
    for &process in processes {
        // SAFETY: plain integers and a function that lives as long as the program.
        unsafe {
            if AttachConsole(process) == 0 {
                result = Err(io::Error::last_os_error());
                continue;
            }
            // What others send through that console meanwhile is not meant for this process.
            SetConsoleCtrlHandler(Some(take), 1);
            result = send_break(group);
            FreeConsole();
            SetConsoleCtrlHandler(Some(take), 0);
        }
        break;
    }
    streams.restore();
    result
}

unsafe extern "system" fn take(_event: u32) -> BOOL {
    1
}

/// The standard streams of this process: joining a console replaces those that are not set.
struct Streams([HANDLE; 3]);

impl Streams {
    fn now() -> Self {
        // SAFETY: plain integers; the handles are not closed.
        Self(STREAMS.map(|stream| unsafe { GetStdHandle(stream) }))
    }

    fn restore(&self) {
        for (stream, handle) in STREAMS.into_iter().zip(self.0) {
            // SAFETY: these are the handles that were set before.
            unsafe { SetStdHandle(stream, handle) };
        }
    }
}
