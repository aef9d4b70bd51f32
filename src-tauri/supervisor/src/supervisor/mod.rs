//! The handle on a sidecar under supervision, and behind it the thread that owns the sidecar.
//!
//! Here is what a host calls. [`actor`] is the thread: what it waits for and what it is told. What
//! it does is told in the order of a life: [`starting`] (with [`watching`]), [`reading`], [`stopping`], [`ending`].

mod actor;
mod ending;
mod launch;
mod message;
mod reading;
mod starting;
mod stopping;
mod watching;

use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::event::Event;
use crate::spec::LaunchSpec;
use crate::state::Snapshot;

use self::actor::Actor;
use self::message::{Command, Message};
use self::stopping::SCAN_EVERY;

struct Shared {
    snapshot: Mutex<Snapshot>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        // A snapshot is replaced field by field without panicking, so it is whole in any case.
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sidecar under supervision. All methods return at once, except those that say that they wait.
pub struct Supervisor {
    commands: Sender<Message>,
    shared: Arc<Shared>,
    actor: Mutex<Option<thread::JoinHandle<()>>>,
    origin: Instant,
    stop_bound: Duration,
}

impl Supervisor {
    /// Starts the supervising thread, not the sidecar. `observer` is called from that thread.
    ///
    /// # Errors
    /// When the thread cannot be started, or the spec contradicts itself (see [`LaunchSpec::check`]).
    pub fn new(
        spec: LaunchSpec,
        observer: impl FnMut(Event<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        spec.check()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::new(Shared {
            snapshot: Mutex::new(Snapshot::idle()),
            changed: Condvar::new(),
        });
        let origin = Instant::now();
        let stop_bound = spec.eof_grace
            + spec.stop_grace.max(spec.crash_grace)
            + spec.kill_wait
            + 2 * spec.drain
            + SCAN_EVERY * 10;
        let mut actor = Actor::new(spec, observer, sender.clone(), Arc::clone(&shared), origin);
        let handle = thread::Builder::new()
            .name("sidecar-supervisor".to_owned())
            .spawn(move || actor.run(&receiver))?;
        Ok(Self {
            commands: sender,
            shared,
            actor: Mutex::new(Some(handle)),
            origin,
            stop_bound,
        })
    }

    /// Starts the sidecar, unless it runs.
    pub fn start(&self) {
        self.send(Command::Start);
    }

    /// Stops the sidecar: stdin is closed, SIGTERM, the grace, SIGKILL, then nothing is left.
    /// A restart that was due is called off.
    pub fn stop(&self) {
        self.send(Command::Stop);
    }

    /// Stops the sidecar and waits until it rests and no restart is due. To call `stop` and wait for
    /// rest is not the same: until the stop is taken, a start that was asked for just before may be
    /// on its way, and the picture is still that of the rest before it. Where somebody asks for a
    /// start meanwhile, the launch that was stopped has ended and the next one's picture is given.
    ///
    /// # Errors
    /// After `timeout`, with the picture that there was.
    pub fn stop_and_wait(&self, timeout: Duration) -> Result<Snapshot, Box<Snapshot>> {
        let deadline = Instant::now() + timeout;
        self.stop();
        let (mark, taken) = mpsc::channel();
        let _ = self.commands.send(Message::Mark(mark));
        // After a shutdown nobody answers, and the rest is final; after the time there is none left.
        let stopped = taken.recv_timeout(timeout).unwrap_or(u64::MAX);
        self.wait_for(deadline.saturating_duration_since(Instant::now()), |now| {
            now.rests_for_good() || now.launch > stopped
        })
    }

    /// Stops the sidecar if it runs, and starts it.
    pub fn restart(&self) {
        self.send(Command::Restart);
    }

    /// Stops the sidecar without any grace.
    pub fn kill(&self) {
        self.send(Command::Kill);
    }

    /// The sidecar now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.lock().clone()
    }

    /// Milliseconds on the supervisor's clock.
    #[must_use]
    pub fn now_ms(&self) -> f64 {
        self.origin.elapsed().as_secs_f64() * 1000.0
    }

    /// Waits until the picture satisfies `wanted`; gives the last picture as an error otherwise.
    ///
    /// # Errors
    /// After `timeout`, with the picture that there was.
    pub fn wait_for(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Snapshot) -> bool,
    ) -> Result<Snapshot, Box<Snapshot>> {
        let (snapshot, result) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), timeout, |snapshot| !wanted(snapshot))
            .unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            Err(Box::new(snapshot.clone()))
        } else {
            Ok(snapshot.clone())
        }
    }

    /// Stops the sidecar for good and waits for it, bounded by the graces of the launch. No start,
    /// restart or recovery happens after this.
    pub fn shutdown(&self) -> Snapshot {
        self.send(Command::Shutdown);
        let bound = self.stop_bound;
        let last = match self.wait_for(bound, Snapshot::rests_for_good) {
            Ok(snapshot) => snapshot,
            Err(snapshot) => *snapshot,
        };
        let handle = self
            .actor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(handle) = handle
            && last.state.is_at_rest()
        {
            // A start that was on its way is refused by now, so this ends at once.
            let _ = handle.join();
        }
        self.snapshot()
    }

    fn send(&self, command: Command) {
        // Sending fails only after a shutdown, when no command has a meaning any more.
        let _ = self.commands.send(Message::Command(command));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shutdown();
    }
}
