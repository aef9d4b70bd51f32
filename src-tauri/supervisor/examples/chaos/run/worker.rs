//! One thread of the run: life after life, and what has to hold after each.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sidecar_supervisor::{Snapshot, State, Supervisor};

use super::options::Options;
use super::system;
use super::tally::Tally;
use super::watch::Watch;

/// Longer than any stop may take: the graces of the launch are 8 s and 3 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// What has been sent SIGKILL may take a moment to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// A supervisor goes through so many lives at most before it is shut down for good.
const LIVES_PER_SUPERVISOR: u32 = 8;

/// What every system has.
const OWN: [&str; 6] = ["stop", "kill", "restart", "start twice", "shutdown", "drop"];

/// Everything that may happen in a life.
fn actions() -> impl Iterator<Item = &'static str> {
    OWN.into_iter()
        .chain(system::ASKS.iter().copied())
        .chain(system::KILLS)
        .chain(system::SUSPENDS)
}

/// Goes through its share of the lives.
pub(super) struct Worker {
    number: u32,
    options: Options,
    random: fastrand::Rng,
    tally: Arc<Mutex<Tally>>,
    /// Launch to READY, as it was in the first life: random moments are spread over twice of it.
    span: Duration,
}

impl Worker {
    pub(super) fn new(number: u32, options: Options, tally: Arc<Mutex<Tally>>) -> Self {
        let random = fastrand::Rng::with_seed(options.seed.wrapping_add(u64::from(number) << 32));
        Self {
            number,
            options,
            random,
            tally,
            span: Duration::from_millis(200),
        }
    }

    pub(super) fn run(mut self) {
        let share = self.options.lifecycles / self.options.parallel
            + u32::from(self.number < self.options.lifecycles % self.options.parallel);
        let mut done = 0;
        let mut supervisors = 0;
        while done < share {
            supervisors += 1;
            let lives = self.random.u32(1..=LIVES_PER_SUPERVISOR).min(share - done);
            done += self.one_supervisor(supervisors, lives);
        }
    }

    /// Up to `lives` lives with one supervisor; gives how many there were.
    fn one_supervisor(&mut self, supervisors: u32, lives: u32) -> u32 {
        let mark = format!("{}-{}-{supervisors}", std::process::id(), self.number);
        let root = env::temp_dir().join(format!("chaos-{mark}"));
        if let Err(error) = fs::create_dir(&root) {
            self.violations([format!("{} cannot be made: {error}", root.display())]);
            return lives;
        }
        let watch = Arc::new(Mutex::new(Watch {
            by_line: self.options.by_line,
            ..Watch::default()
        }));
        let observed = Arc::clone(&watch);
        let spec = match self.options.launch(&mark, &root) {
            Ok(spec) => spec,
            Err(error) => {
                self.violations([format!("no launch: {error}")]);
                return lives;
            }
        };
        let made = Supervisor::new(spec, move |event| {
            observed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .event(&event);
        });
        let supervisor = match made {
            Ok(supervisor) => supervisor,
            Err(error) => {
                self.violations([format!("no supervisor: {error}")]);
                return lives;
            }
        };
        let mut done = 0;
        let mut supervisor = Some(supervisor);
        while done < lives
            && let Some(current) = supervisor.take()
        {
            done += 1;
            supervisor = self.one_life(current, &mark, &root);
        }
        drop(supervisor);
        self.nothing_left(&mark, &root);
        let seen = watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.violations(seen.violations.iter().map(|text| format!("{mark}: {text}")));
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.launches += seen.launches;
        tally.ready += seen.ready;
        tally.killed += seen.killed;
        tally.stragglers += seen.stragglers;
        let _ = fs::remove_dir_all(&root);
        done
    }

    /// One life: a start, a random moment, a random action, and the rest; gives the supervisor
    /// back unless the action has ended it.
    fn one_life(&mut self, supervisor: Supervisor, mark: &str, root: &Path) -> Option<Supervisor> {
        let actions: Vec<&str> = actions().collect();
        let action = actions[self.random.usize(..actions.len())];
        {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.lifecycles += 1;
            *tally.actions.entry(action).or_default() += 1;
        }
        let before = supervisor.snapshot().launch;
        supervisor.start();
        if self.random.bool() {
            let ready = supervisor.wait_for(PATIENCE, |now| {
                now.launch > before && (now.state == State::Ready || gave_up(now))
            });
            match ready {
                Ok(now) if now.state == State::Ready => {
                    self.span = Duration::from_secs_f64(now.ready_ms.unwrap_or(200.0) / 1000.0);
                }
                Ok(_) | Err(_) => self.violations([format!("{mark}: it did not become ready")]),
            }
        }
        self.pause(2.0);
        let kept = self.act(action, supervisor, mark, before);
        if let Some(supervisor) = &kept
            && let Err(now) = supervisor.stop_and_wait(PATIENCE)
        {
            self.violations([format!("{mark}: no rest, still {}", now.state.name())]);
        }
        self.nothing_left(mark, root);
        kept
    }

    fn act(
        &mut self,
        action: &str,
        supervisor: Supervisor,
        mark: &str,
        before: u64,
    ) -> Option<Supervisor> {
        match action {
            "stop" => supervisor.stop(),
            "kill" => supervisor.kill(),
            "restart" => {
                let launch = supervisor.snapshot().launch.max(before);
                supervisor.restart();
                self.recovers(&supervisor, mark, launch);
            }
            "start twice" => supervisor.start(),
            "shutdown" => {
                let last = supervisor.shutdown();
                if !last.state.is_at_rest() {
                    self.violations([format!("{mark}: {} after shutdown", last.state.name())]);
                }
                return None;
            }
            "drop" => return None,
            _ if system::ASKS.contains(&action) => {
                if let Some(pid) = running(&supervisor) {
                    system::ask(pid, action);
                }
            }
            _ if system::KILLS.contains(&action) => {
                let now = supervisor.snapshot();
                if let Some(pid) = running(&supervisor) {
                    system::kill(pid, action == system::KILLS[1], mark);
                    // What dies before READY, in its first launch, is rightly left alone.
                    if now.state == State::Ready {
                        self.recovers(&supervisor, mark, now.launch);
                    }
                }
            }
            _ => self.suspend(action, &supervisor),
        }
        self.pause(0.5);
        Some(supervisor)
    }

    fn suspend(&mut self, action: &str, supervisor: &Supervisor) {
        if let Some(pid) = running(supervisor) {
            system::suspend(pid);
        }
        self.pause(0.5);
        if action == system::SUSPENDS[0] {
            // A suspended launcher cannot obey: the grace would be waited for in full.
            supervisor.kill();
            return;
        }
        if let Some(pid) = running(supervisor) {
            system::resume(pid);
        }
        self.pause(0.5);
    }

    /// After a restart, or the crash of one that was ready, another launch becomes ready by itself.
    fn recovers(&self, supervisor: &Supervisor, mark: &str, launch: u64) {
        let again = supervisor.wait_for(PATIENCE, |now| {
            now.launch > launch && (now.state == State::Ready || gave_up(now))
        });
        match again {
            Ok(now) if now.state == State::Ready => {
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.restarts += 1;
            }
            Ok(now) => self.violations([format!(
                "{mark}: it was not started again: {}",
                now.recovery.left_because.unwrap_or_default()
            )]),
            Err(now) => self.violations([format!(
                "{mark}: not ready again, launch {} is {}",
                now.launch,
                now.state.name()
            )]),
        }
    }

    /// Waits for a random part of so many times the usual time to READY.
    fn pause(&mut self, spans: f64) {
        thread::sleep(self.span.mul_f64(self.random.f64() * spans));
    }

    fn nothing_left(&self, mark: &str, root: &Path) {
        let deadline = Instant::now() + GONE_WITHIN;
        loop {
            let left = system::carriers(mark);
            if left.is_empty() {
                break;
            }
            if Instant::now() > deadline {
                self.violations([format!("{mark}: at rest, but {left:?} live on")]);
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let files: Vec<_> = fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        if !files.is_empty() {
            self.violations([format!("{mark}: at rest, but {files:?} are left")]);
        }
    }

    fn violations(&self, texts: impl IntoIterator<Item = String>) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.violations.extend(texts);
    }
}

/// The process that the host holds, if there is one.
fn running(supervisor: &Supervisor) -> Option<u32> {
    let now = supervisor.snapshot();
    now.pid.filter(|_| !now.state.is_at_rest())
}

fn gave_up(now: &Snapshot) -> bool {
    now.launch > 0 && now.state.is_at_rest() && now.recovery.left_because.is_some()
}
