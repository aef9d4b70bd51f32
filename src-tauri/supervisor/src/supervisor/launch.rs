//! One launch: its process, its pipes, and where it is in its life.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use crate::access::Token;
use crate::http::HttpError;
use crate::lines::LineSplitter;
use crate::platform::{Process, Survivor};
use crate::protocol::Stream;
use crate::spec::LaunchSpec;
use crate::tail::Tail;
use crate::temp::LaunchTemp;
use crate::url::LocalUrl;

/// Why a launch is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Requested,
    ReadyTimeout,
    DuplicateReady,
    /// The direct child ended by itself; READY or not is read from the launch.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for READY until the deadline.
    Waiting { deadline: Instant },
    /// READY was read.
    Ready,
    /// The child ended unasked: what it printed last is read, with a bound.
    Draining { until: Instant },
    /// Stdin was closed: a sidecar that watches it ends by itself.
    Asking { term_at: Instant, grace: Duration },
    /// SIGTERM was sent, or Ctrl-Break.
    Terminating { kill_at: Instant },
    /// SIGKILL was sent, or the job was ended.
    Killing { give_up_at: Instant },
    /// All processes are gone: the last output is read, with a bound.
    Settling { until: Instant },
}

pub(super) struct Pipe {
    pub(super) splitter: LineSplitter,
    pub(super) tail: Tail,
    pub(super) free: Sender<Vec<u8>>,
    pub(super) closed: bool,
    pub(super) unterminated: Option<String>,
}

impl Pipe {
    pub(super) fn new(spec: &LaunchSpec, free: Sender<Vec<u8>>) -> Self {
        Self {
            splitter: LineSplitter::new(spec.max_line_bytes),
            tail: Tail::new(spec.tail_lines, spec.tail_bytes),
            free,
            closed: false,
            unterminated: None,
        }
    }
}

/// A READY URL.
pub(super) struct Asking {
    pub(super) url: LocalUrl,
    /// What it answered last: a status, or why there is no answer.
    pub(super) answer: Option<Result<u16, HttpError>>,
    /// Dropped, it is not asked any longer.
    pub(super) end: Option<Sender<()>>,
}

pub(super) struct Launch {
    pub(super) number: u64,
    pub(super) started: Instant,
    pub(super) ready_at: Option<Instant>,
    pub(super) process: Process,
    pub(super) stdin: Option<std::fs::File>,
    pub(super) stdout: Pipe,
    pub(super) stderr: Pipe,
    /// The READY URL, when there is one.
    pub(super) asking: Option<Asking>,
    pub(super) free_port: Option<u16>,
    /// Hidden in what the sidecar prints.
    pub(super) token: Option<Token>,
    pub(super) temp: Option<LaunchTemp>,
    pub(super) phase: Phase,
    pub(super) cause: Cause,
    pub(super) child_ended: bool,
    pub(super) stop_asked_at: Option<Instant>,
    pub(super) next_scan: Instant,
    pub(super) killed: bool,
    /// Why what does not watch its stdin could not be asked to stop.
    pub(super) not_asked: Option<String>,
    pub(super) stragglers: Vec<Survivor>,
}

impl Launch {
    pub(super) fn pipe(&mut self, stream: Stream) -> &mut Pipe {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    pub(super) fn hide_token(&self, text: String) -> String {
        match &self.token {
            Some(token) => token.hide(text),
            None => text,
        }
    }

    pub(super) fn stop_asking(&mut self) {
        if let Some(asking) = &mut self.asking {
            asking.end = None;
        }
    }

    pub(super) fn pipes_closed(&self) -> bool {
        self.stdout.closed && self.stderr.closed
    }

    pub(super) fn note_stragglers(&mut self, found: &[Survivor]) {
        for survivor in found {
            if !self
                .stragglers
                .iter()
                .any(|known| known.pid == survivor.pid)
            {
                self.stragglers.push(survivor.clone());
            }
        }
    }
}
