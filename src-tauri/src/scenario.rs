//! What a self-test is asked to do.

use std::path::PathBuf;

/// A self-test that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// Where the journal goes.
    pub out: PathBuf,
    /// What to do.
    pub scenario: Scenario,
    /// How often, for `cycles`.
    pub cycles: u32,
    /// How long to stay ready.
    pub hold_ms: u64,
}

/// What a self-test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Launch, READY, stop.
    Ready,
    /// Launch, then whatever comes.
    Failure,
    /// Launch, restart, stop.
    Restart,
    /// Launch, kill the sidecar, READY again, stop.
    Recover,
    /// Launch, then the window is closed.
    Shutdown,
    /// Launch, then somebody ends the host.
    Serve,
    /// Launch and stop, again and again.
    Cycles,
}

impl Scenario {
    const ALL: [Self; 7] = [
        Self::Ready,
        Self::Failure,
        Self::Restart,
        Self::Recover,
        Self::Shutdown,
        Self::Serve,
        Self::Cycles,
    ];

    /// Its name on the command line and in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failure => "failure",
            Self::Restart => "restart",
            Self::Recover => "recover",
            Self::Shutdown => "shutdown",
            Self::Serve => "serve",
            Self::Cycles => "cycles",
        }
    }

    /// The scenario with this name.
    ///
    /// # Errors
    /// A sentence with the names that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("There is no scenario {name:?}: choose one of {names}.")
            })
    }

    /// True where a restart after a crash belongs to the scenario; elsewhere it would hide what is
    /// to be seen.
    #[must_use]
    pub fn recovers(self) -> bool {
        matches!(self, Self::Recover | Self::Serve)
    }
}
