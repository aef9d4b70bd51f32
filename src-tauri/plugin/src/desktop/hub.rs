//! What pages are told: the state of each sidecar and its lines, by one thread, to whoever listens.
//!
//! The supervisors' threads only write down what happened. A flood of lines wakes nobody more often
//! than every 50 ms, and what the bounded log has lost by then is counted; a change of state is told
//! at once, and each one is.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sidecar_supervisor::{LogLine, Snapshot, State as SidecarState, Stream, fields};
use tauri::ipc::Channel;

use super::told::{kind_of, status_of};
use crate::error::Error;
use crate::models::{Failure, HealthAnswer, Line, LogBatch, Status};

/// Lines that are kept of each sidecar.
const LOG_LINES: usize = 1000;
/// Lines in one message.
const BATCH_LINES: usize = 200;
const LINE_CHARS: usize = 2000;
/// Lines are told of so often.
const LINES_EVERY: Duration = Duration::from_millis(50);
/// How many `key=value` words of a sidecar are kept.
const MAX_FIELDS: usize = 100;

/// One sidecar as it was told last.
struct Picture {
    status: Status,
    log: VecDeque<Line>,
    next_line: u64,
    fields: BTreeMap<String, String>,
    port: Option<u16>,
}

enum Wants {
    /// Changes with this number and later ones.
    States { channel: Channel<Status>, from: u64 },
    /// Lines of a sidecar from this number on.
    Lines {
        channel: Channel<LogBatch>,
        name: String,
        next: u64,
    },
}

struct Subscriber {
    id: u32,
    page: String,
    wants: Wants,
}

#[derive(Default)]
struct State {
    pictures: BTreeMap<String, Picture>,
    changes: VecDeque<(u64, Status)>,
    next_change: u64,
    /// The pictures for who has just come: told by the thread, since a channel calls who made it.
    first: Vec<(u32, Message)>,
    subscribers: Vec<Subscriber>,
    next_id: u32,
    lines_wait: bool,
    closed: bool,
}

/// Who knows, and who is told.
#[derive(Default)]
pub(super) struct Hub {
    state: Mutex<State>,
    changed: Condvar,
}

enum Message {
    State(Channel<Status>, Box<Status>),
    Lines(Channel<LogBatch>, LogBatch),
}

/// What is to be told: to the application, and to subscribers by their number.
struct News {
    statuses: Vec<Status>,
    messages: Vec<(u32, Message)>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sidecar that has not been started.
    pub(super) fn add(&self, name: &str, dev: bool) {
        let picture = Picture {
            status: status_of(name, dev, &Snapshot::idle(), None),
            log: VecDeque::new(),
            next_line: 0,
            fields: BTreeMap::new(),
            port: None,
        };
        self.lock().pictures.insert(name.to_owned(), picture);
    }

    /// Takes what the supervisor says. True when it has just become ready.
    pub(super) fn take(&self, name: &str, snapshot: &Snapshot) -> bool {
        let mut state = self.lock();
        let Some(picture) = state.pictures.get_mut(name) else {
            return false;
        };
        let before = &picture.status;
        let is_other_launch = before.launch != snapshot.launch;
        let became_ready = snapshot.state == SidecarState::Ready
            && (is_other_launch || before.state != snapshot.state.name());
        if is_other_launch {
            picture.fields.clear();
            picture.port = None;
            picture.status.health = None;
        }
        let health = picture.status.health.take();
        picture.status = status_of(name, picture.status.dev, snapshot, health);
        let status = picture.status.clone();
        self.tell(&mut state, status);
        became_ready
    }

    /// A sidecar that is not started at all.
    pub(super) fn refuse(&self, name: &str, error: &Error) {
        let mut state = self.lock();
        if let Some(picture) = state.pictures.get_mut(name) {
            "failed".clone_into(&mut picture.status.state);
            picture.status.failure = Some(Failure {
                kind: error.kind().to_owned(),
                what: "The sidecar was not started: it is not built, and its placeholder stands there."
                    .to_owned(),
            });
            let status = picture.status.clone();
            self.tell(&mut state, status);
        }
    }

    /// Takes what the health URL of a launch answered.
    pub(super) fn take_health(&self, name: &str, launch: u64, answer: HealthAnswer) {
        let mut state = self.lock();
        if let Some(picture) = state.pictures.get_mut(name)
            && picture.status.launch == launch
        {
            picture.status.health = Some(answer);
            let status = picture.status.clone();
            self.tell(&mut state, status);
        }
    }

    fn tell(&self, state: &mut State, status: Status) {
        let number = state.next_change;
        state.next_change += 1;
        state.changes.push_back((number, status));
        self.changed.notify_all();
    }

    /// Takes a line.
    pub(super) fn take_line(&self, name: &str, line: &LogLine) {
        let mut state = self.lock();
        let Some(picture) = state.pictures.get_mut(name) else {
            return;
        };
        if line.stream == Stream::Stdout {
            note_fields(picture, &line.text);
        }
        let number = picture.next_line;
        picture.next_line += 1;
        picture.log.push_back(Line {
            number,
            launch: line.launch,
            at_ms: line.at_ms,
            stream: match line.stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            }
            .to_owned(),
            kind: kind_of(line.kind).to_owned(),
            text: line.text.chars().take(LINE_CHARS).collect(),
        });
        if picture.log.len() > LOG_LINES {
            picture.log.pop_front();
        }
        if !state.lines_wait {
            state.lines_wait = true;
            self.changed.notify_all();
        }
    }

    /// A sidecar's state by what its supervisor says now: events come after it, so the picture alone
    /// may be one change behind what `wait_ready` and `stop` have seen.
    pub(super) fn status(&self, name: &str, now: &Snapshot) -> Option<Status> {
        let state = self.lock();
        let told = &state.pictures.get(name)?.status;
        if now.launch == 0 {
            // What was not started at all is known here alone.
            return Some(told.clone());
        }
        let health = told.health.clone().filter(|_| told.launch == now.launch);
        Some(status_of(name, told.dev, now, health))
    }

    /// The port that a launch said it listens on.
    pub(super) fn port(&self, name: &str, launch: u64) -> Option<u16> {
        let state = self.lock();
        let picture = state.pictures.get(name)?;
        picture.port.filter(|_| picture.status.launch == launch)
    }

    /// The `key=value` words of the running launch.
    pub(super) fn fields(&self, name: &str) -> BTreeMap<String, String> {
        let state = self.lock();
        let picture = state.pictures.get(name);
        picture.map_or_else(BTreeMap::new, |picture| picture.fields.clone())
    }

    /// The lines from number `since` on that are still known.
    pub(super) fn lines(&self, name: &str, since: u64) -> Vec<Line> {
        let state = self.lock();
        let lines = state
            .pictures
            .get(name)
            .into_iter()
            .flat_map(|picture| &picture.log);
        lines.filter(|line| line.number >= since).cloned().collect()
    }

    /// Has the state of each sidecar sent, and every later change.
    pub(super) fn watch(&self, page: &str, channel: Channel<Status>) -> u32 {
        let mut state = self.lock();
        // What is on its way is part of these pictures; so nobody sees a state go back.
        let pictures: Vec<_> = state
            .pictures
            .values()
            .map(|picture| Box::new(picture.status.clone()))
            .collect();
        let (sent, from) = (channel.clone(), state.next_change);
        let id = subscribe(&mut state, page, Wants::States { channel, from });
        let messages = pictures
            .into_iter()
            .map(|status| (id, Message::State(sent.clone(), status)));
        state.first.extend(messages);
        self.changed.notify_all();
        id
    }

    /// Has the lines from `next` on sent.
    pub(super) fn follow(
        &self,
        page: &str,
        name: &str,
        next: u64,
        channel: Channel<LogBatch>,
    ) -> u32 {
        let mut state = self.lock();
        let name = name.to_owned();
        let wants = Wants::Lines {
            channel,
            name,
            next,
        };
        state.lines_wait = true;
        self.changed.notify_all();
        subscribe(&mut state, page, wants)
    }

    pub(super) fn unwatch(&self, id: u32) {
        self.lock().subscribers.retain(|each| each.id != id);
    }

    pub(super) fn forget_page(&self, page: &str) {
        self.lock().subscribers.retain(|each| each.page != page);
    }

    /// Lets the thread end, once what happened has been told.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The thread: tells everybody of everything, until the hub is closed.
    pub(super) fn run(&self, mut emit: impl FnMut(Status)) {
        let mut lines_due = Instant::now();
        while let Some(News { statuses, messages }) = self.next(&mut lines_due) {
            let mut gone = Vec::new();
            for (id, message) in messages {
                let sent = match message {
                    Message::State(channel, status) => channel.send(*status),
                    Message::Lines(channel, batch) => channel.send(batch),
                };
                if sent.is_err() {
                    gone.push(id);
                }
            }
            for status in statuses {
                emit(status);
            }
            if !gone.is_empty() {
                self.lock()
                    .subscribers
                    .retain(|each| !gone.contains(&each.id));
            }
        }
    }

    /// Waits for what is to be told; nothing once the hub is closed.
    fn next(&self, lines_due: &mut Instant) -> Option<News> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let lines = state.lines_wait && now >= *lines_due;
            if !state.changes.is_empty() || !state.first.is_empty() || lines {
                let changes: Vec<_> = state.changes.drain(..).collect();
                let mut messages = mem::take(&mut state.first);
                messages.retain(|(id, _)| state.subscribers.iter().any(|each| each.id == *id));
                messages.extend(state_messages(&state, &changes));
                if lines {
                    *lines_due = now + LINES_EVERY;
                    messages.extend(line_messages(&mut state));
                }
                let statuses = changes.into_iter().map(|(_, status)| status).collect();
                return Some(News { statuses, messages });
            }
            if state.closed {
                return None;
            }
            state = if state.lines_wait {
                let wait = self.changed.wait_timeout(state, *lines_due - now);
                wait.unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner)
            };
        }
    }
}

fn subscribe(state: &mut State, page: &str, wants: Wants) -> u32 {
    let id = state.next_id;
    state.next_id = state.next_id.wrapping_add(1);
    let page = page.to_owned();
    state.subscribers.push(Subscriber { id, page, wants });
    id
}

fn state_messages(state: &State, changes: &[(u64, Status)]) -> Vec<(u32, Message)> {
    let mut messages = Vec::new();
    for (number, status) in changes {
        for each in &state.subscribers {
            if let Wants::States { channel, from } = &each.wants
                && number >= from
            {
                let status = Box::new(status.clone());
                messages.push((each.id, Message::State(channel.clone(), status)));
            }
        }
    }
    messages
}

fn line_messages(state: &mut State) -> Vec<(u32, Message)> {
    state.lines_wait = false;
    let mut messages = Vec::new();
    for each in &mut state.subscribers {
        let Wants::Lines {
            channel,
            name,
            next,
        } = &mut each.wants
        else {
            continue;
        };
        let Some(picture) = state.pictures.get(name) else {
            continue;
        };
        let first = picture
            .log
            .front()
            .map_or(picture.next_line, |line| line.number);
        let from = first.max(*next);
        let skipped = from - *next;
        let at = usize::try_from(from - first).unwrap_or(usize::MAX);
        let lines: Vec<Line> = picture
            .log
            .iter()
            .skip(at)
            .take(BATCH_LINES)
            .cloned()
            .collect();
        let Some(last) = lines.last() else {
            continue;
        };
        *next = last.number + 1;
        state.lines_wait |= *next < picture.next_line;
        let name = name.clone();
        let batch = LogBatch {
            name,
            skipped,
            lines,
        };
        messages.push((each.id, Message::Lines(channel.clone(), batch)));
    }
    messages
}

fn note_fields(picture: &mut Picture, text: &str) {
    let listens = text.starts_with("LISTEN ");
    for (name, value) in fields(text) {
        if listens && name == "port" && picture.port.is_none() {
            picture.port = value.parse().ok().filter(|port| *port > 0);
        }
        if picture.fields.len() < MAX_FIELDS {
            picture.fields.insert(name.to_owned(), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_never_behind_what_its_supervisor_says() {
        let hub = Hub::default();
        hub.add("api", true);
        let mut now = Snapshot::idle();
        (now.state, now.launch) = (SidecarState::WaitingReady, 1);
        assert!(!hub.take("api", &now));
        // The supervisor has just become ready; its event has not come yet.
        now.state = SidecarState::Ready;
        let status = hub.status("api", &now).expect("known");
        assert_eq!((&*status.state, status.dev), ("ready", true));
        // The event is told all the same when it comes.
        assert!(hub.take("api", &now));
    }

    #[test]
    fn what_was_not_started_at_all_has_failed() {
        let hub = Hub::default();
        hub.add("api", false);
        let error = Error::Placeholder {
            name: "api".to_owned(),
            path: "api".into(),
        };
        hub.refuse("api", &error);
        let status = hub.status("api", &Snapshot::idle()).expect("known");
        assert_eq!(status.state, "failed");
        assert!(status.failure.is_some());
    }
}
