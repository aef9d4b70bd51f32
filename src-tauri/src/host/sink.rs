//! What the supervisor tells goes into the picture, the journal and the terminal.

use std::sync::Arc;

use sidecar_supervisor::{LogLine, Printer, Snapshot, State, Stream};

use super::picture::Shared;

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
        if let Some(recorder) = &mut picture.recorder {
            recorder.line(line);
        }
    });
}

/// Takes a change.
pub(super) fn on_change(sink: &Sink, snapshot: &Snapshot) {
    let mut became_ready = false;
    sink.shared.touch(|picture| {
        let before = picture.snapshot.as_ref();
        let is_new = before.is_none_or(|before| {
            before.launch != snapshot.launch || before.state != snapshot.state
        });
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
}
