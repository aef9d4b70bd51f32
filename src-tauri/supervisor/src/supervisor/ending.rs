//! The end of a launch: what is left is looked at, the failure is put into words, and what follows
//! is decided.

use std::time::{Duration, Instant};

use super::actor::{Actor, AfterStop, ms_between};
use super::launch::Cause;
use crate::backoff::Decision;
use crate::diagnosis::{Evidence, diagnose};
use crate::platform::{Exit, Survivor};
use crate::protocol::Stream;
use crate::reason::Reason;
use crate::state::{Cleanup, Failure, Recovery, Snapshot, State};

impl Actor {
    pub(super) fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.flush(stream);
        }
        let Some(mut launch) = self.launch.take() else {
            return;
        };
        let now = Instant::now();
        let survivors = if launch.child_ended {
            launch.process.survivors()
        } else {
            vec![Survivor {
                pid: launch.process.pid(),
                cmdline: self.spec.program.display().to_string(),
                found_by: "group",
            }]
        };
        let exit = launch.process.reap().unwrap_or(Exit {
            code: None,
            signal: None,
        });
        let temp_dir = launch.temp.as_ref().map(|temp| temp.path().to_owned());
        let (temp_left, temp_error) = match launch.temp.take() {
            None => (Vec::new(), None),
            Some(temp) => {
                let left = temp.contents();
                (left, temp.remove().err().map(|error| error.to_string()))
            }
        };
        let cleanup = Cleanup {
            stragglers: launch.stragglers,
            survivors,
            killed: launch.killed,
            not_asked: launch.not_asked,
            temp_left,
            temp_error,
        };
        let reason = match launch.cause {
            Cause::Requested => None,
            Cause::ReadyTimeout => Some(Reason::ReadyTimeout {
                timeout_ms: u64::try_from(self.spec.ready_timeout.as_millis()).unwrap_or(u64::MAX),
            }),
            Cause::DuplicateReady => Some(Reason::DuplicateReady),
            Cause::Ended if launch.ready_at.is_some() => Some(Reason::DiedAfterReady { exit }),
            Cause::Ended => Some(Reason::ExitedBeforeReady { exit }),
        };
        let failure = reason.map(|reason| {
            failure(
                reason,
                &Evidence {
                    stdout: &launch.stdout.tail.to_vec(),
                    stderr: &launch.stderr.tail.to_vec(),
                    unterminated: [&launch.stdout, &launch.stderr]
                        .map(|pipe| pipe.unterminated.as_deref()),
                    url: launch.asking.as_ref().map(|asking| &asking.url),
                    answer: launch
                        .asking
                        .as_ref()
                        .and_then(|asking| asking.answer.as_ref()),
                    free_port: launch.free_port,
                    temp_dir: temp_dir.as_deref(),
                    ..Evidence::of(&self.spec)
                },
            )
        });
        let ready_for = launch.ready_at.map(|at| now.duration_since(at));
        let stop_ms = launch.stop_asked_at.map(|at| ms_between(at, now));
        self.rest(failure, ready_for, |snapshot| {
            snapshot.exit = Some(exit);
            snapshot.stop_ms = stop_ms;
            snapshot.cleanup = Some(cleanup);
        });
    }

    /// No process of the launch is left: the final state, and what follows.
    pub(super) fn rest(
        &mut self,
        failure: Option<Failure>,
        ready_for: Option<Duration>,
        facts: impl FnOnce(&mut Snapshot),
    ) {
        let now = Instant::now();
        let mut recovery = Recovery {
            crashes: self.backoff.crashes(),
            ..Recovery::default()
        };
        let follows = self.after_stop == AfterStop::Start && !self.closing;
        if follows {
            // Nobody who waits for READY takes this end for that of all.
            recovery.restart_at_ms = Some(self.ms(now));
        }
        if let Some(failure) = &failure
            && !follows
            && !self.closing
        {
            match self.after_failure(&failure.reason, ready_for) {
                Decision::RestartAfter(_) if self.stop_wanted => {
                    recovery.left_because = Some("It was asked to stop.".to_owned());
                }
                Decision::RestartAfter(wait) => {
                    self.restart_at = Some(now + wait);
                    recovery.restart_at_ms = Some(self.ms(now + wait));
                }
                Decision::Leave(why) => recovery.left_because = Some(why),
            }
            recovery.crashes = self.backoff.crashes();
        }
        let since_ms = self.ms(now);
        self.change(|snapshot| {
            snapshot.state = match &failure {
                None => State::Exited,
                Some(failure) => State::Failed(failure.reason.clone()),
            };
            snapshot.since_ms = since_ms;
            snapshot.failure = failure;
            snapshot.recovery = recovery;
            facts(snapshot);
        });
        if follows {
            self.start_by_request();
        }
    }

    fn after_failure(&mut self, reason: &Reason, ready_for: Option<Duration>) -> Decision {
        match reason {
            Reason::NotFound { .. }
            | Reason::PermissionDenied { .. }
            | Reason::Blocked { .. }
            | Reason::SpawnIo { .. } => Decision::Leave(
                "It is not restarted by itself: it could not be started at all.".to_owned(),
            ),
            _ => self.backoff.crashed(&self.spec.restart, ready_for),
        }
    }
}

pub(super) fn failure(reason: Reason, evidence: &Evidence<'_>) -> Failure {
    let report = diagnose(&reason, evidence);
    let text = report.to_string();
    Failure {
        reason,
        report,
        text,
    }
}
