//! What an observer is told.

use serde::Serialize;

use crate::protocol::{LineKind, Stream};
use crate::state::Snapshot;

/// One line that the sidecar printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// The launch it belongs to.
    pub launch: u64,
    /// When it was read, in milliseconds on the supervisor's clock.
    pub at_ms: f64,
    /// Where it came from.
    pub stream: Stream,
    /// What it means.
    pub kind: LineKind,
    /// The line, made printable.
    pub text: String,
}

/// What an observer is told, in order, from the supervisor's thread. It must not block.
#[derive(Debug)]
pub enum Event<'a> {
    /// A state was entered, or something else in the picture changed.
    Changed(&'a Snapshot),
    /// A line was read.
    Line(&'a LogLine),
}
