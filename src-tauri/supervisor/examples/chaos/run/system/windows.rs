//! Open processes, and the environment that each of them was started with.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle};

use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_ALL_ACCESS, PROCESS_BASIC_INFORMATION, TerminateProcess,
    WaitForSingleObject,
};

use super::MARK;

/// Nothing asks from outside that needs no console.
pub(crate) const ASKS: &[&str] = &[];
/// What ends its first process, or all of them.
pub(crate) const KILLS: [&str; 2] = ["TerminateProcess", "TerminateProcess of all"];
/// What suspends it, and is followed by a kill, or by its continuation and a stop.
pub(crate) const SUSPENDS: [&str; 2] = ["suspend, then stop", "suspend, resume, then stop"];

/// More than any environment has, in bytes.
const MAX_ENVIRONMENT: usize = 1 << 20;
/// Where the parameters lie in the PEB of a 64-bit process, and in them the environment and its
/// size. The system's own tools read them there.
const PARAMETERS: usize = 0x20;
const ENVIRONMENT: usize = 0x80;
const ENVIRONMENT_SIZE: usize = 0x3f0;

#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    fn NtSuspendProcess(process: RawHandle) -> i32;
    fn NtResumeProcess(process: RawHandle) -> i32;
}

/// There is nothing in [`ASKS`].
pub(crate) fn ask(_pid: u32, action: &str) {
    unreachable!("{action} is for other systems");
}

/// Ends the process that the host holds, or all that carry the mark.
pub(crate) fn kill(pid: u32, all: bool, mark: &str) {
    let mut pids = vec![pid];
    if all {
        pids.extend(carriers(mark));
    }
    for process in pids.into_iter().filter_map(|pid| open(pid).ok()) {
        // SAFETY: the handle is open.
        unsafe { TerminateProcess(process.as_raw_handle(), 9) };
    }
}

/// Suspends the process that the host holds.
pub(crate) fn suspend(pid: u32) {
    if let Ok(process) = open(pid) {
        // SAFETY: the handle is open.
        unsafe { NtSuspendProcess(process.as_raw_handle()) };
    }
}

/// Lets it go on.
pub(crate) fn resume(pid: u32) {
    if let Ok(process) = open(pid) {
        // SAFETY: the handle is open.
        unsafe { NtResumeProcess(process.as_raw_handle()) };
    }
}

/// A child that has ended can be opened for as long as the host holds it.
pub(crate) fn exists(pid: u32) -> bool {
    open(pid).is_ok()
}

/// Living processes that carry the mark.
pub(crate) fn carriers(mark: &str) -> Vec<u32> {
    let wanted: Vec<u16> = format!("{MARK}={mark}\0").encode_utf16().collect();
    listed()
        .into_iter()
        .filter(|pid| {
            open(*pid).is_ok_and(|process| {
                // SAFETY: the handle is open.
                let ended = unsafe { WaitForSingleObject(process.as_raw_handle(), 0) };
                ended != WAIT_OBJECT_0 && has_entry(&environment(&process), &wanted)
            })
        })
        .collect()
}

fn has_entry(environment: &[u16], wanted: &[u16]) -> bool {
    environment
        .split_inclusive(|unit| *unit == 0)
        .any(|entry| entry == wanted)
}

fn open(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: the handle is checked, and owned from here on.
    unsafe {
        let handle = OpenProcess(PROCESS_ALL_ACCESS, 0, pid);
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedHandle::from_raw_handle(handle))
    }
}

fn listed() -> Vec<u32> {
    let mut found = Vec::new();
    // SAFETY: the structure is plain data that says its own size; the handle is owned.
    unsafe {
        let handle = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if handle.addr() == usize::MAX {
            return found;
        }
        let snapshot = OwnedHandle::from_raw_handle(handle);
        let mut entry: PROCESSENTRY32W = std::mem::zeroed();
        entry.dwSize = size_of::<PROCESSENTRY32W>() as u32;
        let mut more = Process32FirstW(snapshot.as_raw_handle(), &raw mut entry);
        while more != 0 {
            found.push(entry.th32ProcessID);
            more = Process32NextW(snapshot.as_raw_handle(), &raw mut entry);
        }
    }
    found
}

/// In UTF-16 units; empty for a process that cannot be read.
fn environment(process: &OwnedHandle) -> Vec<u16> {
    let read = || {
        // SAFETY: the structure is plain data of the size that is passed; the handle is open.
        let facts = unsafe {
            let mut facts: PROCESS_BASIC_INFORMATION = std::mem::zeroed();
            let status = NtQueryInformationProcess(
                process.as_raw_handle(),
                ProcessBasicInformation,
                (&raw mut facts).cast(),
                size_of_val(&facts) as u32,
                std::ptr::null_mut(),
            );
            (status == 0).then_some(facts)?
        };
        let parameters = address(process, facts.PebBaseAddress.addr() + PARAMETERS)?;
        let size = address(process, parameters + ENVIRONMENT_SIZE)?.min(MAX_ENVIRONMENT);
        let place = address(process, parameters + ENVIRONMENT)?;
        memory(process, place, size)
    };
    let bytes = read().unwrap_or_default();
    let units = bytes.chunks_exact(2);
    units
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect()
}

fn address(process: &OwnedHandle, place: usize) -> Option<usize> {
    let bytes = memory(process, place, size_of::<usize>())?;
    Some(usize::from_le_bytes(bytes.try_into().ok()?))
}

fn memory(process: &OwnedHandle, place: usize, size: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; size];
    // SAFETY: the buffer has the length that is passed; the address is another process's, and one
    // that is not readable there is an error.
    let read = unsafe {
        ReadProcessMemory(
            process.as_raw_handle(),
            std::ptr::without_provenance(place),
            bytes.as_mut_ptr().cast(),
            size,
            std::ptr::null_mut(),
        )
    };
    (read != 0).then_some(bytes)
}
