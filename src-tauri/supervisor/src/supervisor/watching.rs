//! The threads that watch one launch. They are started before the process and wait for it: what
//! cannot be watched is not started.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use super::message::Message;
use crate::platform::{Pipes, Process};
use crate::protocol::Stream;

/// The size of one read. Each pipe has two of these and never more: a flood waits in the pipe.
const READ_BYTES: usize = 64 * 1024;
const BUFFERS_PER_PIPE: usize = 2;

type WaitForExit = Box<dyn FnOnce() + Send>;

/// Threads that have nothing to watch yet. Dropped, they end.
pub(super) struct Watchers {
    exit: Sender<WaitForExit>,
    stdout: Reader,
    stderr: Reader,
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
}

impl Watchers {
    /// Starts the threads of a launch.
    ///
    /// # Errors
    /// When the system refuses one of them.
    pub(super) fn start(launch: u64, sender: &Sender<Message>) -> io::Result<Self> {
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
