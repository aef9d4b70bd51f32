//! The thread that owns the sidecar: it waits for messages and deadlines, and for nothing else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::Shared;
use super::launch::{Cause, Launch, Phase};
use super::message::{Command, Message};
use crate::backoff::Backoff;
use crate::event::Event;
use crate::spec::LaunchSpec;
use crate::state::Snapshot;

/// Messages taken at once before the deadlines are looked at again.
const MESSAGES_PER_TURN: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterStop {
    Rest,
    Start,
}

pub(super) struct Actor {
    pub(super) spec: LaunchSpec,
    pub(super) observer: Box<dyn FnMut(Event<'_>) + Send>,
    pub(super) sender: Sender<Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) origin: Instant,
    pub(super) launch: Option<Launch>,
    pub(super) launches: u64,
    pub(super) after_stop: AfterStop,
    pub(super) backoff: Backoff,
    pub(super) restart_at: Option<Instant>,
    pub(super) closing: bool,
    /// A stop was asked for while the end of a crashed launch was being cleared away.
    pub(super) stop_wanted: bool,
}

impl Actor {
    pub(super) fn new(
        spec: LaunchSpec,
        observer: impl FnMut(Event<'_>) + Send + 'static,
        sender: Sender<Message>,
        shared: Arc<Shared>,
        origin: Instant,
    ) -> Self {
        Self {
            spec,
            observer: Box::new(observer),
            sender,
            shared,
            origin,
            launch: None,
            launches: 0,
            after_stop: AfterStop::Rest,
            backoff: Backoff::default(),
            restart_at: None,
            closing: false,
            stop_wanted: false,
        }
    }

    pub(super) fn run(&mut self, receiver: &Receiver<Message>) {
        loop {
            let first = match self.next_deadline() {
                Some(deadline) => {
                    let wait = deadline.saturating_duration_since(Instant::now());
                    match receiver.recv_timeout(wait) {
                        Ok(message) => Some(message),
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                None => match receiver.recv() {
                    Ok(message) => Some(message),
                    Err(_) => return,
                },
            };
            if let Some(message) = first {
                self.handle(message);
                // What was read before a deadline counts, even if the deadline has passed by now.
                for message in receiver.try_iter().take(MESSAGES_PER_TURN) {
                    self.handle(message);
                }
            }
            self.tick(Instant::now());
            if self.closing && self.launch.is_none() {
                return;
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let Some(launch) = &self.launch else {
            return self.restart_at;
        };
        match launch.phase {
            Phase::Waiting { deadline } => Some(deadline),
            Phase::Ready => None,
            Phase::Draining { until } | Phase::Settling { until } => Some(until),
            Phase::Asking { term_at: until, .. } | Phase::Terminating { kill_at: until } => {
                // While the direct child lives its end is what is waited for; then the rest.
                Some(if launch.child_ended {
                    until.min(launch.next_scan)
                } else {
                    until
                })
            }
            Phase::Killing { give_up_at } => Some(give_up_at.min(launch.next_scan)),
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Command(command) => self.command(command),
            Message::Mark(mark) => {
                // Whoever has asked may have stopped waiting.
                let _ = mark.send(self.shared.lock().launch);
            }
            Message::Chunk {
                launch,
                stream,
                buffer,
                len,
                at,
            } => {
                if self.is_current(launch) {
                    self.read(stream, buffer, len, at);
                }
            }
            Message::Closed { launch, stream } => {
                if self.is_current(launch) {
                    self.flush(stream);
                }
            }
            Message::ChildEnded { launch } => {
                if self.is_current(launch) {
                    self.child_ended();
                }
            }
            Message::Asked { launch, answer, at } => {
                if self.is_current(launch) {
                    self.asked(answer, at);
                }
            }
        }
    }

    fn is_current(&self, number: u64) -> bool {
        self.launch
            .as_ref()
            .is_some_and(|launch| launch.number == number)
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Start => {
                if self.closing {
                    return;
                }
                match &self.launch {
                    None => self.start_by_request(),
                    Some(launch) if launch.stop_asked_at.is_some() => {
                        self.after_stop = AfterStop::Start;
                    }
                    Some(_) => {}
                }
            }
            Command::Restart => {
                if self.closing {
                    return;
                }
                if self.launch.is_none() {
                    self.start_by_request();
                } else {
                    self.after_stop = AfterStop::Start;
                    self.begin_stop(Cause::Requested, self.spec.stop_grace);
                }
            }
            Command::Stop | Command::Shutdown => {
                self.closing |= matches!(command, Command::Shutdown);
                self.after_stop = AfterStop::Rest;
                self.call_off_recovery();
                self.stop_wanted = true;
                self.begin_stop(Cause::Requested, self.spec.stop_grace);
            }
            Command::Kill => {
                self.call_off_recovery();
                self.after_stop = AfterStop::Rest;
                self.stop_wanted = true;
                self.begin_stop(Cause::Requested, Duration::ZERO);
                if let Some(launch) = &mut self.launch
                    && matches!(
                        launch.phase,
                        Phase::Asking { .. } | Phase::Terminating { .. }
                    )
                {
                    launch.phase = Phase::Terminating {
                        kill_at: Instant::now(),
                    };
                }
            }
        }
    }

    fn call_off_recovery(&mut self) {
        if self.restart_at.take().is_some() {
            self.change(|snapshot| {
                snapshot.recovery.restart_at_ms = None;
                snapshot.recovery.left_because = Some("The restart was called off.".to_owned());
            });
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let snapshot = {
            let mut shared = self.shared.lock();
            change(&mut shared);
            shared.clone()
        };
        (self.observer)(Event::Changed(&snapshot));
        self.shared.changed.notify_all();
    }

    pub(super) fn ms(&self, at: Instant) -> f64 {
        ms_between(self.origin, at)
    }
}

pub(super) fn ms_between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}
