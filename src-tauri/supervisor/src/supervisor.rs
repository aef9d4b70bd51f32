//! The thread that owns the sidecar.

use std::io::{self, Read};
use std::process::Command as ProcessCommand;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::backoff::{Backoff, Decision};
use crate::diagnosis::{Evidence, diagnose, printable};
use crate::lines::LineSplitter;
use crate::platform::{self, Pipes, Process};
use crate::protocol::{LineKind, Stream, kind_of};
use crate::spec::{EXIT_ON_EOF_VARIABLE, LaunchSpec, MARK_VARIABLE};
use crate::state::{Cleanup, Exit, Failure, Launched, Reason, Recovery, Snapshot, State, Survivor};
use crate::tail::Tail;
use crate::temp::LaunchTemp;

/// The size of one read. Each pipe has two of these and never more: a flood waits in the pipe.
const READ_BYTES: usize = 64 * 1024;
const BUFFERS_PER_PIPE: usize = 2;
/// How often the processes are looked at while waiting for the last of them to end.
const SCAN_EVERY: Duration = Duration::from_millis(20);
/// Messages taken at once before the deadlines are looked at again.
const MESSAGES_PER_TURN: usize = 64;

static LAUNCHES: AtomicU64 = AtomicU64::new(0);

/// One line that the sidecar printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// The launch it belongs to.
    pub launch: u64,
    /// When it was read, in milliseconds on the supervisor's clock.
    pub at_ms: f64,
    /// Where it came from.
    pub stream: Stream,
    /// What it means.
    pub kind: LineKind,
    /// The line, made printable.
    pub text: String,
}

/// What an observer is told, in order, from the supervisor's thread. It must not block.
#[derive(Debug)]
pub enum Event<'a> {
    /// A state was entered, or something else in the picture changed.
    Changed(&'a Snapshot),
    /// A line was read.
    Line(&'a LogLine),
}

#[derive(Debug, Clone, Copy)]
enum Command {
    Start,
    Stop,
    Restart,
    Kill,
    Shutdown,
}

enum Message {
    Command(Command),
    /// Answered when everything that was asked for before has been taken.
    Mark(Sender<()>),
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
}

struct Shared {
    snapshot: Mutex<Snapshot>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        // A snapshot is replaced field by field without panicking, so it is whole in any case.
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sidecar under supervision. All methods return at once, except those that say that they wait.
pub struct Supervisor {
    commands: Sender<Message>,
    shared: Arc<Shared>,
    actor: Mutex<Option<thread::JoinHandle<()>>>,
    origin: Instant,
    stop_bound: Duration,
}

impl Supervisor {
    /// Starts the supervising thread, not the sidecar. `observer` is called from that thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(
        spec: LaunchSpec,
        observer: impl FnMut(Event<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::new(Shared {
            snapshot: Mutex::new(Snapshot::idle()),
            changed: Condvar::new(),
        });
        let origin = Instant::now();
        let stop_bound = spec.eof_grace
            + spec.stop_grace.max(spec.crash_grace)
            + spec.kill_wait
            + 2 * spec.drain
            + SCAN_EVERY * 10;
        let mut actor = Actor {
            spec,
            observer: Box::new(observer),
            sender: sender.clone(),
            shared: Arc::clone(&shared),
            origin,
            launch: None,
            launches: 0,
            after_stop: AfterStop::Rest,
            backoff: Backoff::default(),
            restart_at: None,
            closing: false,
            stop_wanted: false,
        };
        let handle = thread::Builder::new()
            .name("sidecar-supervisor".to_owned())
            .spawn(move || actor.run(&receiver))?;
        Ok(Self {
            commands: sender,
            shared,
            actor: Mutex::new(Some(handle)),
            origin,
            stop_bound,
        })
    }

    /// Starts the sidecar, unless it runs.
    pub fn start(&self) {
        self.send(Command::Start);
    }

    /// Stops the sidecar: stdin is closed, SIGTERM, the grace, SIGKILL, then nothing is left.
    /// A restart that was due is called off.
    pub fn stop(&self) {
        self.send(Command::Stop);
    }

    /// Stops the sidecar and waits until it rests and no restart is due. To call `stop` and wait for
    /// rest is not the same: until the stop is taken, a start that was asked for just before may be
    /// on its way, and the picture is still that of the rest before it.
    ///
    /// # Errors
    /// After `timeout`, with the picture that there was.
    pub fn stop_and_wait(&self, timeout: Duration) -> Result<Snapshot, Box<Snapshot>> {
        let deadline = Instant::now() + timeout;
        self.stop();
        let (mark, taken) = mpsc::channel();
        let _ = self.commands.send(Message::Mark(mark));
        // After a shutdown nobody answers, and the rest is final; after the time there is none left.
        let _ = taken.recv_timeout(timeout);
        self.wait_for(
            deadline.saturating_duration_since(Instant::now()),
            Snapshot::rests_for_good,
        )
    }

    /// Stops the sidecar if it runs, and starts it.
    pub fn restart(&self) {
        self.send(Command::Restart);
    }

    /// Stops the sidecar without any grace.
    pub fn kill(&self) {
        self.send(Command::Kill);
    }

    /// The sidecar now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.lock().clone()
    }

    /// Milliseconds on the supervisor's clock.
    #[must_use]
    pub fn now_ms(&self) -> f64 {
        self.origin.elapsed().as_secs_f64() * 1000.0
    }

    /// Waits until the picture satisfies `wanted`; gives the last picture as an error otherwise.
    ///
    /// # Errors
    /// After `timeout`, with the picture that there was.
    pub fn wait_for(
        &self,
        timeout: Duration,
        mut wanted: impl FnMut(&Snapshot) -> bool,
    ) -> Result<Snapshot, Box<Snapshot>> {
        let (snapshot, result) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), timeout, |snapshot| !wanted(snapshot))
            .unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            Err(Box::new(snapshot.clone()))
        } else {
            Ok(snapshot.clone())
        }
    }

    /// Stops the sidecar for good and waits for it, bounded by the graces of the launch. No start,
    /// restart or recovery happens after this.
    pub fn shutdown(&self) -> Snapshot {
        self.send(Command::Shutdown);
        let bound = self.stop_bound;
        let last = match self.wait_for(bound, Snapshot::rests_for_good) {
            Ok(snapshot) => snapshot,
            Err(snapshot) => *snapshot,
        };
        let handle = self
            .actor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(handle) = handle
            && last.state.is_at_rest()
        {
            // A start that was on its way is refused by now, so this ends at once.
            let _ = handle.join();
        }
        self.snapshot()
    }

    fn send(&self, command: Command) {
        // Sending fails only after a shutdown, when no command has a meaning any more.
        let _ = self.commands.send(Message::Command(command));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Why a launch is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Requested,
    ReadyTimeout,
    DuplicateReady,
    /// The direct child ended by itself; READY or not is read from the launch.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waiting for READY until the deadline.
    Waiting { deadline: Instant },
    /// READY was read.
    Ready,
    /// The child ended unasked: what it printed last is read, with a bound.
    Draining { until: Instant },
    /// Stdin was closed: a sidecar that watches it ends by itself.
    Asking { term_at: Instant, grace: Duration },
    /// SIGTERM was sent.
    Terminating { kill_at: Instant },
    /// SIGKILL was sent.
    Killing { give_up_at: Instant },
    /// All processes are gone: the last output is read, with a bound.
    Settling { until: Instant },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterStop {
    Rest,
    Start,
}

struct Pipe {
    splitter: LineSplitter,
    tail: Tail,
    free: Sender<Vec<u8>>,
    closed: bool,
    unterminated: Option<String>,
}

struct Launch {
    number: u64,
    started: Instant,
    ready_at: Option<Instant>,
    process: Process,
    stdin: Option<std::fs::File>,
    stdout: Pipe,
    stderr: Pipe,
    temp: Option<LaunchTemp>,
    phase: Phase,
    cause: Cause,
    child_ended: bool,
    stop_asked_at: Option<Instant>,
    next_scan: Instant,
    killed: bool,
    stragglers: Vec<Survivor>,
}

impl Launch {
    fn pipe(&mut self, stream: Stream) -> &mut Pipe {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn pipes_closed(&self) -> bool {
        self.stdout.closed && self.stderr.closed
    }

    fn note_stragglers(&mut self, found: &[Survivor]) {
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

struct Actor {
    spec: LaunchSpec,
    observer: Box<dyn FnMut(Event<'_>) + Send>,
    sender: Sender<Message>,
    shared: Arc<Shared>,
    origin: Instant,
    launch: Option<Launch>,
    launches: u64,
    after_stop: AfterStop,
    backoff: Backoff,
    restart_at: Option<Instant>,
    closing: bool,
    /// A stop was asked for while the end of a crashed launch was being cleared away.
    stop_wanted: bool,
}

impl Actor {
    fn run(&mut self, receiver: &Receiver<Message>) {
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
                let _ = mark.send(());
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

    fn start_by_request(&mut self) {
        self.backoff.reset();
        self.restart_at = None;
        self.start();
    }

    fn start(&mut self) {
        self.after_stop = AfterStop::Rest;
        self.stop_wanted = false;
        self.launches += 1;
        let number = self.launches;
        let mut env = self.spec.env.clone();
        env.push((EXIT_ON_EOF_VARIABLE.to_owned(), "1".to_owned()));
        let temp = match self.make_temp() {
            Ok(temp) => temp,
            Err(error) => {
                self.enter_spawning(number, env, None);
                return self.spawn_failed(&io::Error::other(format!(
                    "its temporary folder cannot be made: {error}"
                )));
            }
        };
        if let Some(temp) = &temp {
            for name in ["TMPDIR", "TEMP", "TMP"] {
                env.push((name.to_owned(), temp.path().display().to_string()));
            }
        }
        let mut command = ProcessCommand::new(&self.spec.program);
        command
            .args(&self.spec.args)
            .envs(env.iter().map(|(name, value)| (name, value)));
        let mark = format!(
            "{}-{}-{:08x}",
            std::process::id(),
            LAUNCHES.fetch_add(1, Ordering::Relaxed) + 1,
            crate::temp::random()
        );
        self.enter_spawning(number, env, temp.as_ref());
        let started = Instant::now();
        match platform::spawn(command, (MARK_VARIABLE, &mark)) {
            Ok((process, pipes)) => self.spawned(number, started, process, pipes, temp),
            Err(error) => {
                if let Some(temp) = temp {
                    // It is empty; if it cannot be removed now, the next sweep does it.
                    let _ = temp.remove();
                }
                self.spawn_failed(&error);
            }
        }
    }

    fn make_temp(&self) -> io::Result<Option<LaunchTemp>> {
        self.spec
            .temp
            .as_ref()
            .map(|temp| LaunchTemp::create(&temp.root, &temp.prefix))
            .transpose()
    }

    fn enter_spawning(
        &mut self,
        number: u64,
        env: Vec<(String, String)>,
        temp: Option<&LaunchTemp>,
    ) {
        let launched = Launched {
            program: self.spec.program.clone(),
            args: self.spec.args.clone(),
            env,
            temp_dir: temp.map(|temp| temp.path().to_owned()),
        };
        let crashes = self.backoff.crashes();
        let since_ms = self.ms(Instant::now());
        self.change(|snapshot| {
            *snapshot = Snapshot {
                state: State::Spawning,
                since_ms,
                launch: number,
                launched: Some(launched),
                recovery: Recovery {
                    crashes,
                    ..Recovery::default()
                },
                ..Snapshot::idle()
            };
        });
    }

    fn spawned(
        &mut self,
        number: u64,
        started: Instant,
        process: Process,
        pipes: Pipes,
        temp: Option<LaunchTemp>,
    ) {
        let (pid, group) = (process.pid(), process.group());
        let watch = process.exit_watcher();
        let sender = self.sender.clone();
        let watcher = thread::Builder::new()
            .name("sidecar-exit".to_owned())
            .spawn(move || {
                watch();
                let _ = sender.send(Message::ChildEnded { launch: number });
            });
        let stdout = self.read_from(pipes.stdout, Stream::Stdout, number);
        let stderr = self.read_from(pipes.stderr, Stream::Stderr, number);
        let threads_run = watcher.is_ok() && stdout.is_ok() && stderr.is_ok();
        let closed = || Pipe {
            closed: true,
            ..self.pipe(mpsc::channel().0)
        };
        self.launch = Some(Launch {
            number,
            started,
            ready_at: None,
            process,
            stdin: Some(pipes.stdin),
            stdout: stdout.unwrap_or_else(|_| closed()),
            stderr: stderr.unwrap_or_else(|_| closed()),
            temp,
            phase: Phase::Waiting {
                deadline: started + self.spec.ready_timeout,
            },
            cause: Cause::Ended,
            child_ended: false,
            stop_asked_at: None,
            next_scan: started,
            killed: false,
            stragglers: Vec::new(),
        });
        let since_ms = self.ms(Instant::now());
        self.change(|snapshot| {
            snapshot.state = State::WaitingReady;
            snapshot.since_ms = since_ms;
            snapshot.pid = Some(pid);
            snapshot.process_group = group;
        });
        if !threads_run {
            // No thread to watch it with: a sidecar that cannot be watched is not kept.
            self.begin_stop(Cause::ReadyTimeout, Duration::ZERO);
        }
    }

    fn pipe(&self, free: Sender<Vec<u8>>) -> Pipe {
        Pipe {
            splitter: LineSplitter::new(self.spec.max_line_bytes),
            tail: Tail::new(self.spec.tail_lines, self.spec.tail_bytes),
            free,
            closed: false,
            unterminated: None,
        }
    }

    fn read_from(
        &self,
        source: impl Read + Send + 'static,
        stream: Stream,
        launch: u64,
    ) -> io::Result<Pipe> {
        let (free, buffers) = mpsc::channel();
        for _ in 0..BUFFERS_PER_PIPE {
            let _ = free.send(vec![0; READ_BYTES]);
        }
        let sender = self.sender.clone();
        thread::Builder::new()
            .name(format!("sidecar-{stream:?}").to_lowercase())
            .spawn(move || read_pipe(source, stream, launch, &sender, &buffers))?;
        Ok(self.pipe(free))
    }

    fn read(&mut self, stream: Stream, buffer: Vec<u8>, len: usize, at: Instant) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        let token = self.spec.ready_token.as_bytes();
        let mut lines = Vec::new();
        let pipe = launch.pipe(stream);
        pipe.splitter.feed(&buffer[..len], |line| {
            let is_ready = stream == Stream::Stdout && line.is(token);
            lines.push((is_ready, printable(line.bytes, line.dropped, true)));
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
            self.ready_line(at);
        }
    }

    fn ready_line(&mut self, at: Instant) {
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
    fn flush(&mut self, stream: Stream) {
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
            pipe.unterminated = Some(raw);
            self.line(stream, text, false, Instant::now());
        }
    }

    fn child_ended(&mut self) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        launch.child_ended = true;
        let now = Instant::now();
        launch.next_scan = now;
        if matches!(launch.phase, Phase::Waiting { .. } | Phase::Ready) {
            launch.cause = Cause::Ended;
            launch.phase = Phase::Draining {
                until: now + self.spec.drain,
            };
        }
    }

    /// Closes stdin, which begins the end; does nothing when the launch is being ended already.
    fn begin_stop(&mut self, cause: Cause, grace: Duration) {
        let Some(launch) = &mut self.launch else {
            return;
        };
        if launch.stop_asked_at.is_some() {
            return;
        }
        let now = Instant::now();
        launch.cause = cause;
        launch.stop_asked_at = Some(now);
        launch.process.note_descendants();
        launch.stdin = None;
        launch.phase = Phase::Asking {
            term_at: now + self.spec.eof_grace.min(grace),
            grace,
        };
        launch.next_scan = now;
        let since_ms = self.ms(now);
        self.change(|snapshot| {
            snapshot.state = State::Stopping;
            snapshot.since_ms = since_ms;
        });
    }

    fn tick(&mut self, now: Instant) {
        let Some(launch) = &mut self.launch else {
            if self.restart_at.is_some_and(|at| now >= at) {
                self.restart_at = None;
                self.start();
            }
            return;
        };
        match launch.phase {
            Phase::Waiting { deadline } if now >= deadline => {
                self.begin_stop(Cause::ReadyTimeout, self.spec.stop_grace);
            }
            Phase::Waiting { .. } | Phase::Ready => {}
            Phase::Draining { until } => {
                if launch.pipes_closed() || now >= until {
                    let left = launch.process.survivors();
                    if left.is_empty() {
                        self.finish();
                    } else {
                        launch.note_stragglers(&left);
                        let cause = launch.cause;
                        self.begin_stop(cause, self.spec.crash_grace);
                    }
                }
            }
            Phase::Asking { term_at, grace } => {
                if self.all_gone(now) {
                    self.settle(now);
                } else if now >= term_at
                    && let Some(launch) = &mut self.launch
                {
                    launch.process.note_descendants();
                    launch.process.terminate();
                    launch.phase = Phase::Terminating {
                        kill_at: now + grace,
                    };
                }
            }
            Phase::Terminating { kill_at } => {
                if self.all_gone(now) {
                    self.settle(now);
                } else if now >= kill_at
                    && let Some(launch) = &mut self.launch
                {
                    launch.killed = true;
                    launch.process.kill();
                    launch.next_scan = now;
                    launch.phase = Phase::Killing {
                        give_up_at: now + self.spec.kill_wait,
                    };
                }
            }
            Phase::Killing { give_up_at } => {
                if self.all_gone(now) || now >= give_up_at {
                    self.settle(now);
                } else if let Some(launch) = &mut self.launch {
                    // Again, for what was started between the scan and the signal.
                    launch.process.kill();
                }
            }
            Phase::Settling { until } => {
                if launch.pipes_closed() || now >= until {
                    self.finish();
                }
            }
        }
    }

    /// Looks at the processes when a look is due; true when none of the launch lives.
    fn all_gone(&mut self, now: Instant) -> bool {
        let Some(launch) = &mut self.launch else {
            return true;
        };
        if now < launch.next_scan {
            return false;
        }
        launch.next_scan = now + SCAN_EVERY;
        if !launch.child_ended {
            return false;
        }
        let left = launch.process.survivors();
        launch.note_stragglers(&left);
        left.is_empty()
    }

    fn settle(&mut self, now: Instant) {
        if let Some(launch) = &mut self.launch {
            launch.phase = Phase::Settling {
                until: now + self.spec.drain,
            };
        }
        self.tick_settling(now);
    }

    fn tick_settling(&mut self, now: Instant) {
        let over = self.launch.as_ref().is_some_and(|launch| {
            matches!(launch.phase, Phase::Settling { until } if launch.pipes_closed() || now >= until)
        });
        if over {
            self.finish();
        }
    }

    fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.flush(stream);
        }
        let Some(mut launch) = self.launch.take() else {
            return;
        };
        let now = Instant::now();
        let survivors = if launch.child_ended {
            launch.process.survivors()
        } else {
            vec![Survivor {
                pid: launch.process.pid(),
                cmdline: self.spec.program.display().to_string(),
                found_by: "group",
            }]
        };
        let exit = launch.process.reap().unwrap_or(Exit {
            code: None,
            signal: None,
        });
        let temp_dir = launch.temp.as_ref().map(|temp| temp.path().to_owned());
        let (temp_left, temp_error) = match launch.temp.take() {
            None => (Vec::new(), None),
            Some(temp) => {
                let left = temp.contents();
                (left, temp.remove().err().map(|error| error.to_string()))
            }
        };
        let cleanup = Cleanup {
            stragglers: launch.stragglers,
            survivors,
            killed: launch.killed,
            temp_left,
            temp_error,
        };
        let reason = match launch.cause {
            Cause::Requested => None,
            Cause::ReadyTimeout => Some(Reason::ReadyTimeout {
                timeout_ms: u64::try_from(self.spec.ready_timeout.as_millis()).unwrap_or(u64::MAX),
            }),
            Cause::DuplicateReady => Some(Reason::DuplicateReady),
            Cause::Ended if launch.ready_at.is_some() => Some(Reason::DiedAfterReady { exit }),
            Cause::Ended => Some(Reason::ExitedBeforeReady { exit }),
        };
        let failure = reason.map(|reason| {
            failure(
                reason,
                &Evidence {
                    program: &self.spec.program,
                    config_key: &self.spec.config_key,
                    ready_token: &self.spec.ready_token,
                    stdout: &launch.stdout.tail.to_vec(),
                    stderr: &launch.stderr.tail.to_vec(),
                    unterminated: launch.stdout.unterminated.as_deref(),
                    temp_dir: temp_dir.as_deref(),
                },
            )
        });
        let ready_for = launch.ready_at.map(|at| now.duration_since(at));
        let stop_ms = launch.stop_asked_at.map(|at| ms_between(at, now));
        self.rest(failure, ready_for, |snapshot| {
            snapshot.exit = Some(exit);
            snapshot.stop_ms = stop_ms;
            snapshot.cleanup = Some(cleanup);
        });
    }

    fn spawn_failed(&mut self, error: &io::Error) {
        let path = self.spec.program.clone();
        let reason = match error.kind() {
            io::ErrorKind::NotFound => Reason::NotFound { path },
            io::ErrorKind::PermissionDenied => Reason::PermissionDenied { path },
            _ => Reason::SpawnIo {
                path,
                error: error.to_string(),
            },
        };
        let failure = failure(
            reason,
            &Evidence {
                program: &self.spec.program,
                config_key: &self.spec.config_key,
                ready_token: &self.spec.ready_token,
                stdout: &[],
                stderr: &[],
                unterminated: None,
                temp_dir: None,
            },
        );
        self.rest(Some(failure), None, |snapshot| {
            snapshot.cleanup = Some(Cleanup::default());
        });
    }

    /// No process of the launch is left: the final state, and what follows.
    fn rest(
        &mut self,
        failure: Option<Failure>,
        ready_for: Option<Duration>,
        facts: impl FnOnce(&mut Snapshot),
    ) {
        let now = Instant::now();
        let mut recovery = Recovery {
            crashes: self.backoff.crashes(),
            ..Recovery::default()
        };
        let follows = self.after_stop == AfterStop::Start && !self.closing;
        if let Some(failure) = &failure
            && !follows
            && !self.closing
        {
            match self.after_failure(&failure.reason, ready_for) {
                Decision::RestartAfter(_) if self.stop_wanted => {
                    recovery.left_because = Some("It was asked to stop.".to_owned());
                }
                Decision::RestartAfter(wait) => {
                    self.restart_at = Some(now + wait);
                    recovery.restart_at_ms = Some(self.ms(now + wait));
                }
                Decision::Leave(why) => recovery.left_because = Some(why),
            }
            recovery.crashes = self.backoff.crashes();
        }
        let since_ms = self.ms(now);
        self.change(|snapshot| {
            snapshot.state = match &failure {
                None => State::Exited,
                Some(failure) => State::Failed(failure.reason.clone()),
            };
            snapshot.since_ms = since_ms;
            snapshot.failure = failure;
            snapshot.recovery = recovery;
            facts(snapshot);
        });
        if follows {
            self.start_by_request();
        }
    }

    fn after_failure(&mut self, reason: &Reason, ready_for: Option<Duration>) -> Decision {
        match reason {
            Reason::NotFound { .. } | Reason::PermissionDenied { .. } | Reason::SpawnIo { .. } => {
                Decision::Leave(
                    "It is not restarted by itself: it could not be started at all.".to_owned(),
                )
            }
            _ => self.backoff.crashed(&self.spec.restart, ready_for),
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let snapshot = {
            let mut shared = self.shared.lock();
            change(&mut shared);
            shared.clone()
        };
        (self.observer)(Event::Changed(&snapshot));
        self.shared.changed.notify_all();
    }

    fn ms(&self, at: Instant) -> f64 {
        ms_between(self.origin, at)
    }
}

fn failure(reason: Reason, evidence: &Evidence<'_>) -> Failure {
    let report = diagnose(&reason, evidence);
    let text = report.to_string();
    Failure {
        reason,
        report,
        text,
    }
}

fn ms_between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}

fn read_pipe(
    mut source: impl Read,
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
