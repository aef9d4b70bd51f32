//! A shell as sidecar, with its journal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sidecar_supervisor::{Event, LaunchSpec, RestartPolicy, Snapshot, Supervisor, TempSpec};
use tauri_plugin_sidecar_supervisor::HealthAnswer;

use super::writing::written;
use crate::journal::Recorder;
use crate::scenario::Scenario;

const PATIENCE: Duration = Duration::from_secs(20);

/// A shell as sidecar, with its journal.
pub(super) struct Trial {
    pub(super) supervisor: Supervisor,
    recorder: Arc<Mutex<Recorder>>,
}

pub(super) fn shell(script: &str) -> LaunchSpec {
    LaunchSpec {
        args: vec!["-c".to_owned(), script.to_owned()],
        eof_grace: Duration::from_millis(50),
        stop_grace: Duration::from_millis(500),
        restart: RestartPolicy::never(),
        temp: Some(TempSpec {
            root: std::env::temp_dir(),
            prefix: "journal-test".to_owned(),
        }),
        ..LaunchSpec::new("/bin/sh")
    }
}

fn trial(spec: LaunchSpec) -> Trial {
    let recorder = Arc::new(Mutex::new(Recorder::default()));
    let sink = Arc::clone(&recorder);
    let supervisor = Supervisor::new(spec, move |event| {
        let mut recorder = sink.lock().expect("not poisoned");
        match event {
            Event::Changed(snapshot) => recorder.change(snapshot),
            Event::Line(line) => recorder.line(line),
        }
    })
    .expect("the thread starts");
    Trial {
        supervisor,
        recorder,
    }
}

impl Trial {
    pub(super) fn start(spec: LaunchSpec) -> Self {
        let trial = trial(spec);
        trial.note("start");
        trial.supervisor.start();
        trial
    }

    fn note(&self, what: &str) {
        let mut recorder = self.recorder.lock().expect("not poisoned");
        recorder.note(what, self.supervisor.now_ms());
    }

    pub(super) fn wait(&self, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        match self.supervisor.wait_for(PATIENCE, wanted) {
            Ok(snapshot) => snapshot,
            Err(snapshot) => panic!("{snapshot:#?}"),
        }
    }

    /// Ends it, and gives the journal as its readers see it.
    pub(super) fn journal(self, scenario: Scenario, health: Option<HealthAnswer>) -> Value {
        self.supervisor.shutdown();
        let recorder = std::mem::take(&mut *self.recorder.lock().expect("not poisoned"));
        written(scenario, recorder, health)
    }
}
