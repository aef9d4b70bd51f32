//! The application's own picture: what the window shows and what the journal keeps, and when the
//! window is told of a change.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use sidecar_supervisor::{Snapshot, State};
use tauri_plugin_sidecar_supervisor::{HealthAnswer, Line};

use crate::config::SidecarConfig;
use crate::journal::Recorder;

/// The window is told of changes so much later, bundled: a flood must not drown it. Nobody sees a
/// tenth of a second.
const NOTIFY_AFTER: Duration = Duration::from_millis(100);
/// A start is shown when it has ended or takes longer than this: drawing it competes with it for the
/// processor. Up to one second needs no sign of progress (Nielsen, Usability Engineering, 1993,
/// chapter 5).
const START_SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Everything the window shows. `log` starts at the line that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Counts changes; the window uses it to tell old from new.
    pub revision: u64,
    /// Milliseconds on the clock that all times below are on.
    pub now_ms: f64,
    /// The host's version.
    pub host_version: &'static str,
    /// The launch configuration, when it could be read.
    pub config: Option<SidecarConfig>,
    /// Why there is no sidecar to launch, when that is so.
    pub config_error: Option<String>,
    /// The sidecar's program.
    pub program: Option<PathBuf>,
    /// The sidecar.
    pub sidecar: Option<Snapshot>,
    /// The answer of its health route.
    pub health: Option<HealthAnswer>,
    /// Lines from the asked one on.
    pub log: Vec<Line>,
    /// The number of the next line.
    pub next_line: u64,
}

/// What is known.
#[derive(Default)]
pub(super) struct Picture {
    pub(super) revision: u64,
    pub(super) closed: bool,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) page_asked: bool,
    pub(super) recorder: Option<Recorder>,
    /// The last launch whose start was told of, or waited for.
    pub(super) start_told: u64,
}

impl Picture {
    fn is_untold_start(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| {
            snapshot.launch != self.start_told
                && matches!(snapshot.state, State::Spawning | State::WaitingReady)
        })
    }
}

/// The picture, for whoever changes it and whoever waits for a change.
pub(super) struct Shared {
    pub(super) picture: Mutex<Picture>,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn touch(&self, change: impl FnOnce(&mut Picture)) {
        let mut picture = self.lock();
        change(&mut picture);
        picture.revision += 1;
        self.changed.notify_all();
    }

    /// Waits for what belongs to a change that has come, and gives the revision to tell of.
    pub(super) fn bundle(&self) -> u64 {
        thread::sleep(NOTIFY_AFTER);
        let (mut picture, _) = self
            .changed
            .wait_timeout_while(self.lock(), START_SHOWN_AFTER - NOTIFY_AFTER, |picture| {
                picture.is_untold_start() && !picture.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        // A start that takes long is waited for once: what it prints from now on is shown as ever.
        picture.start_told = picture
            .snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.launch);
        picture.revision
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};
    use std::thread;
    use std::time::Instant;

    use sidecar_supervisor::{Snapshot, State};

    use super::{NOTIFY_AFTER, Picture, START_SHOWN_AFTER, Shared};

    fn shared(state: State) -> Shared {
        let snapshot = Snapshot {
            state,
            launch: 1,
            ..Snapshot::idle()
        };
        Shared {
            picture: Mutex::new(Picture {
                snapshot: Some(snapshot),
                ..Picture::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn set(shared: &Shared, state: State) {
        shared.touch(|picture| {
            if let Some(snapshot) = &mut picture.snapshot {
                snapshot.state = state;
            }
        });
    }

    #[test]
    fn a_change_is_told_of_after_the_bundling_time() {
        let begun = Instant::now();
        assert_eq!(shared(State::Stopping).bundle(), 0);
        assert!(begun.elapsed() >= NOTIFY_AFTER);
        assert!(begun.elapsed() < START_SHOWN_AFTER);
    }

    #[test]
    fn a_start_is_told_of_when_it_has_ended() {
        let shared = Arc::new(shared(State::WaitingReady));
        let begun = Instant::now();
        let other = Arc::clone(&shared);
        let sidecar = thread::spawn(move || {
            thread::sleep(NOTIFY_AFTER * 2);
            set(&other, State::Ready);
        });
        assert_eq!(shared.bundle(), 1);
        assert!(begun.elapsed() >= NOTIFY_AFTER * 2);
        assert!(begun.elapsed() < START_SHOWN_AFTER);
        assert!(sidecar.join().is_ok());
    }

    #[test]
    fn a_start_that_takes_long_is_told_of_while_it_lasts_and_waited_for_once() {
        let shared = shared(State::Spawning);
        let begun = Instant::now();
        shared.bundle();
        assert!(begun.elapsed() >= START_SHOWN_AFTER);
        let told = Instant::now();
        set(&shared, State::WaitingReady);
        assert_eq!(shared.bundle(), 1);
        assert!(told.elapsed() < START_SHOWN_AFTER);
    }
}
