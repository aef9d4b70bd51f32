//! What the supervisor tells goes into the picture, the journal and the terminal.

use std::sync::Arc;
use std::thread;

use sidecar_supervisor::{
    FREE_PORT_FIELD, LogLine, Printer, Snapshot, State, Stream, UrlTemplate, fields,
};

use super::picture::{Shared, ShownLine};
use crate::health::{self, Health};

/// How many lines the window can ask for; older ones are counted and gone.
const LOG_LINES: usize = 1000;
/// The window shows so much of one line; the tails of a failure show more.
const LINE_CHARS: usize = 2000;
/// How many `key=value` pairs of the sidecar are kept for the health URL.
const MAX_FIELDS: usize = 100;

/// What observes the sidecar: the picture, and the terminal.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) shared: Arc<Shared>,
    pub(super) printer: Printer,
    pub(super) follow: bool,
    /// Who follows cannot see in what is printed that the sidecar is ready.
    pub(super) tell_ready: bool,
}

/// Takes a line.
pub(super) fn on_line(sink: &Sink, line: &LogLine) {
    match line.stream {
        // The terminal and the system's journal see what the sidecar complains about.
        Stream::Stderr => {
            let text = format!("sidecar stderr: {}", line.text);
            sink.printer.print(Stream::Stderr, text);
        }
        Stream::Stdout if sink.follow => sink.printer.print(Stream::Stdout, &*line.text),
        Stream::Stdout => {}
    }
    sink.shared.touch(|picture| {
        if line.stream == Stream::Stdout {
            for (name, value) in fields(&line.text) {
                if picture.fields.len() < MAX_FIELDS && name != FREE_PORT_FIELD {
                    picture.fields.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        if let Some(recorder) = &mut picture.recorder {
            recorder.line(line);
        }
        let number = picture.next_line;
        picture.next_line += 1;
        picture.log.push_back(ShownLine {
            number,
            at_ms: line.at_ms,
            stream: line.stream,
            kind: line.kind,
            text: line.text.chars().take(LINE_CHARS).collect(),
        });
        if picture.log.len() > LOG_LINES {
            picture.log.pop_front();
        }
    });
}

/// Takes a change.
pub(super) fn on_change(sink: &Sink, snapshot: &Snapshot, health: Option<&UrlTemplate>) {
    let mut became_ready = false;
    sink.shared.touch(|picture| {
        let before = picture.snapshot.as_ref();
        let is_new = before.is_none_or(|before| {
            before.launch != snapshot.launch || before.state != snapshot.state
        });
        if snapshot.state == State::Spawning && is_new {
            picture.fields.clear();
            picture.health = None;
            let launched = snapshot.launched.as_ref();
            if let Some(port) = launched.and_then(|launched| launched.free_port) {
                let name = FREE_PORT_FIELD.to_owned();
                picture.fields.insert(name, port.to_string());
            }
        }
        became_ready = snapshot.state == State::Ready && is_new;
        if is_new && let Some(failure) = &snapshot.failure {
            let text = format!("sidecar-host: {}", failure.text);
            sink.printer.print(Stream::Stderr, text);
        }
        if let Some(recorder) = &mut picture.recorder {
            recorder.change(snapshot);
        }
        picture.snapshot = Some(snapshot.clone());
    });
    if became_ready && sink.tell_ready {
        let text = "sidecar-host: the sidecar is ready";
        sink.printer.print(Stream::Stderr, text);
    }
    if became_ready && let Some(template) = health {
        ask_health(sink, template, snapshot.launch);
    }
}

/// Asks in a thread of its own: the answer may take seconds.
fn ask_health(sink: &Sink, template: &UrlTemplate, launch: u64) {
    let (url, shared) = (template.clone(), Arc::clone(&sink.shared));
    let asking = thread::Builder::new()
        .name("sidecar-health".to_owned())
        .spawn(move || {
            let fields = shared.lock().fields.clone();
            let answer = health::ask(&url, &fields);
            shared.touch(|picture| {
                let is_current = picture
                    .snapshot
                    .as_ref()
                    .is_some_and(|snapshot| snapshot.launch == launch);
                if is_current {
                    picture.health = Some(answer);
                }
            });
        });
    if let Err(error) = asking {
        let why = format!("A thread to ask it with cannot be started: {error}.");
        let answer = Health::failed(template.as_str(), why);
        sink.shared.touch(|picture| picture.health = Some(answer));
    }
}
