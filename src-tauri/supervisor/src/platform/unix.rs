//! Unix: process groups and signals; on Linux the leash, the parent-death signal and `/proc` as well.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

#[cfg(target_os = "linux")]
use super::procfs;
use super::{Exit, Pipes, Survivor};

/// The signal that cannot be handled.
pub const SIGKILL: i32 = libc::SIGKILL;

/// How much of a survivor's command line is kept as evidence.
#[cfg(target_os = "linux")]
const MAX_COMMAND_LINE_CHARS: usize = 300;

/// The name of a signal.
#[must_use]
pub fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => "a signal without a name here",
    }
}

/// The permission bits of a file.
#[must_use]
pub fn mode_of(metadata: &Metadata) -> Option<u32> {
    Some(metadata.permissions().mode())
}

/// What decides whether this process may start a thread: a name and what was found.
#[must_use]
pub fn thread_facts() -> Vec<(&'static str, String)> {
    let limit = |resource, unit: &str| {
        let mut limits = libc::rlimit {
            rlim_cur: libc::RLIM_INFINITY,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the structure is plain data that outlives the call; after an error it stays as
        // it is.
        unsafe { libc::getrlimit(resource, &raw mut limits) };
        if limits.rlim_cur == libc::RLIM_INFINITY {
            "none".to_owned()
        } else {
            format!("{} {unit}", limits.rlim_cur)
        }
    };
    #[cfg_attr(
        not(target_os = "linux"),
        allow(unused_mut, reason = "Linux knows more")
    )]
    let mut facts = vec![
        (
            "limit on processes",
            limit(libc::RLIMIT_NPROC, "processes and threads of this user"),
        ),
        (
            "limit on memory",
            limit(libc::RLIMIT_AS, "bytes of address space"),
        ),
    ];
    #[cfg(target_os = "linux")]
    if let Some(count) = procfs::own_threads() {
        facts.push(("threads of the host", count.to_string()));
    }
    facts
}

/// True when the file belongs to the user of this process.
#[must_use]
pub fn is_own(metadata: &Metadata) -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    metadata.uid() == unsafe { libc::geteuid() }
}

/// Makes one folder that only this user may enter.
///
/// # Errors
/// When it exists already or cannot be made.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Removes a folder with all that is in it.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

/// When a process started, in the kernel's ticks; nothing where that cannot be told.
#[must_use]
pub fn start_time_of(pid: u32) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        procfs::entry(pid).map(|process| process.start_time)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        None
    }
}

/// True when the process with this id lives and is the one that started then.
#[must_use]
pub fn is_alive(pid: u32, start_time: u64) -> bool {
    #[cfg(target_os = "linux")]
    {
        procfs::entry(pid)
            .is_some_and(|process| process.start_time == start_time && !process.is_zombie)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = start_time;
        // SAFETY: signal 0 only asks whether the process exists.
        unsafe { libc::kill(pid.cast_signed(), 0) == 0 }
    }
}

/// Opens a file as an update would; nothing is written.
///
/// # Errors
/// When somebody runs it, or it may not be written.
pub fn open_to_replace(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).open(path)
}

/// True for the error of [`open_to_replace`] that says that somebody runs the file.
#[must_use]
pub fn means_in_use(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ExecutableFileBusy
}

/// The processes that run this file or a file below this folder, or have loaded one; none where
/// the system does not show that.
#[must_use]
pub fn users_of(path: &Path) -> Vec<Survivor> {
    #[cfg(target_os = "linux")]
    {
        procfs::users_of(path)
            .into_iter()
            .map(|pid| Survivor {
                pid,
                cmdline: procfs::command_line(pid, MAX_COMMAND_LINE_CHARS),
                found_by: "file",
            })
            .collect()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Vec::new()
    }
}

/// A started process with everything that it starts in turn.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    #[cfg(target_os = "linux")]
    mark: Vec<u8>,
    #[cfg(target_os = "linux")]
    start_time: u64,
    /// Descendants by parentage, seen while their parents lived: id and start time.
    #[cfg(target_os = "linux")]
    descendants: Vec<(u32, u64)>,
    /// Closed, it ends the group: here when the launch is done with, by the kernel when we die.
    #[cfg(target_os = "linux")]
    _leash: std::os::fd::OwnedFd,
}

/// Starts the command in a process group of its own. Call it from a thread that lives as long as
/// the process may: the parent-death signal is sent when the calling THREAD ends.
///
/// # Errors
/// The operating system's error, when the program cannot be executed.
pub fn spawn(mut command: Command, mark: (&str, &str)) -> io::Result<(Process, Pipes)> {
    command.env(mark.0, mark.1);
    #[cfg(target_os = "linux")]
    let super::vfork::Spawned { pid, pipes, leash } = super::vfork::spawn(&command)?;
    #[cfg(not(target_os = "linux"))]
    let (pid, pipes) = spawn_by_library(command)?;
    let process = Process {
        pid,
        #[cfg(target_os = "linux")]
        mark: format!("{}={}", mark.0, mark.1).into_bytes(),
        // It is not reaped before `reap`, so its entry is there even if it has ended already.
        #[cfg(target_os = "linux")]
        start_time: start_time_of(pid).unwrap_or(0),
        #[cfg(target_os = "linux")]
        descendants: Vec::new(),
        #[cfg(target_os = "linux")]
        _leash: leash,
    };
    Ok((process, pipes))
}

#[cfg(not(target_os = "linux"))]
fn spawn_by_library(mut command: Command) -> io::Result<(u32, Pipes)> {
    use std::os::fd::OwnedFd;
    use std::os::unix::process::CommandExt as _;
    use std::process::Stdio;

    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let missing = || io::Error::other("a pipe of the new process is missing");
    let pipes = Pipes {
        stdin: File::from(OwnedFd::from(child.stdin.take().ok_or_else(missing)?)),
        stdout: File::from(OwnedFd::from(child.stdout.take().ok_or_else(missing)?)),
        stderr: File::from(OwnedFd::from(child.stderr.take().ok_or_else(missing)?)),
    };
    // Dropping the child neither ends nor reaps it; both are done by its process id.
    Ok((child.id(), pipes))
}

impl Process {
    /// The direct child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The process group, whose number is the direct child's process id.
    #[must_use]
    pub fn group(&self) -> Option<i32> {
        Some(self.pid.cast_signed())
    }

    /// A function that blocks until the direct child has ended. It does not reap: until `reap` the
    /// process id and the group cannot be given to somebody else, so signals hit the right ones.
    pub fn exit_watcher(&self) -> impl FnOnce() + Send + 'static {
        let pid = self.pid;
        move || {
            loop {
                // SAFETY: siginfo_t is plain data, valid when zeroed, and outlives the call.
                let result = unsafe {
                    let mut info: libc::siginfo_t = std::mem::zeroed();
                    libc::waitid(
                        libc::P_PID,
                        pid,
                        &raw mut info,
                        libc::WEXITED | libc::WNOWAIT,
                    )
                };
                if result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                    return;
                }
            }
        }
    }

    /// Remembers the descendants while parentage still leads to them: one that leaves the group,
    /// drops the mark and loses its parent could not be found otherwise.
    pub fn note_descendants(&mut self) {
        #[cfg(target_os = "linux")]
        {
            let living = procfs::living();
            let mut parents = vec![self.pid];
            while let Some(parent) = parents.pop() {
                for process in living.iter().filter(|process| process.parent == parent) {
                    let known = (process.pid, process.start_time);
                    if !self.descendants.contains(&known) {
                        self.descendants.push(known);
                        parents.push(process.pid);
                    }
                }
            }
        }
    }

    /// SIGTERM to the group, and to what left it.
    ///
    /// # Errors
    /// Never here: a signal reaches whoever lives.
    #[allow(clippy::unnecessary_wraps, reason = "on Windows some cannot be asked")]
    pub fn terminate(&mut self) -> io::Result<()> {
        self.signal_all(libc::SIGTERM);
        Ok(())
    }

    /// SIGKILL to the group, and to what left it.
    pub fn kill(&mut self) {
        self.signal_all(libc::SIGKILL);
    }

    fn signal_all(&self, signal: i32) {
        // SAFETY: kill takes plain integers; the group is ours until the child is reaped.
        unsafe { libc::kill(-self.pid.cast_signed(), signal) };
        #[cfg(target_os = "linux")]
        for (process, found_by) in self.find() {
            if found_by != "group" {
                // SAFETY: kill takes plain integers.
                unsafe { libc::kill(process.pid.cast_signed(), signal) };
            }
        }
    }

    /// Every process of this launch that lives: in its group, with its mark in the environment, or
    /// a descendant noted before.
    #[must_use]
    pub fn survivors(&self) -> Vec<Survivor> {
        #[cfg(target_os = "linux")]
        {
            self.find()
                .into_iter()
                .map(|(process, found_by)| Survivor {
                    pid: process.pid,
                    cmdline: procfs::command_line(process.pid, MAX_COMMAND_LINE_CHARS),
                    found_by,
                })
                .collect()
        }
        #[cfg(not(target_os = "linux"))]
        {
            // Without /proc the group is what can be asked for; the direct child, dead and not
            // reaped, does not count as a member that can be signalled here.
            // SAFETY: signal 0 only asks whether the group has a member.
            let lives = unsafe { libc::kill(-self.pid.cast_signed(), 0) == 0 };
            if lives {
                vec![Survivor {
                    pid: self.pid,
                    cmdline: String::new(),
                    found_by: "group",
                }]
            } else {
                Vec::new()
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn find(&self) -> Vec<(procfs::Entry, &'static str)> {
        let me = std::process::id();
        procfs::living()
            .into_iter()
            // What started earlier cannot come from this launch, and need not be read.
            .filter(|process| process.start_time >= self.start_time && process.pid != me)
            .filter_map(|process| {
                let found_by = if process.group == self.pid.cast_signed() {
                    "group"
                } else if self
                    .descendants
                    .contains(&(process.pid, process.start_time))
                {
                    "descent"
                } else if procfs::carries(process.pid, &self.mark) {
                    "mark"
                } else {
                    return None;
                };
                Some((process, found_by))
            })
            .collect()
    }

    /// Collects the direct child's exit status, if it has ended; its process id is free then.
    pub fn reap(&mut self) -> Option<Exit> {
        let mut raw = 0;
        // SAFETY: the child is ours and is reaped here and nowhere else.
        let reaped = unsafe { libc::waitpid(self.pid.cast_signed(), &raw mut raw, libc::WNOHANG) };
        if reaped != self.pid.cast_signed() {
            return None;
        }
        let status = ExitStatus::from_raw(raw);
        Some(Exit {
            code: status.code(),
            signal: status.signal(),
        })
    }
}
