//! The job that launcher and program share, and their console.

use std::io;
use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::thread;
use std::time::Duration;

use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, GetConsoleProcessList, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
    SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, GetCurrentProcess};
use windows_sys::core::BOOL;

/// Longer than the system waits for a handler when a console is closed.
const UNTIL_THE_END: Duration = Duration::from_secs(60);

/// Puts this process into a job that ends with it; what it starts belongs to the job as well.
pub fn kill_on_close_job() -> io::Result<OwnedHandle> {
    // SAFETY: the structure is plain data of the size that is passed; the handle is checked.
    unsafe {
        let handle = CreateJobObjectW(std::ptr::null(), std::ptr::null());
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        let job = OwnedHandle::from_raw_handle(handle);
        let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = std::mem::zeroed();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let set = SetInformationJobObject(
            handle,
            JobObjectExtendedLimitInformation,
            (&raw const limits).cast(),
            size_of_val(&limits) as u32,
        );
        if set == 0 || AssignProcessToJobObject(handle, GetCurrentProcess()) == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(job)
    }
}

/// Leaves what comes through the console to the program, and gives the flags that it is started
/// with: without a console here, one without a window.
pub fn console() -> u32 {
    let mut first = 0;
    // SAFETY: the buffer has room for the one id that is asked for; the handler is a function of
    // this program.
    unsafe {
        SetConsoleCtrlHandler(Some(leave_it), 1);
        if GetConsoleProcessList(&raw mut first, 1) > 0 {
            0
        } else {
            CREATE_NO_WINDOW
        }
    }
}

/// Called by a thread of the system's. The program gets the same event, and its end is ours.
unsafe extern "system" fn leave_it(event: u32) -> BOOL {
    if !matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
        // The console is closed, or the session ends: this process ends when the handler returns.
        thread::sleep(UNTIL_THE_END);
    }
    1
}
