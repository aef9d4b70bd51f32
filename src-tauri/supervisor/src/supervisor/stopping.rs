//! The way to the end of a launch: every phase has a deadline, and processes are counted.

use std::time::{Duration, Instant};

use super::actor::Actor;
use super::launch::{Cause, Phase};
use crate::state::State;

/// How often the processes are looked at while waiting for the last of them to end.
pub(super) const SCAN_EVERY: Duration = Duration::from_millis(20);

impl Actor {
    pub(super) fn child_ended(&mut self) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        launch.child_ended = true;
        let now = Instant::now();
        launch.next_scan = now;
        if matches!(launch.phase, Phase::Waiting { .. } | Phase::Ready) {
            launch.cause = Cause::Ended;
            launch.phase = Phase::Draining {
                until: now + self.spec.drain,
            };
        }
    }

    /// Closes stdin, which begins the end; does nothing when the launch is being ended already.
    pub(super) fn begin_stop(&mut self, cause: Cause, grace: Duration) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        if launch.stop_asked_at.is_some() {
            return;
        }
        let now = Instant::now();
        launch.cause = cause;
        launch.stop_asked_at = Some(now);
        launch.stop_asking();
        launch.process.note_descendants();
        launch.stdin = None;
        launch.phase = Phase::Asking {
            term_at: now + self.spec.eof_grace.min(grace),
            grace,
        };
        launch.next_scan = now;
        let since_ms = self.ms(now);
        self.change(|snapshot| {
            snapshot.state = State::Stopping;
            snapshot.since_ms = since_ms;
        });
    }

    pub(super) fn tick(&mut self, now: Instant) {
        let Some(launch) = &mut self.launch else {
            if self.restart_at.is_some_and(|at| now >= at) {
                self.restart_at = None;
                self.start();
            }
            return;
        };
        match launch.phase {
            Phase::Waiting { deadline } if now >= deadline => {
                self.begin_stop(Cause::ReadyTimeout, self.spec.stop_grace);
            }
            Phase::Waiting { .. } | Phase::Ready => {}
            Phase::Draining { until } => {
                if launch.pipes_closed() || now >= until {
                    let left = launch.process.survivors();
                    if left.is_empty() {
                        self.finish();
                    } else {
                        launch.note_stragglers(&left);
                        let cause = launch.cause;
                        self.begin_stop(cause, self.spec.crash_grace);
                    }
                }
            }
            Phase::Asking { term_at, grace } => {
                if self.all_gone(now) {
                    self.settle(now);
                } else if now >= term_at
                    && let Some(launch) = &mut self.launch
                {
                    launch.process.note_descendants();
                    // To wait for what has heard nothing would be silence, and nothing else.
                    let kill_at = match launch.process.terminate() {
                        Ok(()) => now + grace,
                        Err(why) => {
                            launch.not_asked = Some(why.to_string());
                            now
                        }
                    };
                    launch.phase = Phase::Terminating { kill_at };
                }
            }
            Phase::Terminating { kill_at } => {
                if self.all_gone(now) {
                    self.settle(now);
                } else if now >= kill_at
                    && let Some(launch) = &mut self.launch
                {
                    launch.killed = true;
                    launch.process.kill();
                    launch.next_scan = now;
                    launch.phase = Phase::Killing {
                        give_up_at: now + self.spec.kill_wait,
                    };
                }
            }
            Phase::Killing { give_up_at } => {
                if self.all_gone(now) || now >= give_up_at {
                    self.settle(now);
                } else if let Some(launch) = &mut self.launch {
                    // Again, for what was started between the scan and the signal.
                    launch.process.kill();
                }
            }
            Phase::Settling { .. } => self.tick_settling(now),
        }
    }

    /// Looks at the processes when a look is due; true when none of the launch lives.
    fn all_gone(&mut self, now: Instant) -> bool {
        let Some(launch) = &mut self.launch else {
            return true;
        };
        if now < launch.next_scan {
            return false;
        }
        launch.next_scan = now + SCAN_EVERY;
        if !launch.child_ended {
            return false;
        }
        let left = launch.process.survivors();
        launch.note_stragglers(&left);
        left.is_empty()
    }

    fn settle(&mut self, now: Instant) {
        if let Some(launch) = &mut self.launch {
            launch.phase = Phase::Settling {
                until: now + self.spec.drain,
            };
        }
        self.tick_settling(now);
    }

    fn tick_settling(&mut self, now: Instant) {
        let over = self.launch.as_ref().is_some_and(|launch| {
            matches!(launch.phase, Phase::Settling { until } if launch.pipes_closed() || now >= until)
        });
        if over {
            self.finish();
        }
    }
}
