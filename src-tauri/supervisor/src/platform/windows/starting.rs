//! A process that is in its job from its creation on, and inherits three handles.
//!
//! `std::process::Command` can do neither: it hands down every handle that may be inherited, and a
//! process can be put into a job only once it is there. A host that died in between left it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString, c_void};
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use windows_sys::Win32::Foundation::{HANDLE, HANDLE_FLAG_INHERIT, MAX_PATH, SetHandleInformation};
use windows_sys::Win32::System::Pipes::CreatePipe;
use windows_sys::Win32::System::Threading::{
    CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList,
    EXTENDED_STARTUPINFO_PRESENT, InitializeProcThreadAttributeList,
    PROC_THREAD_ATTRIBUTE_HANDLE_LIST, PROC_THREAD_ATTRIBUTE_JOB_LIST, PROCESS_INFORMATION,
    STARTF_USESTDHANDLES, STARTUPINFOEXW, TerminateProcess, UpdateProcThreadAttribute,
};

use super::super::Pipes;
use super::job::{Job, KILLED};

/// As much as `std` gives a pipe.
const PIPE_BYTES: u32 = 64 * 1024;

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

/// A process that waits for its first instruction.
pub(super) struct Waiting {
    pub(super) process: OwnedHandle,
    pub(super) pid: u32,
    pub(super) pipes: Pipes,
}

impl Waiting {
    /// Ends it: it cannot be let run.
    pub(super) fn end(&self) {
        // SAFETY: the handle is open. It fails when the process has ended.
        unsafe { TerminateProcess(self.process.as_raw_handle(), KILLED) };
    }
}

/// Creates the process of a command in a job.
///
/// What is no plain `.exe` is found and started by `std`, and so is everything on a Windows that
/// does not know of jobs at that moment, before 10: both are put into the job afterwards.
pub(super) fn start(command: &mut Command, flags: u32, job: &Job) -> io::Result<Waiting> {
    if is_plain(Path::new(command.get_program()))
        && let Some(waiting) = created(command, flags, job)?
    {
        return Ok(waiting);
    }
    let waiting = created_by_std(command, flags)?;
    match job.take(waiting.process.as_raw_handle()) {
        Ok(()) => Ok(waiting),
        Err(error) => {
            waiting.end();
            Err(error)
        }
    }
}

/// Whether the system finds it as it is: a path, and no name, that needs no shell, suffix or prefix.
fn is_plain(program: &Path) -> bool {
    program
        .parent()
        .is_some_and(|folder| !folder.as_os_str().is_empty())
        && program
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("exe"))
        && program.as_os_str().encode_wide().count() < MAX_PATH as usize
}

fn created_by_std(command: &mut Command, flags: u32) -> io::Result<Waiting> {
    let missing = || io::Error::other("a pipe of the new process is missing");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .creation_flags(flags)
        .spawn()?;
    let pipes = Pipes {
        stdin: File::from(OwnedHandle::from(child.stdin.take().ok_or_else(missing)?)),
        stdout: File::from(OwnedHandle::from(child.stdout.take().ok_or_else(missing)?)),
        stderr: File::from(OwnedHandle::from(child.stderr.take().ok_or_else(missing)?)),
    };
    Ok(Waiting {
        pid: child.id(),
        process: OwnedHandle::from(child),
        pipes,
    })
}

/// Nothing where this Windows cannot create a process in a job.
fn created(command: &Command, flags: u32, job: &Job) -> io::Result<Option<Waiting>> {
    let program = terminated(command.get_program())?;
    let mut line = command_line(command)?;
    let environment = environment(command)?;
    let folder = command
        .get_current_dir()
        .map(|folder| terminated(folder.as_os_str()))
        .transpose()?;
    let (their_stdin, stdin) = pipe()?;
    let (stdout, their_stdout) = pipe()?;
    let (stderr, their_stderr) = pipe()?;
    let theirs = [&their_stdin, &their_stdout, &their_stderr].map(|end| end.as_raw_handle());
    for end in theirs {
        // SAFETY: the handle is open. Until it is closed at the end of this function, another
        // thread that starts a program without such a list hands it down: what `std` alone guards
        // itself against, and why the end of a pipe is never waited for without a bound.
        if unsafe { SetHandleInformation(end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    let jobs = [job.handle()];
    let mut attributes = Attributes::new()?;
    if attributes
        .put(PROC_THREAD_ATTRIBUTE_JOB_LIST, &jobs)
        .is_err()
    {
        return Ok(None);
    }
    attributes.put(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &theirs)?;
    // SAFETY: all three structures are plain data; an all-zero one is valid. Every pointer is into
    // what outlives the call, and texts end with a zero. The handles that come of it are owned.
    unsafe {
        let mut startup: STARTUPINFOEXW = std::mem::zeroed();
        startup.StartupInfo.cb = size_of::<STARTUPINFOEXW>() as u32;
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        [
            startup.StartupInfo.hStdInput,
            startup.StartupInfo.hStdOutput,
            startup.StartupInfo.hStdError,
        ] = theirs;
        startup.lpAttributeList = attributes.place();
        let mut made: PROCESS_INFORMATION = std::mem::zeroed();
        let done = CreateProcessW(
            program.as_ptr(),
            line.as_mut_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            1,
            flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
            environment.as_ptr().cast(),
            folder.as_ref().map_or(std::ptr::null(), Vec::as_ptr),
            (&raw const startup).cast(),
            &raw mut made,
        );
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        drop(OwnedHandle::from_raw_handle(made.hThread));
        Ok(Some(Waiting {
            process: OwnedHandle::from_raw_handle(made.hProcess),
            pid: made.dwProcessId,
            pipes: Pipes {
                stdin: File::from(stdin),
                stdout: File::from(stdout),
                stderr: File::from(stderr),
            },
        }))
    }
}

/// A pipe that nobody inherits: where it is read, and where it is written.
fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let (mut reading, mut writing): (HANDLE, HANDLE) = Default::default();
    // SAFETY: there is room for two handles, which are ours when the call succeeds.
    unsafe {
        let ends = (&raw mut reading, &raw mut writing);
        if CreatePipe(ends.0, ends.1, std::ptr::null(), PIPE_BYTES) == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((
            OwnedHandle::from_raw_handle(reading),
            OwnedHandle::from_raw_handle(writing),
        ))
    }
}

/// What a process gets at its creation: a `PROC_THREAD_ATTRIBUTE_LIST` with room for two.
struct Attributes<'handles> {
    room: Vec<usize>,
    pointed_at: PhantomData<&'handles [HANDLE]>,
}

impl<'handles> Attributes<'handles> {
    fn new() -> io::Result<Self> {
        let mut bytes = 0;
        // SAFETY: the first call only says how much room the second one needs; it has that, aligned
        // as pointers are.
        unsafe {
            InitializeProcThreadAttributeList(std::ptr::null_mut(), 2, 0, &raw mut bytes);
            let mut room = vec![0_usize; bytes.div_ceil(size_of::<usize>())];
            let place = room.as_mut_ptr().cast();
            match InitializeProcThreadAttributeList(place, 2, 0, &raw mut bytes) {
                0 => Err(io::Error::last_os_error()),
                _ => Ok(Self {
                    room,
                    pointed_at: PhantomData,
                }),
            }
        }
    }

    fn put(&mut self, attribute: u32, handles: &'handles [HANDLE]) -> io::Result<()> {
        // SAFETY: the list was initialised; it points at the handles, which outlive it.
        let put = unsafe {
            UpdateProcThreadAttribute(
                self.place(),
                0,
                attribute as usize,
                handles.as_ptr().cast(),
                size_of_val(handles),
                std::ptr::null_mut(),
                std::ptr::null(),
            )
        };
        match put {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn place(&mut self) -> *mut c_void {
        self.room.as_mut_ptr().cast()
    }
}

impl Drop for Attributes<'_> {
    fn drop(&mut self) {
        // SAFETY: the list was initialised, and is used no more.
        unsafe { DeleteProcThreadAttributeList(self.place()) };
    }
}

/// A text in UTF-16 with a zero at its end.
fn terminated(text: &OsStr) -> io::Result<Vec<u16>> {
    let units = units(text)?;
    Ok(units.into_iter().chain([0]).collect())
}

fn units(text: &OsStr) -> io::Result<Vec<u16>> {
    let units: Vec<u16> = text.encode_wide().collect();
    if units.contains(&0) {
        let error = "a NUL in what a program is started with";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
    }
    Ok(units)
}

/// The program and its arguments in one line, as C libraries divide it again.
fn command_line(command: &Command) -> io::Result<Vec<u16>> {
    let mut line = quoted(&units(command.get_program())?);
    for argument in command.get_args() {
        let argument = units(argument)?;
        line.push(u16::from(b' '));
        let blank = |unit: &u16| *unit == u16::from(b' ') || *unit == u16::from(b'\t');
        if argument.is_empty() || argument.iter().any(blank) || argument.contains(&QUOTE) {
            line.extend(quoted(&argument));
        } else {
            line.extend(argument);
        }
    }
    line.push(0);
    Ok(line)
}

/// A word in quotation marks. Backslashes stand for themselves, but for those before such a mark.
fn quoted(word: &[u16]) -> Vec<u16> {
    let mut line = vec![QUOTE];
    let mut backslashes = 0;
    for &unit in word {
        if unit == QUOTE {
            line.extend(std::iter::repeat_n(BACKSLASH, backslashes + 1));
        }
        backslashes = if unit == BACKSLASH {
            backslashes + 1
        } else {
            0
        };
        line.push(unit);
    }
    line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
    line.push(QUOTE);
    line
}

/// The environment of this process with the changes of the command, in the system's order: by
/// names in capital letters, of which each is there once, however it is written.
fn environment(command: &Command) -> io::Result<Vec<u16>> {
    let mut entries: BTreeMap<OsString, (OsString, OsString)> = env::vars_os()
        .map(|(name, value)| (name.to_ascii_uppercase(), (name, value)))
        .collect();
    for (name, value) in command.get_envs() {
        let key = name.to_ascii_uppercase();
        match value {
            Some(value) => entries.insert(key, (name.to_owned(), value.to_owned())),
            None => entries.remove(&key),
        };
    }
    let mut block = Vec::new();
    for (name, value) in entries.values() {
        block.extend(units(name)?);
        block.push(u16::from(b'='));
        block.extend(units(value)?);
        block.push(0);
    }
    block.push(0);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
    use windows_sys::Win32::System::Threading::{CREATE_SUSPENDED, WaitForSingleObject};

    use super::*;

    fn text(units: &[u16]) -> String {
        String::from_utf16(units).expect("text")
    }

    #[test]
    fn a_program_is_in_its_job_before_anyone_has_put_it_there() {
        let job = Job::new().expect("a job");
        let command = Command::new(env::current_exe().expect("a path"));
        let waiting = created(&command, CREATE_SUSPENDED, &job)
            .expect("it starts")
            .expect("this Windows knows of it");
        assert_eq!(job.members().expect("they are listed"), [waiting.pid]);
        // As the system closes it with a process that dies at this moment.
        drop(job);
        // SAFETY: the handle is open.
        let ended = unsafe { WaitForSingleObject(waiting.process.as_raw_handle(), 10_000) };
        assert_eq!(ended, WAIT_OBJECT_0);
    }

    #[test]
    fn what_is_no_path_to_an_exe_is_left_to_std() {
        for (program, plain) in [
            (r"C:\a b\c.exe", true),
            ("/unix/c.EXE", true),
            ("c.exe", false),
            (r"C:\a\c", false),
            (r"C:\a\c.cmd", false),
        ] {
            assert_eq!(is_plain(Path::new(program)), plain, "{program}");
        }
        let long = format!(r"C:\{}\c.exe", "x".repeat(MAX_PATH as usize));
        assert!(!is_plain(Path::new(&long)));
    }

    #[test]
    fn a_word_is_quoted_as_it_is_read_again() {
        let line = |word: &str| text(&quoted(&word.encode_utf16().collect::<Vec<_>>()));
        assert_eq!(line(r"C:\a b\"), r#""C:\a b\\""#);
        assert_eq!(line(r#"say "so""#), r#""say \"so\"""#);
        assert_eq!(line(r#"\" x"#), r#""\\\" x""#);
    }

    #[test]
    fn a_line_has_the_program_and_every_argument() {
        let mut command = Command::new(r"C:\a b\c.exe");
        command.args(["", "plain", "two words", r"C:\d\"]);
        let line = command_line(&command).expect("no NUL");
        assert_eq!(
            text(&line),
            "\"C:\\a b\\c.exe\" \"\" plain \"two words\" C:\\d\\\0"
        );
        command.arg("a\0b");
        assert!(command_line(&command).is_err());
    }

    #[test]
    fn an_environment_has_each_name_once_in_order() {
        let mut command = Command::new("c.exe");
        command.env("Path", "changed").env("zz_ours", "x=y");
        command.env_remove("TEMP");
        let block = text(&environment(&command).expect("no NUL"));
        let names: Vec<String> = block
            .split_terminator('\0')
            .filter(|entry| !entry.is_empty())
            .map(|entry| entry[..1 + entry[1..].find('=').expect("a value")].to_uppercase())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.iter().filter(|name| *name == "PATH").count(), 1);
        assert!(block.contains("\0Path=changed\0") && block.contains("zz_ours=x=y\0"));
        assert!(!names.contains(&"TEMP".to_owned()), "{names:?}");
        assert!(block.ends_with("\0\0"));
    }
}
