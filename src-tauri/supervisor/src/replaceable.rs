//! Whether a program, or the folder that it is, can be replaced by an update: nothing runs it, and
//! its files can be written or put into its place.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::platform::{self, Survivor};
use crate::temp::random;

/// Why a program cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotReplaceable {
    /// Somebody runs it, or has loaded a file of it.
    #[error("{} is in use{}", path.display(), told(by))]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who uses it, as far as this user may see that.
        by: Vec<Survivor>,
    },
    /// This user may neither write the file nor put another one into its place.
    #[error("{} may not be replaced by this user: {error}", path.display())]
    NotAllowed {
        /// The file.
        path: PathBuf,
        /// The operating system's text.
        error: String,
    },
    /// It is not there, or cannot be read.
    #[error("{} cannot be looked at: {error}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The operating system's text.
        error: String,
    },
}

fn told(by: &[Survivor]) -> String {
    by.iter()
        .map(|process| format!(", by process {} ({})", process.pid, process.cmdline))
        .collect()
}

/// Proves that an update can replace a file or a folder with all that is in it. Each file is opened
/// for writing, which the system refuses while somebody runs it; who runs it is looked up where the
/// system shows that (Linux and Windows, the processes of this user), on Linux also who has loaded it.
///
/// # Errors
/// The first thing that keeps it from being replaced. What somebody uses comes before what this
/// user may not do: an installer with more rights can do the latter and not the former.
pub fn replaceable(path: &Path) -> Result<(), NotReplaceable> {
    let unknown = |error: io::Error| NotReplaceable::Unknown {
        path: path.to_owned(),
        error: error.to_string(),
    };
    let real = fs::canonicalize(path).map_err(unknown)?;
    let by = platform::users_of(&real);
    if !by.is_empty() {
        return Err(NotReplaceable::InUse { path: real, by });
    }
    let mut refused = Vec::new();
    for file in files(&real).map_err(unknown)? {
        match platform::open_to_replace(&file) {
            Ok(_) => {}
            Err(error) if platform::means_in_use(&error) => {
                let by = Vec::new();
                return Err(NotReplaceable::InUse { path: file, by });
            }
            Err(error) => refused.push((file, error)),
        }
    }
    // What may not be written can still be replaced by another file of its name.
    let mut tried = BTreeMap::new();
    for (file, error) in refused {
        let Some(folder) = file.parent() else {
            continue;
        };
        let may = tried.entry(folder.to_owned());
        if !*may.or_insert_with(|| try_to_write_in(folder).is_ok()) {
            return Err(NotReplaceable::NotAllowed {
                error: error.to_string(),
                path: file,
            });
        }
    }
    Ok(())
}

/// The file itself, or the files in the folder at any depth; links are not followed.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

fn try_to_write_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".replaceable-{:08x}", random()));
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("replaceable-{name}-{}", random()));
        fs::create_dir_all(folder.join("lib")).expect("a folder for the test");
        folder
    }

    #[test]
    fn a_file_that_nobody_uses_can_be_replaced() {
        let folder = folder("free");
        let file = folder.join("lib/program");
        fs::write(&file, "x").expect("written");
        assert_eq!(replaceable(&file), Ok(()));
        assert_eq!(replaceable(&folder), Ok(()));
        assert_eq!(fs::read(&file).expect("there"), b"x");
        let missing = replaceable(&folder.join("other"));
        assert!(matches!(missing, Err(NotReplaceable::Unknown { .. })));
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[cfg(windows)]
    #[test]
    fn who_runs_a_program_is_named_however_its_path_is_written() {
        let own = std::env::current_exe().expect("known");
        let upper = PathBuf::from(own.to_string_lossy().to_uppercase());
        for path in [&own, &upper, &own.parent().expect("a folder").to_owned()] {
            match replaceable(path) {
                Err(NotReplaceable::InUse { by, .. }) => {
                    assert!(by.iter().any(|process| process.pid == std::process::id()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// root may write everywhere, whatever the bits say.
    #[cfg(unix)]
    #[test]
    fn a_file_in_a_closed_folder_counts_whichever_is_looked_at_first() {
        use std::os::unix::fs::PermissionsExt as _;
        // SAFETY: it takes and changes nothing.
        if unsafe { libc::geteuid() } == 0 {
            return;
        }
        let folder = folder("closed");
        let closed = folder.join("lib");
        for file in [folder.join("a"), closed.join("b")] {
            fs::write(&file, "x").expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("read-only");
        }
        assert_eq!(replaceable(&folder), Ok(()));
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("closed");
        let refused = replaceable(&folder);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("opened");
        assert!(matches!(refused, Err(NotReplaceable::NotAllowed { .. })));
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_runs_cannot_and_whoever_runs_it_is_named() {
        let folder = folder("runs");
        let program = folder.join("lib/sleeper");
        fs::copy("/bin/sleep", &program).expect("copied");
        let mut child = std::process::Command::new(&program)
            .arg("60")
            .spawn()
            .expect("it starts");
        // Who may not see other processes still gets the system's own refusal.
        let busy = platform::open_to_replace(&program).expect_err("it runs");
        assert!(platform::means_in_use(&busy));
        for path in [&program, &folder] {
            match replaceable(path) {
                Err(NotReplaceable::InUse { by, .. }) => assert_eq!(by[0].pid, child.id()),
                other => panic!("{other:?}"),
            }
        }
        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_eq!(replaceable(&folder), Ok(()));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
