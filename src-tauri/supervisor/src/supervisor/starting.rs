//! The start of a launch: its folder, its environment, its process, and the threads that watch it.

use std::io::{self, Read};
use std::process::Command as ProcessCommand;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::actor::{Actor, AfterStop};
use super::ending::failure;
use super::launch::{Cause, Launch, Phase, Pipe};
use super::message::Message;
use super::reading::read_pipe;
use crate::diagnosis::Evidence;
use crate::lines::LineSplitter;
use crate::platform::{self, Pipes, Process};
use crate::protocol::Stream;
use crate::reason::Reason;
use crate::spec::{EXIT_ON_EOF_VARIABLE, MARK_VARIABLE};
use crate::state::{Cleanup, Launched, Recovery, Snapshot, State};
use crate::tail::Tail;
use crate::temp::LaunchTemp;

/// The size of one read. Each pipe has two of these and never more: a flood waits in the pipe.
const READ_BYTES: usize = 64 * 1024;
const BUFFERS_PER_PIPE: usize = 2;

static LAUNCHES: AtomicU64 = AtomicU64::new(0);

impl Actor {
    pub(super) fn start_by_request(&mut self) {
        self.backoff.reset();
        self.restart_at = None;
        self.start();
    }

    pub(super) fn start(&mut self) {
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
}
