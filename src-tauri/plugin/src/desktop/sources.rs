//! In development: a sidecar is started again when its sources change.
//!
//! Each folder is watched by itself and not its whole tree at once: an environment or a cache in it
//! has thousands of folders, and the system gives each user a bounded number of watches.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use sidecar_supervisor::Supervisor;

use super::gate::Gate;
use crate::error::{Error, Result};

/// An editor writes a file in several steps, and a branch is many files: they are one change.
const QUIET: Duration = Duration::from_millis(150);
/// Somebody who never stops writing is not waited for any longer.
const AT_MOST: Duration = Duration::from_secs(2);
/// Folders that hold no sources, besides those whose names begin with a dot.
const PASSED_OVER: [&str; 6] = [
    "__pycache__",
    "node_modules",
    "target",
    "dist",
    "build",
    "venv",
];

type Shared = Arc<Mutex<Option<RecommendedWatcher>>>;

/// Dropped, nothing is watched any longer.
pub(super) struct Watching(Shared);

impl Drop for Watching {
    fn drop(&mut self) {
        // Takes the sending end along, and so the thread ends.
        let _ = lock(&self.0).take();
    }
}

fn lock(watcher: &Shared) -> std::sync::MutexGuard<'_, Option<RecommendedWatcher>> {
    watcher.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches files and folders; nothing when there are none.
///
/// # Errors
/// When one of them is not there, or the system refuses to watch it.
pub(super) fn watch(
    name: &str,
    paths: &[PathBuf],
    supervisor: &Arc<Supervisor>,
    gate: &Arc<Gate>,
) -> Result<Option<Watching>> {
    if paths.is_empty() {
        return Ok(None);
    }
    let system = |path: &Path, error: String| Error::System {
        what: format!(
            "plugins.sidecar-supervisor.sidecars.{name}.dev.watch: {} cannot be watched",
            path.display()
        ),
        error,
    };
    let (sender, changes) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event| {
        // The thread is gone only with the watcher.
        let _ = sender.send(event);
    });
    let watcher = watcher.map_err(|error| system(&paths[0], error.to_string()))?;
    let watcher = Arc::new(Mutex::new(Some(watcher)));
    let watching = Watching(Arc::clone(&watcher));
    let mut wanted = Vec::new();
    for path in paths {
        let real = fs::canonicalize(path).map_err(|error| system(path, error.to_string()))?;
        add(&watcher, &real).map_err(|error| system(path, error.to_string()))?;
        wanted.push(real);
    }
    let (weak, gate) = (Arc::downgrade(supervisor), Arc::clone(gate));
    let watcher = Arc::downgrade(&watcher);
    thread::Builder::new()
        .name("sidecar-sources".to_owned())
        .spawn(move || restart_after(&changes, &wanted, &watcher, &weak, &gate))
        .map_err(|error| system(&paths[0], error.to_string()))?;
    Ok(Some(watching))
}

/// Watches a file by its folder (editors put a new file into its place), a folder with those in it.
fn add(watcher: &Shared, path: &Path) -> notify::Result<()> {
    let mut open = vec![if path.is_dir() {
        path.to_owned()
    } else {
        path.parent().unwrap_or(path).to_owned()
    }];
    let deep = path.is_dir();
    while let Some(folder) = open.pop() {
        if let Some(watcher) = &mut *lock(watcher) {
            watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if deep && is_dir && is_source(&entry.file_name()) {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

fn restart_after(
    changes: &Receiver<notify::Result<Event>>,
    wanted: &[PathBuf],
    watcher: &Weak<Mutex<Option<RecommendedWatcher>>>,
    supervisor: &Weak<Supervisor>,
    gate: &Gate,
) {
    while let Ok(event) = changes.recv() {
        let mut counts = is_change(event, wanted, watcher);
        let begun = Instant::now();
        while begun.elapsed() < AT_MOST {
            match changes.recv_timeout(QUIET) {
                Ok(event) => counts |= is_change(event, wanted, watcher),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let Some(supervisor) = supervisor.upgrade() else {
            return;
        };
        if counts {
            // While an update is being made nothing is started.
            let _ = gate.pass(|| supervisor.restart());
        }
    }
}

/// True for a change of sources; folders that are new are watched from now on.
fn is_change(
    event: notify::Result<Event>,
    wanted: &[PathBuf],
    watcher: &Weak<Mutex<Option<RecommendedWatcher>>>,
) -> bool {
    let Ok(event) = event else {
        return false;
    };
    let writes = match event.kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        _ => false,
    };
    let mut counts = false;
    for path in event.paths.iter().filter(|_| writes) {
        let below = wanted.iter().find_map(|root| path.strip_prefix(root).ok());
        let Some(below) = below else {
            continue;
        };
        if !below.iter().all(is_source) {
            continue;
        }
        counts = true;
        if path.is_dir()
            && let Some(watcher) = watcher.upgrade()
        {
            // Gone again, or one too many: the change itself counts in any case.
            let _ = add(&watcher, path);
        }
    }
    counts
}

/// False for what is no source by its name: caches, environments, builds, what editors leave.
fn is_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.')
        && !name.ends_with('~')
        && !name.ends_with(".pyc")
        && !PASSED_OVER.contains(&name.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_from_what_is_made_of_them() {
        for name in ["main.py", "schema.sql", "data"] {
            assert!(is_source(OsStr::new(name)), "{name}");
        }
        for name in [
            ".venv",
            "__pycache__",
            "main.pyc",
            ".main.py.swp",
            "main.py~",
            "dist",
        ] {
            assert!(!is_source(OsStr::new(name)), "{name}");
        }
    }
}
