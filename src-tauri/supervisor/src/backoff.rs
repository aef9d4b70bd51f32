//! When to start a crashed sidecar again, and when to stop trying.

use std::time::Duration;

/// The rules for restarts after a crash.
#[derive(Debug, Clone, PartialEq)]
pub struct RestartPolicy {
    /// False leaves every restart to the user.
    pub enabled: bool,
    /// The wait before the first restart.
    pub first_delay: Duration,
    /// Each further wait is this many times the one before.
    pub factor: u32,
    /// No wait is longer than this.
    pub max_delay: Duration,
    /// A sidecar that was ready for so long counts as stable: its next crash starts from new.
    pub stable_after: Duration,
    /// The breaker: after so many crashes in a row no restart follows.
    pub max_crashes: u32,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            first_delay: Duration::from_millis(500),
            factor: 2,
            max_delay: Duration::from_secs(30),
            stable_after: Duration::from_secs(60),
            max_crashes: 5,
        }
    }
}

impl RestartPolicy {
    /// A policy that never restarts by itself.
    #[must_use]
    pub fn never() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }
}

/// What follows a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Start again after this wait.
    RestartAfter(Duration),
    /// Leave it; the text says why, for the user.
    Leave(String),
}

/// Counts crashes in a row.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    crashes: u32,
    was_ready: bool,
}

impl Backoff {
    /// Forgets everything: the user asked for a start.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Notes that the sidecar reached READY.
    pub fn reached_ready(&mut self) {
        self.was_ready = true;
    }

    /// How many crashes there were in a row.
    #[must_use]
    pub fn crashes(&self) -> u32 {
        self.crashes
    }

    /// Decides after a crash; `ready_for` is how long the sidecar had been ready, if it was.
    pub fn crashed(&mut self, policy: &RestartPolicy, ready_for: Option<Duration>) -> Decision {
        if ready_for.is_some_and(|time| time >= policy.stable_after) {
            self.crashes = 0;
        }
        self.crashes += 1;
        if !policy.enabled {
            return Decision::Leave("Restarting after a crash is switched off.".to_owned());
        }
        if !self.was_ready {
            return Decision::Leave(
                "It is not restarted by itself: it has never been ready, so a further launch \
                 would fail in the same way."
                    .to_owned(),
            );
        }
        if self.crashes >= policy.max_crashes {
            return Decision::Leave(format!(
                "It is not restarted any more: it crashed {} times in a row.",
                self.crashes
            ));
        }
        let factor = policy.factor.saturating_pow(self.crashes - 1);
        Decision::RestartAfter(
            policy
                .first_delay
                .saturating_mul(factor)
                .min(policy.max_delay),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RestartPolicy {
        RestartPolicy {
            first_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(3),
            max_crashes: 5,
            ..RestartPolicy::default()
        }
    }

    fn delay(decision: Decision) -> u64 {
        match decision {
            Decision::RestartAfter(delay) => delay.as_secs(),
            Decision::Leave(why) => panic!("left: {why}"),
        }
    }

    #[test]
    fn waits_grow_up_to_the_bound_and_then_the_breaker_opens() {
        let mut backoff = Backoff::default();
        backoff.reached_ready();
        let quick = Some(Duration::from_secs(1));
        let waits: Vec<u64> = (0..4)
            .map(|_| delay(backoff.crashed(&policy(), quick)))
            .collect();
        assert_eq!(waits, [1, 2, 3, 3]);
        assert!(matches!(
            backoff.crashed(&policy(), quick),
            Decision::Leave(why) if why.contains("5 times")
        ));
    }

    #[test]
    fn a_stable_run_starts_the_count_from_new() {
        let mut backoff = Backoff::default();
        backoff.reached_ready();
        for _ in 0..20 {
            let stable = Some(Duration::from_secs(61));
            assert_eq!(delay(backoff.crashed(&policy(), stable)), 1);
        }
    }

    #[test]
    fn what_was_never_ready_is_not_tried_again() {
        let mut backoff = Backoff::default();
        assert!(matches!(
            backoff.crashed(&policy(), None),
            Decision::Leave(why) if why.contains("never been ready")
        ));
    }
}
