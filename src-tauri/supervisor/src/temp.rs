//! A temporary folder for one launch, and the folders that dead hosts left behind.
//!
//! A single-file build unpacks itself into TMPDIR at each start and leaves the files there when it
//! is killed. A folder of its own per launch makes what is left countable and removable.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use crate::platform;

/// How many left files are listed at most.
const MAX_LISTED: usize = 50;

/// One launch's folder: `<prefix>-<host pid>-<host start time>-<random>` in the root, mode 0700.
#[derive(Debug)]
pub struct LaunchTemp {
    path: PathBuf,
}

impl LaunchTemp {
    /// Makes a new folder under `root`.
    ///
    /// # Errors
    /// When the folder cannot be made: full disk, missing rights.
    pub fn create(root: &Path, prefix: &str) -> io::Result<Self> {
        let pid = std::process::id();
        let start = platform::start_time_of(pid).unwrap_or(0);
        loop {
            let path = root.join(format!("{prefix}-{pid}-{start}-{:08x}", random()));
            match platform::create_private_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What lies in it, as relative paths: folders end in a slash, long lists in a count.
    #[must_use]
    pub fn contents(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut more = 0_usize;
        let mut open = vec![self.path.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if found.len() < MAX_LISTED {
                    let below = path.strip_prefix(&self.path).unwrap_or(&path);
                    let name = below.display().to_string();
                    // The same everywhere, and so in every journal.
                    let name = name.replace(std::path::MAIN_SEPARATOR, "/");
                    found.push(format!("{name}{}", if is_dir { "/" } else { "" }));
                } else {
                    more += 1;
                }
                if is_dir {
                    open.push(path);
                }
            }
        }
        found.sort();
        if more > 0 {
            found.push(format!("… and {more} more"));
        }
        found
    }

    /// Removes the folder and what is in it.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        match platform::remove_folder(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// 32 random bits, from the seed that the standard library draws for each hash map.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish() & 0xffff_ffff
}

/// Removes the folders of hosts that are gone: named as ours, a real folder (no link), of this
/// user, and its host's process id is free or belongs to a process that started at another time.
/// Returns what was removed; what cannot be removed is left for the next time.
#[must_use]
pub fn sweep(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((pid, start)) = name.to_str().and_then(|name| owner_of(name, prefix)) else {
            continue;
        };
        let path = entry.path();
        let ours = fs::symlink_metadata(&path)
            .is_ok_and(|metadata| metadata.is_dir() && platform::is_own(&metadata));
        if ours && !platform::is_alive(pid, start) && fs::remove_dir_all(&path).is_ok() {
            removed.push(path);
        }
    }
    removed
}

/// The process id and start time in a folder's name, when the name has exactly our form.
fn owner_of(name: &str, prefix: &str) -> Option<(u32, u64)> {
    let rest = name.strip_prefix(prefix)?.strip_prefix('-')?;
    let mut parts = rest.split('-');
    let (pid, start, random) = (parts.next()?, parts.next()?, parts.next()?);
    let is_random = random.len() == 8 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_random && parts.next().is_none()).then_some(())?;
    Some((pid.parse().ok()?, start.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str) -> PathBuf {
        let root =
            std::env::temp_dir().join(format!("supervisor-temp-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a folder for the test");
        root
    }

    #[test]
    fn only_folders_of_dead_hosts_are_swept() {
        let root = root("sweep");
        let alive = LaunchTemp::create(&root, "sidecar").expect("made");
        // No process has an id beyond the kernel's limit of 2^22.
        let dead = root.join("sidecar-4999999-1-0123abcd");
        fs::create_dir(&dead).expect("made");
        fs::write(dead.join("left.bin"), "x").expect("written");
        for other in [
            "sidecar-4999999-1",
            "sidecar-x-1-0123abcd",
            "other-4999999-1-0123abcd",
        ] {
            fs::create_dir(root.join(other)).expect("made");
        }
        assert_eq!(sweep(&root, "sidecar"), [dead]);
        assert!(alive.path().is_dir());
        assert_eq!(fs::read_dir(&root).expect("readable").count(), 4);
        fs::remove_dir_all(&root).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_our_name_is_not_followed() {
        let root = root("link");
        let target = root.join("precious");
        fs::create_dir(&target).expect("made");
        std::os::unix::fs::symlink(&target, root.join("sidecar-4999999-1-0123abcd")).expect("made");
        assert!(sweep(&root, "sidecar").is_empty());
        assert!(target.is_dir());
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn what_is_left_is_listed_and_removed() {
        let root = root("left");
        let temp = LaunchTemp::create(&root, "sidecar").expect("made");
        fs::create_dir(temp.path().join("_MEIabc")).expect("made");
        fs::write(temp.path().join("_MEIabc/base.zip"), "x").expect("written");
        assert_eq!(temp.contents(), ["_MEIabc/", "_MEIabc/base.zip"]);
        let path = temp.path().to_owned();
        temp.remove().expect("removed");
        assert!(!path.exists());
        fs::remove_dir_all(&root).expect("removed");
    }
}
