//! A supervisor with a child for a test, and what was seen of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sidecar_supervisor::{
    Event, LaunchSpec, LogLine, Reason, RestartPolicy, Snapshot, State, Supervisor,
};

pub const PATIENCE: Duration = Duration::from_secs(20);

/// Set by `nox -s windows` for these tests.
const UNDER_WINE: &str = "SIDECAR_TESTS_UNDER_WINE";
/// What Wine 8 says of a process that is gone before it was set up; Windows has no such thing.
const NO_START: &str = "os error 1359";

/// What the observer saw.
#[derive(Default)]
pub struct Seen {
    pub states: Vec<(u64, String)>,
    pub lines: Vec<LogLine>,
}

pub struct Trial {
    pub supervisor: Supervisor,
    pub seen: Arc<Mutex<Seen>>,
}

pub fn spec(steps: &[&str]) -> LaunchSpec {
    let mut spec = LaunchSpec::new(env!("CARGO_BIN_EXE_fake-child"));
    spec.args = steps.iter().map(ToString::to_string).collect();
    spec.restart = RestartPolicy::never();
    // Most children here do not watch stdin, and would be waited for each time.
    spec.eof_grace = Duration::from_millis(20);
    spec
}

pub fn trial(spec: LaunchSpec) -> Trial {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let sink = Arc::clone(&seen);
    let supervisor = Supervisor::new(spec, move |event| {
        let mut seen = sink.lock().expect("not poisoned");
        match event {
            Event::Changed(snapshot) => {
                let state = (snapshot.launch, snapshot.state.name().to_owned());
                if seen.states.last() != Some(&state) {
                    seen.states.push(state);
                }
            }
            Event::Line(line) => seen.lines.push(line.clone()),
        }
    })
    .expect("the thread starts");
    Trial { supervisor, seen }
}

pub fn launch(steps: &[&str]) -> Trial {
    let begin = || {
        let trial = trial(spec(steps));
        trial.supervisor.start();
        trial
    };
    let trial = begin();
    if std::env::var_os(UNDER_WINE).is_none() {
        return trial;
    }
    let tried = trial.supervisor.wait_for(PATIENCE, |snapshot| {
        !matches!(snapshot.state, State::Idle | State::Spawning)
    });
    match tried {
        Ok(Snapshot {
            state: State::Failed(Reason::SpawnIo { error, .. }),
            ..
        }) if error.contains(NO_START) => {
            eprintln!("Wine did not start it, so once more: {error}");
            begin()
        }
        _ => trial,
    }
}

#[allow(dead_code, reason = "not every file of tests needs each of these")]
impl Trial {
    pub fn wait(&self, state: &str) -> Snapshot {
        match self
            .supervisor
            .wait_for(PATIENCE, |snapshot| snapshot.state.name() == state)
        {
            Ok(snapshot) => snapshot,
            Err(snapshot) => panic!("waited for {state}: {snapshot:#?}"),
        }
    }

    pub fn states(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.states.iter().map(|(_, state)| state.clone()).collect()
    }

    pub fn lines(&self) -> Vec<LogLine> {
        self.seen.lock().expect("not poisoned").lines.clone()
    }
}

pub fn reason(snapshot: &Snapshot) -> &Reason {
    match &snapshot.state {
        State::Failed(reason) => reason,
        state => panic!("not failed but {state:?}"),
    }
}

#[cfg(unix)]
pub fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat[stat.rfind(')').expect("a name")..].starts_with(") Z"))
}

#[cfg(windows)]
pub fn lives(pid: u32) -> bool {
    use windows_sys::Win32::Foundation::{CloseHandle, WAIT_TIMEOUT};
    use windows_sys::Win32::System::Threading::{
        OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject,
    };
    // SAFETY: the handle is checked and closed.
    unsafe {
        let handle = OpenProcess(PROCESS_SYNCHRONIZE, 0, pid);
        if handle.is_null() {
            return false;
        }
        let runs = WaitForSingleObject(handle, 0) == WAIT_TIMEOUT;
        CloseHandle(handle);
        runs
    }
}

pub fn assert_nothing_left(snapshot: &Snapshot) {
    let cleanup = snapshot.cleanup.as_ref().expect("the launch is over");
    assert!(cleanup.survivors.is_empty(), "{cleanup:?}");
    assert_eq!(cleanup.temp_error, None);
    assert!(!lives(snapshot.pid.expect("it ran")));
}
