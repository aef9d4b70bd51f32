//! Prints without ever holding up the caller: for observers, which must not block.

use std::io::{self, Write as _};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::protocol::Stream;

/// Lines that wait for a slow reader; more are dropped.
const WAITING_LINES: usize = 1024;

enum Item {
    Line(Stream, String),
    End,
}

/// Standard output and standard error of this process, written by a thread of their own.
///
/// A reader that does not read fills a pipe, and then a write waits. Here only the thread does;
/// lines that find the queue full are dropped.
#[derive(Debug)]
pub struct Console {
    printer: Printer,
    ended: Mutex<Receiver<()>>,
}

impl Console {
    /// Starts the thread. `unheard` is called once, when nobody reads standard output any more.
    pub fn new(unheard: impl FnOnce() + Send + 'static) -> Self {
        let (items, waiting) = mpsc::sync_channel(WAITING_LINES);
        let (end, ended) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut unheard = Some(unheard);
            for item in waiting {
                let Item::Line(stream, text) = item else {
                    let _ = end.try_send(());
                    continue;
                };
                let written = match stream {
                    Stream::Stdout => writeln!(io::stdout(), "{text}"),
                    Stream::Stderr => writeln!(io::stderr(), "{text}"),
                };
                if written.is_err()
                    && stream == Stream::Stdout
                    && let Some(unheard) = unheard.take()
                {
                    unheard();
                }
            }
        });
        Self {
            printer: Printer { items },
            ended: Mutex::new(ended),
        }
    }

    /// A handle that prints, for an observer.
    #[must_use]
    pub fn printer(&self) -> Printer {
        self.printer.clone()
    }

    /// Waits until everything so far is printed, or until `bound` has passed.
    pub fn flush(&self, bound: Duration) {
        if self.printer.items.try_send(Item::End).is_ok() {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(bound);
        }
    }
}

/// See [`Console::printer`].
#[derive(Debug, Clone)]
pub struct Printer {
    items: SyncSender<Item>,
}

impl Printer {
    /// Prints one line, or drops it when too many wait.
    pub fn print(&self, stream: Stream, text: impl Into<String>) {
        let _ = self.items.try_send(Item::Line(stream, text.into()));
    }
}
