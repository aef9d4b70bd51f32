//! A job object: all processes that come from one start, whoever their parent is by now.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicProcessIdList,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};

/// So many members are listed; more are still ended.
const MAX_LISTED: usize = 1024;
/// Exit code of what is ended by force, as `TerminateProcess` is mostly called.
pub(super) const KILLED: u32 = 1;

/// `JOBOBJECT_BASIC_PROCESS_ID_LIST`, with room for more than one.
#[repr(C)]
struct Ids {
    assigned: u32,
    listed: u32,
    ids: [usize; MAX_LISTED],
}

/// It ends its members when its only handle closes, also by the death of this process: the handle
/// is not inherited. Nothing gets out of it, since nobody may ask to (no BREAKAWAY limit is set).
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

impl Job {
    /// Makes one that nobody is in.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the structure is plain data of the size that is passed; the handle is checked.
        unsafe {
            let handle = CreateJobObjectW(std::ptr::null(), std::ptr::null());
            if handle.is_null() {
                return Err(io::Error::last_os_error());
            }
            let job = Self(OwnedHandle::from_raw_handle(handle));
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

    /// For as long as it lives.
    pub(super) fn handle(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    /// Takes a process in, and all that it will start.
    pub(super) fn take(&self, process: HANDLE) -> io::Result<()> {
        // SAFETY: both handles are open.
        match unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Ends every member.
    pub(super) fn end(&self) {
        // SAFETY: the job's handle is open. It fails only when nobody is in it.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), KILLED) };
    }

    /// The process ids of its members; one that has just ended may still be among them.
    pub(super) fn members(&self) -> io::Result<Vec<u32>> {
        // SAFETY: the structure is plain data of the size that is passed; an all-zero one is valid,
        // and it is read no further than it says that it was filled.
        unsafe {
            let mut found: Box<Ids> = Box::new(std::mem::zeroed());
            let got = QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectBasicProcessIdList,
                (&raw mut *found).cast(),
                size_of::<Ids>() as u32,
                std::ptr::null_mut(),
            );
            if got == 0 {
                let error = io::Error::last_os_error();
                // So many have room; the rest is not looked at, and ended with them.
                if error.raw_os_error() != Some(ERROR_MORE_DATA.cast_signed()) {
                    return Err(error);
                }
            }
            let listed = (found.listed as usize).min(MAX_LISTED);
            // Process ids have 32 bits, in a field of the size of a pointer.
            Ok(found.ids[..listed].iter().map(|id| *id as u32).collect())
        }
    }
}
