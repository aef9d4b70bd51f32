//! Windows: a job that ends everything in it when its last handle closes, also by host death.
//!
//! A program is created in its job and suspended, so that neither it nor anything that it starts is
//! ever outside, and whoever dies while it is started leaves nothing.

mod console;
mod job;
mod starting;

use std::fs::{self, File, Metadata};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle, RawHandle};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_SHARING_VIOLATION, FILETIME, INVALID_HANDLE_VALUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_SUSPENDED, GetExitCodeProcess,
    GetProcessTimes, INFINITE, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
    QueryFullProcessImageNameW, WaitForSingleObject,
};

use self::job::Job;
use super::{Exit, Pipes, Survivor};

/// No exit is reported as a signal here; the number is kept for texts that compare with it.
pub const SIGKILL: i32 = 9;

/// Longest path of a program, in UTF-16 units.
const MAX_PATH_UNITS: usize = 32 * 1024;
/// `OpenProcess` says this of an id that nobody has (`ERROR_INVALID_PARAMETER`).
const NO_SUCH_PROCESS: i32 = 87;
/// The process that draws a program's console. It belongs to the system and goes with the program.
const CONSOLE_HOST: &str = "conhost.exe";

#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    /// `ResumeThread` needs a handle of the thread, which `std`'s `Child` does not give away.
    fn NtResumeProcess(process: RawHandle) -> i32;
}

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

/// Removes a folder with all that is in it. A file that was just in use may be held for a moment
/// longer, by the system or by an antivirus program that reads it: that is waited for.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    const TRIES: u32 = 20;
    const BETWEEN: Duration = Duration::from_millis(25);
    for _ in 1..TRIES {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(BETWEEN),
            gone => return gone,
        }
    }
    fs::remove_dir_all(path)
}

/// When a process started, in steps of 100 ns since 1601; nothing when it cannot be asked.
#[must_use]
pub fn start_time_of(pid: u32) -> Option<u64> {
    start_time(&open(pid).ok()?)
}

/// True when the process with this id lives and is the one that started then.
#[must_use]
pub fn is_alive(pid: u32, start_time_then: u64) -> bool {
    match open(pid) {
        Ok(process) => {
            !has_ended(process.as_raw_handle())
                && start_time(&process).is_none_or(|start| start == start_time_then)
        }
        // One that may not be asked is somebody's.
        Err(error) => error.raw_os_error() != Some(NO_SUCH_PROCESS),
    }
}

fn open(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: the handle is checked, and owned from here on.
    unsafe {
        let rights = PROCESS_SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION;
        let handle = OpenProcess(rights, 0, pid);
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedHandle::from_raw_handle(handle))
    }
}

fn has_ended(process: RawHandle) -> bool {
    // SAFETY: the handle is open, and may be waited for.
    unsafe { WaitForSingleObject(process, 0) == WAIT_OBJECT_0 }
}

fn start_time(process: &OwnedHandle) -> Option<u64> {
    let mut times = [FILETIME::default(); 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open; the structures are plain data that outlive the call.
    let got = unsafe { GetProcessTimes(process.as_raw_handle(), created, ended, kernel, user) };
    let [created, ..] = times;
    (got != 0).then(|| (u64::from(created.dwHighDateTime) << 32) | u64::from(created.dwLowDateTime))
}

/// The file that a process runs; empty when it cannot be asked.
fn program_of(process: &OwnedHandle) -> PathBuf {
    let mut units = vec![0_u16; MAX_PATH_UNITS];
    let mut length = MAX_PATH_UNITS as u32;
    // SAFETY: the buffer has the length that is passed; the handle is open.
    let got = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            0,
            units.as_mut_ptr(),
            &raw mut length,
        )
    };
    if got == 0 {
        return PathBuf::new();
    }
    PathBuf::from(String::from_utf16_lossy(&units[..length as usize]))
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

/// The processes that run a file which is this path or lies below it, as far as this user may ask
/// them. The system's refusal to open the file does not tell: it asks for the right to write first.
#[must_use]
pub fn users_of(path: &Path) -> Vec<Survivor> {
    let path = compared(path);
    let below = format!("{path}\\");
    let mut found = Vec::new();
    for pid in ids() {
        let Ok(process) = open(pid) else { continue };
        let program = program_of(&process);
        let compared = compared(&program);
        if compared == path || compared.starts_with(&below) {
            found.push(Survivor {
                pid,
                cmdline: program.display().to_string(),
                found_by: "file",
            });
        }
    }
    found
}

/// A path as another of the same file has it: in small letters, and without what `canonicalize` puts
/// in front.
fn compared(path: &Path) -> String {
    let text = path.to_string_lossy().to_lowercase();
    let whole = text.strip_prefix(r"\\?\").unwrap_or(&text);
    let share = whole.strip_prefix(r"unc\").map(|rest| format!(r"\\{rest}"));
    share.unwrap_or_else(|| whole.to_owned())
}

/// The ids of all processes; none where the system does not show them.
fn ids() -> Vec<u32> {
    let mut entry = PROCESSENTRY32W {
        dwSize: u32::try_from(size_of::<PROCESSENTRY32W>()).unwrap_or_default(),
        ..PROCESSENTRY32W::default()
    };
    let mut found = Vec::new();
    // SAFETY: the snapshot is checked, and owned from here on; the entry has the size that it says.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        if snapshot == INVALID_HANDLE_VALUE {
            return found;
        }
        let snapshot = OwnedHandle::from_raw_handle(snapshot);
        let mut got = Process32FirstW(snapshot.as_raw_handle(), &raw mut entry);
        while got != 0 {
            found.push(entry.th32ProcessID);
            got = Process32NextW(snapshot.as_raw_handle(), &raw mut entry);
        }
    }
    found
}

/// A started process with everything that it starts in turn.
#[derive(Debug)]
pub struct Process {
    /// Also for the thread that waits for its end.
    process: Arc<OwnedHandle>,
    pid: u32,
    job: Job,
    /// It has this process's console, by which Ctrl-Break reaches it.
    shares_console: bool,
}

/// Starts the command in a kill-on-close job, before its first instruction, and without a window.
///
/// # Errors
/// The operating system's error; a process that cannot be let run is ended.
pub fn spawn(mut command: Command, mark: (&str, &str)) -> io::Result<(Process, Pipes)> {
    let job = Job::new()?;
    let at_rest = console::at_rest();
    let shares_console = console::is_there();
    // Without a console of ours it gets one of its own, which nobody sees.
    let window = if shares_console { 0 } else { CREATE_NO_WINDOW };
    command.env(mark.0, mark.1);
    let flags = CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP | window;
    let waiting = starting::start(&mut command, flags, &job)?;
    drop(at_rest);
    // SAFETY: the handle is open and was given every right when the process was made.
    let status = unsafe { NtResumeProcess(waiting.process.as_raw_handle()) };
    if status < 0 {
        waiting.end();
        return Err(io::Error::other(format!(
            "the new process cannot be resumed: 0x{status:08X}"
        )));
    }
    let process = Process {
        process: Arc::new(waiting.process),
        pid: waiting.pid,
        job,
        shares_console,
    };
    Ok((process, waiting.pipes))
}

impl Process {
    /// The direct child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// There are no process groups with numbers; the job stands for them.
    #[must_use]
    pub fn group(&self) -> Option<i32> {
        None
    }

    /// A function that blocks until the direct child has ended.
    pub fn exit_watcher(&self) -> impl FnOnce() + Send + 'static {
        let process = Arc::clone(&self.process);
        move || {
            // SAFETY: the handle is open for as long as this closure has it.
            unsafe { WaitForSingleObject(process.as_raw_handle(), INFINITE) };
        }
    }

    /// The job knows all descendants.
    pub fn note_descendants(&mut self) {}

    /// Ctrl-Break to what has a console, as the end of stdin has asked the others.
    ///
    /// # Errors
    /// Why it cannot be asked: it has no console, or the console does not take it.
    pub fn terminate(&mut self) -> io::Result<()> {
        let group = self.pid;
        let living: Vec<u32> = self.survivors().iter().map(|one| one.pid).collect();
        let sent = if self.shares_console {
            console::send_break_here(group, &living)
        } else {
            console::send_break_through(group, &living)
        };
        sent.map_err(|error| io::Error::other(format!("Ctrl-Break cannot be sent: {error}")))
    }

    /// Ends every process of the job.
    pub fn kill(&mut self) {
        self.job.end();
    }

    /// Every process of the job that lives.
    #[must_use]
    pub fn survivors(&self) -> Vec<Survivor> {
        let found_by = "group";
        let members = match self.job.members() {
            Ok(members) => members,
            // Nobody may be said to be gone whom nobody has looked for.
            Err(error) => {
                return vec![Survivor {
                    pid: self.pid,
                    cmdline: format!("the job cannot be asked: {error}"),
                    found_by,
                }];
            }
        };
        members
            .into_iter()
            .filter_map(|pid| {
                // The job counts a process a moment longer than it lives.
                let program = match open(pid) {
                    Ok(process) if has_ended(process.as_raw_handle()) => return None,
                    Ok(process) => program_of(&process),
                    Err(error) if error.raw_os_error() == Some(NO_SUCH_PROCESS) => return None,
                    Err(_) => PathBuf::new(),
                };
                let is_console = program
                    .file_name()
                    .is_some_and(|name| name.eq_ignore_ascii_case(CONSOLE_HOST));
                (!is_console).then(|| Survivor {
                    pid,
                    cmdline: program.display().to_string(),
                    found_by,
                })
            })
            .collect()
    }

    /// The direct child's exit status, if it has ended.
    pub fn reap(&mut self) -> Option<Exit> {
        if !has_ended(self.process.as_raw_handle()) {
            return None;
        }
        let mut code = 0;
        // SAFETY: the handle is open; the number outlives the call.
        let got = unsafe { GetExitCodeProcess(self.process.as_raw_handle(), &raw mut code) };
        Some(Exit {
            code: (got != 0).then(|| code.cast_signed()),
            signal: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::FreeConsole;

    use super::*;

    fn shell() -> (Process, Pipes) {
        let path = std::env::var_os("ComSpec").expect("the system's shell");
        spawn(Command::new(path), ("MARK", "1")).expect("it starts")
    }

    #[test]
    fn what_starts_while_another_one_is_asked_to_stop_does_not_get_its_console() {
        let has_console = console::is_there();
        if !has_console {
            // Wine counts whom a shell has started as one with a console that nobody is in.
            // SAFETY: no arguments.
            unsafe { FreeConsole() };
        }
        let (asked, _pipes) = shell();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // It may be refused: what counts is that its console is joined and left.
                    let _ = console::send_break_through(asked.pid, &[asked.pid]);
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let started: Vec<_> = (0..10).map(|_| shell()).collect();
            over.store(true, Ordering::Relaxed);
            for (process, _) in &started {
                assert_eq!(process.shares_console, has_console);
            }
        });
    }
}
