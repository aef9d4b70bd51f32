//! What the sidecar prints, chunks and lines, what its URL answers, and READY among all that.

use std::time::Instant;

use super::actor::{Actor, ms_between};
use super::launch::{Cause, Phase};
use super::watching::is_good;
use crate::diagnosis::printable;
use crate::event::{Event, LogLine};
use crate::http::HttpError;
use crate::protocol::{LineKind, Stream, kind_of};
use crate::state::State;

impl Actor {
    pub(super) fn read(&mut self, stream: Stream, buffer: Vec<u8>, len: usize, at: Instant) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        let ready = &self.spec.ready;
        let mut lines = Vec::new();
        let pipe = launch.pipe(stream);
        pipe.splitter.feed(&buffer[..len], |line| {
            lines.push((
                ready.is_said_by(stream, line),
                printable(line.bytes, line.dropped, true),
            ));
        });
        // The reader may have stopped after an error; then nobody needs the buffer.
        let _ = pipe.free.send(buffer);
        for (is_ready, text) in lines {
            self.line(stream, text, is_ready, at);
        }
    }

    fn line(&mut self, stream: Stream, text: String, is_ready: bool, at: Instant) {
        let at_ms = self.ms(at);
        let Some(launch) = &mut self.launch else {
            return;
        };
        let started = launch.started;
        let text = launch.hide_token(text);
        let line = LogLine {
            launch: launch.number,
            at_ms,
            stream,
            kind: kind_of(stream, &text, is_ready),
            text,
        };
        launch.pipe(stream).tail.push(line.text.clone());
        (self.observer)(Event::Line(&line));
        if line.kind == LineKind::Boot {
            self.change(|snapshot| {
                if snapshot.boot_ms.is_none() {
                    snapshot.boot_ms = Some(ms_between(started, at));
                }
            });
        }
        if is_ready {
            self.became_ready(at);
        }
    }

    /// The READY URL was asked: a status from 200 to 399 is READY.
    pub(super) fn asked(&mut self, answer: Result<u16, HttpError>, at: Instant) {
        let is_ready = answer.as_ref().is_ok_and(|status| is_good(*status));
        let Some(launch) = &mut self.launch else {
            return;
        };
        // What it answers while it ends is no reason for anything.
        if let Some(asking) = &mut launch.asking
            && (is_ready || matches!(launch.phase, Phase::Waiting { .. }))
        {
            asking.answer = Some(answer);
        }
        if is_ready {
            self.became_ready(at);
        }
    }

    fn became_ready(&mut self, at: Instant) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        match launch.phase {
            Phase::Waiting { deadline } if at <= deadline => launch.phase = Phase::Ready,
            // It ended right after READY: it was ready, and the end is handled after the drain.
            Phase::Draining { .. } if launch.ready_at.is_none() => {}
            Phase::Ready => return self.begin_stop(Cause::DuplicateReady, self.spec.stop_grace),
            Phase::Draining { .. } => {
                launch.cause = Cause::DuplicateReady;
                return;
            }
            // Too late, or while stopping: it is in the log and changes nothing.
            _ => return,
        }
        launch.ready_at = Some(at);
        let ready_ms = ms_between(launch.started, at);
        self.backoff.reached_ready();
        let since_ms = self.ms(at);
        self.change(|snapshot| {
            snapshot.state = State::Ready;
            snapshot.since_ms = since_ms;
            snapshot.ready_ms = Some(ready_ms);
        });
    }

    /// The stream is over, or is not read any longer: what has no newline is given out.
    pub(super) fn flush(&mut self, stream: Stream) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        let pipe = launch.pipe(stream);
        pipe.closed = true;
        let mut rest = None;
        pipe.splitter.finish(|line| {
            rest = Some((
                String::from_utf8_lossy(line.bytes).into_owned(),
                printable(line.bytes, line.dropped, false),
            ));
        });
        if let Some((raw, text)) = rest {
            let raw = launch.hide_token(raw);
            launch.pipe(stream).unterminated = Some(raw);
            self.line(stream, text, false, Instant::now());
        }
    }
}
