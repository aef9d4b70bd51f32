//! What reaches the thread that owns the sidecar.

use std::sync::mpsc::Sender;
use std::time::Instant;

use crate::http::HttpError;
use crate::protocol::Stream;

#[derive(Debug, Clone, Copy)]
pub(super) enum Command {
    Start,
    Stop,
    Restart,
    Kill,
    Shutdown,
}

pub(super) enum Message {
    Command(Command),
    /// Answered when everything that was asked for before has been taken, with the number of the last
    /// launch by then.
    Mark(Sender<u64>),
    Chunk {
        launch: u64,
        stream: Stream,
        buffer: Vec<u8>,
        len: usize,
        at: Instant,
    },
    Closed {
        launch: u64,
        stream: Stream,
    },
    ChildEnded {
        launch: u64,
    },
    /// The READY URL was asked.
    Asked {
        launch: u64,
        answer: Result<u16, HttpError>,
        at: Instant,
    },
}
