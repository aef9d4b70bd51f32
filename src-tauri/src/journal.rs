//! The journal of a self-test: facts about every launch, no verdicts.
//!
//! `journal.schema.json` says what it holds; whoever reads it goes by that.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sidecar_supervisor::{Cleanup, Exit, Failure, Launched, LogLine, Recovery, Snapshot};
use tauri_plugin_sidecar_supervisor::HealthAnswer;

use crate::config::SidecarConfig;

/// The version of the journal's format.
pub const SCHEMA: u32 = 1;
/// Lines kept per launch; later ones push out the oldest and are counted.
const MAX_LINES: usize = 2000;

/// A state and when it was entered.
#[derive(Debug, Clone, Serialize)]
pub struct Transition {
    state: &'static str,
    at_ms: f64,
}

/// One launch from start to end.
#[derive(Debug, Clone, Serialize)]
pub struct LaunchRecord {
    launch: u64,
    launched: Option<Launched>,
    pid: Option<u32>,
    process_group: Option<i32>,
    transitions: Vec<Transition>,
    boot_ms: Option<f64>,
    ready_ms: Option<f64>,
    stop_ms: Option<f64>,
    exit: Option<Exit>,
    failure: Option<Failure>,
    cleanup: Option<Cleanup>,
    recovery: Recovery,
    lines: VecDeque<LogLine>,
    lines_dropped: u64,
}

/// Something that was asked of the host.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    what: String,
    at_ms: f64,
}

/// Collects what the supervisor tells.
#[derive(Debug, Default)]
pub struct Recorder {
    launches: Vec<LaunchRecord>,
    notes: Vec<Note>,
}

impl Recorder {
    /// Writes down something that was asked of the host.
    pub fn note(&mut self, what: &str, at_ms: f64) {
        self.notes.push(Note {
            what: what.to_owned(),
            at_ms,
        });
    }

    /// Takes a line.
    pub fn line(&mut self, line: &LogLine) {
        if let Some(record) = self.launches.last_mut() {
            record.lines.push_back(line.clone());
            if record.lines.len() > MAX_LINES {
                record.lines.pop_front();
                record.lines_dropped += 1;
            }
        }
    }

    /// Takes a change.
    pub fn change(&mut self, snapshot: &Snapshot) {
        if snapshot.launch == 0 {
            return;
        }
        if self.launches.last().map(|record| record.launch) != Some(snapshot.launch) {
            self.launches.push(LaunchRecord {
                launch: snapshot.launch,
                launched: None,
                pid: None,
                process_group: None,
                transitions: Vec::new(),
                boot_ms: None,
                ready_ms: None,
                stop_ms: None,
                exit: None,
                failure: None,
                cleanup: None,
                recovery: Recovery::default(),
                lines: VecDeque::new(),
                lines_dropped: 0,
            });
        }
        let Some(record) = self.launches.last_mut() else {
            return;
        };
        let state = snapshot.state.name();
        if record.transitions.last().map(|last| last.state) != Some(state) {
            record.transitions.push(Transition {
                state,
                at_ms: snapshot.since_ms,
            });
        }
        record.launched.clone_from(&snapshot.launched);
        record.pid = snapshot.pid;
        record.process_group = snapshot.process_group;
        record.boot_ms = snapshot.boot_ms;
        record.ready_ms = snapshot.ready_ms;
        record.stop_ms = snapshot.stop_ms;
        record.exit = snapshot.exit;
        record.failure.clone_from(&snapshot.failure);
        record.cleanup.clone_from(&snapshot.cleanup);
        record.recovery.clone_from(&snapshot.recovery);
    }
}

/// The host that wrote the journal.
#[derive(Debug, Serialize)]
pub struct HostFacts {
    /// The package's name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The target triple it was built for.
    pub triple: &'static str,
    /// `release` or `debug`.
    pub profile: &'static str,
    /// Its process id.
    pub pid: u32,
    /// Its program.
    pub executable: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Where its resources are.
    pub resource_dir: Option<PathBuf>,
}

/// The whole journal.
#[derive(Debug, Serialize)]
pub struct Journal {
    /// `SCHEMA`.
    pub schema: u32,
    /// The scenario that was run.
    pub scenario: &'static str,
    /// How many cycles were asked for, where the scenario has cycles.
    pub cycles: u32,
    /// The host.
    pub host: HostFacts,
    /// The launch configuration's file.
    pub config_path: PathBuf,
    /// The launch configuration, as it was understood.
    pub config: Option<SidecarConfig>,
    /// Why it could not be used.
    pub config_error: Option<String>,
    /// Where the sidecar was resolved to.
    pub sidecar_path: Option<PathBuf>,
    /// Every launch.
    pub launches: Vec<LaunchRecord>,
    /// The last answer of the health route.
    pub health: Option<HealthAnswer>,
    /// What was asked of the host, in order.
    pub notes: Vec<Note>,
}

impl Journal {
    /// Fills in what the recorder collected.
    pub fn take(&mut self, recorder: Recorder) {
        self.launches = recorder.launches;
        self.notes = recorder.notes;
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written: missing folder or rights, full disk.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        let result = (|| {
            let mut file = fs::File::create(&partial)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&partial, path)
        })();
        if result.is_err() {
            // What is half written is no journal; if it cannot be removed, its name says so.
            let _ = fs::remove_file(&partial);
        }
        result
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
