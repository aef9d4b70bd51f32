//! The threads that watch one launch. They are started before the process and wait for it: what
//! cannot be watched is not started.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::launch::Asking;
use super::message::Message;
use crate::http::{self, Bounds, HttpError};
use crate::platform::{Pipes, Process};
use crate::protocol::Stream;
use crate::url::LocalUrl;

/// The size of one read. Each pipe has two of these and never more: a flood waits in the pipe.
const READ_BYTES: usize = 64 * 1024;
const BUFFERS_PER_PIPE: usize = 2;

type WaitForExit = Box<dyn FnOnce() + Send>;

/// How often a READY URL is asked at which nobody listens yet: it costs next to nothing.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// How often one that answers, and is not ready: it shall start, and not answer us.
const ASK_AGAIN_AFTER_ANSWER: Duration = Duration::from_millis(100);
/// One answer is waited for so long, or half of the time to READY: what it did is known then.
const ANSWER_BOUND: Duration = Duration::from_secs(2);
/// One connection is waited for so long. Windows asks a port at which nobody listens again and again
/// for two seconds before it says so, half a second apart: READY would be seen that much later.
const CONNECTION_BOUND: Duration = if cfg!(windows) {
    Duration::from_millis(50)
} else {
    ANSWER_BOUND
};
/// A body is read on so that no server is cut off, and is no part of being ready.
const BODY_BOUND: Duration = Duration::from_millis(250);

/// Threads that have nothing to watch yet. Dropped, they end.
pub(super) struct Watchers {
    exit: Sender<WaitForExit>,
    stdout: Reader,
    stderr: Reader,
    asker: Option<Asker>,
}

struct Asker {
    url: LocalUrl,
    start: Sender<Receiver<()>>,
}

struct Reader {
    source: Sender<File>,
    free: Sender<Vec<u8>>,
}

/// What a launch keeps of its watchers.
pub(super) struct Watched {
    /// Closing it asks the sidecar to stop.
    pub(super) stdin: File,
    /// Where the buffers of stdout go back to.
    pub(super) stdout: Sender<Vec<u8>>,
    /// Where the buffers of stderr go back to.
    pub(super) stderr: Sender<Vec<u8>>,
    /// The READY URL, which is being asked.
    pub(super) asking: Option<Asking>,
}

impl Watchers {
    /// Starts the threads of a launch.
    ///
    /// # Errors
    /// When the system refuses one of them.
    pub(super) fn start(
        launch: u64,
        ready_url: Option<LocalUrl>,
        ready_timeout: Duration,
        sender: &Sender<Message>,
    ) -> io::Result<Self> {
        let (exit, wait) = mpsc::channel::<WaitForExit>();
        let ended = sender.clone();
        thread::Builder::new()
            .name("sidecar-exit".to_owned())
            .spawn(move || {
                if let Ok(wait_for_exit) = wait.recv() {
                    wait_for_exit();
                    let _ = ended.send(Message::ChildEnded { launch });
                }
            })?;
        Ok(Self {
            exit,
            stdout: Reader::start(Stream::Stdout, launch, sender)?,
            stderr: Reader::start(Stream::Stderr, launch, sender)?,
            asker: ready_url
                .map(|url| Asker::start(url, launch, ready_timeout, sender))
                .transpose()?,
        })
    }

    /// Hands them the process.
    pub(super) fn watch(self, process: &Process, pipes: Pipes) -> Watched {
        // Each of them waits for exactly this, so somebody receives it.
        let _ = self.stdout.source.send(pipes.stdout);
        let _ = self.stderr.source.send(pipes.stderr);
        let _ = self.exit.send(Box::new(process.exit_watcher()));
        Watched {
            stdin: pipes.stdin,
            stdout: self.stdout.free,
            stderr: self.stderr.free,
            asking: self.asker.map(Asker::ask),
        }
    }
}

impl Asker {
    fn start(
        url: LocalUrl,
        launch: u64,
        ready_timeout: Duration,
        sender: &Sender<Message>,
    ) -> io::Result<Self> {
        let bound = ANSWER_BOUND.min(ready_timeout / 2);
        let bounds = Bounds {
            connect: bound.min(CONNECTION_BOUND),
            head: bound,
            body: BODY_BOUND,
        };
        let (start, begun) = mpsc::channel::<Receiver<()>>();
        let (asked, sender) = (url.clone(), sender.clone());
        thread::Builder::new()
            .name("sidecar-url".to_owned())
            .spawn(move || {
                if let Ok(end) = begun.recv() {
                    ask_until_good(&asked, bounds, launch, &sender, &end);
                }
            })?;
        Ok(Self { url, start })
    }

    fn ask(self) -> Asking {
        let (end, over) = mpsc::channel();
        let _ = self.start.send(over);
        Asking {
            url: self.url,
            answer: None,
            end: Some(end),
        }
    }
}

/// True for a status that means READY. A redirection is one: it is not followed.
pub(super) fn is_good(status: u16) -> bool {
    (200..400).contains(&status)
}

fn ask_until_good(
    url: &LocalUrl,
    bounds: Bounds,
    launch: u64,
    sender: &Sender<Message>,
    end: &Receiver<()>,
) {
    let mut told = None;
    loop {
        let result = http::get(url, bounds);
        let at = result
            .as_ref()
            .map_or_else(|_| Instant::now(), |answer| answer.at);
        let answer = result.map(|answer| answer.status);
        let is_good = answer.as_ref().is_ok_and(|status| is_good(*status));
        let again = match &answer {
            Err(HttpError::NotConnected { .. }) => ASK_AGAIN,
            _ => ASK_AGAIN_AFTER_ANSWER,
        };
        if told.as_ref() != Some(&answer) {
            told = Some(answer.clone());
            if sender.send(Message::Asked { launch, answer, at }).is_err() {
                return;
            }
        }
        if is_good || end.recv_timeout(again) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

impl Reader {
    fn start(stream: Stream, launch: u64, sender: &Sender<Message>) -> io::Result<Self> {
        let (source, pipe) = mpsc::channel();
        let (free, buffers) = mpsc::channel();
        for _ in 0..BUFFERS_PER_PIPE {
            let _ = free.send(vec![0; READ_BYTES]);
        }
        let sender = sender.clone();
        thread::Builder::new()
            .name(format!("sidecar-{stream:?}").to_lowercase())
            .spawn(move || {
                if let Ok(pipe) = pipe.recv() {
                    read_pipe(pipe, stream, launch, &sender, &buffers);
                }
            })?;
        Ok(Self { source, free })
    }
}

fn read_pipe(
    mut source: File,
    stream: Stream,
    launch: u64,
    sender: &Sender<Message>,
    buffers: &Receiver<Vec<u8>>,
) {
    // Without a buffer the launch is over, and nobody reads on: the pipe closes with this thread.
    while let Ok(mut buffer) = buffers.recv() {
        let len = loop {
            match source.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error ends the stream like its end: there is nothing more to be read.
                result => break result.unwrap_or(0),
            }
        };
        if len == 0 {
            break;
        }
        let chunk = Message::Chunk {
            launch,
            stream,
            buffer,
            len,
            at: Instant::now(),
        };
        if sender.send(chunk).is_err() {
            return;
        }
    }
    let _ = sender.send(Message::Closed { launch, stream });
}
