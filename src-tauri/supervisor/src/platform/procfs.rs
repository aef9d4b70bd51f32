//! Looks for processes in `/proc`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// One process; the start time tells it from a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub pid: u32,
    pub parent: u32,
    pub group: i32,
    /// In clock ticks since the system started.
    pub start_time: u64,
    /// Dead and waiting to be reaped: no process any more.
    pub is_zombie: bool,
}

/// Reads one process, or nothing when it is gone.
pub fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&stat))
}

/// Parses `/proc/PID/stat`; the program's name in it may hold spaces and parentheses.
fn parse_stat(pid: u32, stat: &str) -> Option<Entry> {
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..]
        .split_ascii_whitespace()
        .collect();
    Some(Entry {
        pid,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// All processes that can be seen and that live.
pub fn living() -> Vec<Entry> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|folder| folder.file_name().to_str()?.parse().ok())
        .filter_map(entry)
        .filter(|process| !process.is_zombie)
        .collect()
}

/// True when the process was started with `NAME=value` in its environment.
pub fn carries(pid: u32, name_and_value: &[u8]) -> bool {
    let path = PathBuf::from(format!("/proc/{pid}/environ"));
    fs::read(path).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == name_and_value)
    })
}

/// How many threads this process has.
pub fn own_threads() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

/// The processes that run a file, or have one loaded, which is this path or lies below it. Those of
/// other users do not show it.
pub fn users_of(path: &Path) -> Vec<u32> {
    living()
        .into_iter()
        .filter(|process| uses(process.pid, path))
        .map(|process| process.pid)
        .collect()
}

fn uses(pid: u32, path: &Path) -> bool {
    let runs = fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.starts_with(path));
    runs || fs::read(format!("/proc/{pid}/maps")).is_ok_and(|maps| {
        // The path is the last of six columns, and the only one with a slash in it.
        let mut lines = maps.split(|byte| *byte == b'\n');
        lines.any(|line| {
            let at = line.iter().position(|byte| *byte == b'/');
            at.is_some_and(|at| Path::new(OsStr::from_bytes(&line[at..])).starts_with(path))
        })
    })
}

/// The command line of a process, cut to `max_chars` characters.
pub fn command_line(pid: u32, max_chars: usize) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&raw).replace('\0', " ");
    text.trim_end().chars().take(max_chars).collect()
}

/// A process and those below it, a line each, indented by their depth.
pub fn tree(root: u32) -> Vec<String> {
    let living = living();
    let mut lines = Vec::new();
    let mut open = vec![(root, 0)];
    while let Some((pid, depth)) = open.pop() {
        // Parents can be read in a circle, when ids are used again meanwhile.
        if lines.len() > living.len() {
            break;
        }
        lines.push(format!(
            "{}{pid} {}",
            "  ".repeat(depth),
            command_line(pid, 300)
        ));
        let below = living.iter().filter(|entry| entry.parent == pid);
        open.extend(below.map(|entry| (entry.pid, depth + 1)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 5 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 1";
        let entry = parse_stat(7, stat).expect("valid");
        assert_eq!((entry.parent, entry.group, entry.start_time), (1, 5, 12345));
        assert!(!entry.is_zombie);
        assert_eq!(parse_stat(7, "7 (a) S 1"), None);
    }

    #[test]
    fn this_process_is_found() {
        let me = std::process::id();
        assert!(tree(me)[0].starts_with(&me.to_string()));
        assert!(living().iter().any(|process| process.pid == me));
    }
}
