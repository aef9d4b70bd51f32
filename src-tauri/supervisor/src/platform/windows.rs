//! Windows: a job that ends everything in it when its last handle closes, also by host death.
//!
//! Between the start of the process and its assignment to the job lies a moment in which a child
//! of it would escape; single-file builds need far longer to start their second process.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_SHARING_VIOLATION, WAIT_TIMEOUT};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectBasicAccountingInformation, JobObjectExtendedLimitInformation,
    QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, INFINITE, OpenProcess, PROCESS_SYNCHRONIZE,
    WaitForSingleObject,
};

use super::{Exit, Pipes, Survivor};

/// No exit is reported as a signal here; the number is kept for texts that compare with it.
pub const SIGKILL: i32 = 9;

/// Signals have no names here.
#[must_use]
pub fn signal_name(_signal: i32) -> &'static str {
    "a signal without a name here"
}

/// There are no permission bits.
#[must_use]
pub fn mode_of(_metadata: &Metadata) -> Option<u32> {
    None
}

/// There are no limits on threads that could be read here.
#[must_use]
pub fn thread_facts() -> Vec<(&'static str, String)> {
    Vec::new()
}

/// The temporary folder is the user's own on Windows.
#[must_use]
pub fn is_own(_metadata: &Metadata) -> bool {
    true
}

/// Makes one folder; it inherits the rights of the user's temporary folder.
///
/// # Errors
/// When it exists already or cannot be made.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Start times are not needed: an id that is in use is taken for alive.
#[must_use]
pub fn start_time_of(_pid: u32) -> Option<u64> {
    None
}

/// True when some process has this id.
#[must_use]
pub fn is_alive(pid: u32, _start_time: u64) -> bool {
    // SAFETY: the handle is checked and closed.
    unsafe {
        let handle = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
        if handle.is_null() {
            return false;
        }
        let running = WaitForSingleObject(handle, 0) == WAIT_TIMEOUT;
        CloseHandle(handle);
        running
    }
}

/// Opens a file as an update would, for nobody else besides; nothing is written.
///
/// # Errors
/// When somebody runs it or has it open, or it may not be written.
pub fn open_to_replace(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).share_mode(0).open(path)
}

/// True for the error of [`open_to_replace`] that says that somebody uses the file.
#[must_use]
pub fn means_in_use(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_SHARING_VIOLATION.cast_signed())
}

/// Who uses a file is not looked up here: the system refuses to open it, and that is enough.
#[must_use]
pub fn users_of(_path: &Path) -> Vec<Survivor> {
    Vec::new()
}

/// A started process with everything that it starts in turn.
#[derive(Debug)]
pub struct Process {
    child: Child,
    job: OwnedHandle,
}

/// Starts the command in a kill-on-close job.
///
/// # Errors
/// The operating system's error; a process that could not be put into the job is ended.
pub fn spawn(mut command: Command, mark: (&str, &str)) -> io::Result<(Process, Pipes)> {
    let job = kill_on_close_job()?;
    let mut child = command
        .env(mark.0, mark.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW)
        .spawn()?;
    // SAFETY: both handles are open and owned here.
    let assigned = unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) };
    if assigned == 0 {
        let error = io::Error::last_os_error();
        let _ = child.kill();
        return Err(error);
    }
    let missing = || io::Error::other("a pipe of the new process is missing");
    let pipes = Pipes {
        stdin: File::from(OwnedHandle::from(child.stdin.take().ok_or_else(missing)?)),
        stdout: File::from(OwnedHandle::from(child.stdout.take().ok_or_else(missing)?)),
        stderr: File::from(OwnedHandle::from(child.stderr.take().ok_or_else(missing)?)),
    };
    Ok((Process { child, job }, pipes))
}

fn kill_on_close_job() -> io::Result<OwnedHandle> {
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
        if set == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(job)
    }
}

impl Process {
    /// The direct child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// There are no process groups with numbers; the job stands for them.
    #[must_use]
    pub fn group(&self) -> Option<i32> {
        None
    }

    /// A function that blocks until the direct child has ended.
    pub fn exit_watcher(&self) -> impl FnOnce() + Send + 'static {
        let pid = self.child.id();
        move || {
            // The child's own handle keeps the process id from being used again.
            // SAFETY: the handle is checked and closed.
            unsafe {
                let handle = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
                if !handle.is_null() {
                    WaitForSingleObject(handle, INFINITE);
                    CloseHandle(handle);
                }
            }
        }
    }

    /// The job knows all descendants.
    pub fn note_descendants(&mut self) {}

    /// CTRL_BREAK reaches a console program that shares our console; closing stdin is the rest.
    pub fn terminate(&mut self) {
        // SAFETY: plain integers.
        unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, self.child.id()) };
    }

    /// Ends every process of the job.
    pub fn kill(&mut self) {
        // SAFETY: the job's handle is open.
        unsafe { TerminateJobObject(self.job.as_raw_handle(), 1) };
    }

    /// One entry per process that the job still counts.
    #[must_use]
    pub fn survivors(&self) -> Vec<Survivor> {
        // SAFETY: the structure is plain data of the size that is passed.
        let active = unsafe {
            let mut facts: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION = std::mem::zeroed();
            QueryInformationJobObject(
                self.job.as_raw_handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut facts).cast(),
                size_of_val(&facts) as u32,
                std::ptr::null_mut(),
            );
            facts.ActiveProcesses
        };
        (0..active)
            .map(|_| Survivor {
                pid: 0,
                cmdline: String::new(),
                found_by: "group",
            })
            .collect()
    }

    /// The direct child's exit status, if it has ended.
    pub fn reap(&mut self) -> Option<Exit> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(Exit {
            code: status.code(),
            signal: None,
        })
    }
}
