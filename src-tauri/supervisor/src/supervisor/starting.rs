//! The start of a launch: its folder, its environment, its process.

use std::io;
use std::process::Command as ProcessCommand;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::actor::{Actor, AfterStop};
use super::ending::failure;
use super::launch::{Cause, Launch, Phase, Pipe};
use super::watching::{Watched, Watchers};
use crate::access::{PORT_VARIABLE, TOKEN_VARIABLE, Token};
use crate::diagnosis::Evidence;
use crate::http;
use crate::platform::{self, Process, Refusal};
use crate::port::{self, FREE_PORT};
use crate::reason::Reason;
use crate::spec::{EXIT_ON_EOF_VARIABLE, MARK_VARIABLE};
use crate::state::{Cleanup, Launched, Recovery, Snapshot, State};
use crate::temp::LaunchTemp;
use crate::url::LocalUrl;

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
        let mut launched = Launched {
            program: self.spec.program.clone(),
            args: self.spec.args.clone(),
            env: self.spec.env.clone(),
            temp_dir: None,
            free_port: None,
            token: None,
        };
        launched
            .env
            .push((EXIT_ON_EOF_VARIABLE.to_owned(), "1".to_owned()));
        if self.spec.port {
            let name = PORT_VARIABLE.to_owned();
            launched.env.push((name, FREE_PORT.to_owned()));
        }
        if self.spec.hands_a_port_over() {
            match port::find() {
                Ok(port) => launched.hand_over(port),
                Err(error) => {
                    self.enter_spawning(number, launched);
                    return self.not_started(Reason::NoFreePort {
                        error: error.to_string(),
                    });
                }
            }
        }
        let free_port = launched.free_port;
        match self.draw_token() {
            Ok(token) => launched.token = token,
            Err(why) => return self.not_prepared(number, launched, why),
        }
        let temp = match self.make_temp() {
            Ok(temp) => temp,
            Err(error) => {
                let why = format!("its temporary folder cannot be made: {error}");
                return self.not_prepared(number, launched, why);
            }
        };
        if let Some(temp) = &temp {
            for name in ["TMPDIR", "TEMP", "TMP"] {
                let path = temp.path().display().to_string();
                launched.env.push((name.to_owned(), path));
            }
            launched.temp_dir = Some(temp.path().to_owned());
        }
        let mut command = ProcessCommand::new(&self.spec.program);
        command
            .args(&launched.args)
            .envs(launched.env.iter().map(|(name, value)| (name, value)));
        if let Some(token) = &launched.token {
            command.env(TOKEN_VARIABLE, token.secret());
        }
        if let Some(folder) = &self.spec.folder {
            command.current_dir(folder);
        }
        let token = launched.token.clone();
        let mark = format!(
            "{}-{}-{:08x}",
            std::process::id(),
            LAUNCHES.fetch_add(1, Ordering::Relaxed) + 1,
            crate::temp::random()
        );
        self.enter_spawning(number, launched);
        match self.spawn(number, command, &mark, free_port) {
            Ok((started, process, watched)) => {
                self.spawned(number, started, process, watched, temp);
                if let Some(launch) = &mut self.launch {
                    launch.free_port = free_port;
                    launch.token = token;
                }
            }
            Err(reason) => {
                if let Some(temp) = temp {
                    // It is empty; if it cannot be removed now, the next sweep does it.
                    let _ = temp.remove();
                }
                self.not_started(reason);
            }
        }
    }

    fn spawn(
        &self,
        number: u64,
        command: ProcessCommand,
        mark: &str,
        free_port: Option<u16>,
    ) -> Result<(Instant, Process, Watched), Reason> {
        if let Some(folder) = &self.spec.folder
            && !folder.is_dir()
        {
            return Err(Reason::SpawnIo {
                path: self.spec.program.clone(),
                error: format!("its working folder {} is not there", folder.display()),
            });
        }
        let url = self.ready_url(free_port);
        if let Some(url) = &url
            && http::is_listened_at(url)
        {
            return Err(Reason::PortInUse {
                port: url.port(),
                url: url.as_str().to_owned(),
            });
        }
        let timeout = self.spec.ready_timeout;
        let watchers = Watchers::start(number, url, timeout, &self.sender).map_err(|error| {
            Reason::ThreadNotStarted {
                error: error.to_string(),
            }
        })?;
        let started = Instant::now();
        let (process, pipes) =
            platform::spawn(command, (MARK_VARIABLE, mark)).map_err(|error| {
                let path = self.spec.program.clone();
                match Refusal::of(&error) {
                    Refusal::NotFound => Reason::NotFound { path },
                    Refusal::NotPermitted => Reason::PermissionDenied { path },
                    Refusal::Blocked => Reason::Blocked {
                        path,
                        error: error.to_string(),
                    },
                    Refusal::Other => Reason::SpawnIo {
                        path,
                        error: error.to_string(),
                    },
                }
            })?;
        let watched = watchers.watch(&process, pipes);
        Ok((started, process, watched))
    }

    fn ready_url(&self, free_port: Option<u16>) -> Option<LocalUrl> {
        let template = self.spec.ready.url_template()?;
        // The template was checked, and so was that a port is handed over when it asks for one.
        template
            .fill(|_| free_port.map(|port| port.to_string()))
            .ok()
    }

    fn draw_token(&self) -> Result<Option<Token>, String> {
        let drawn = self.spec.token.then(Token::draw).transpose();
        drawn.map_err(|error| format!("no token can be drawn for it: {error}"))
    }

    fn make_temp(&self) -> io::Result<Option<LaunchTemp>> {
        self.spec
            .temp
            .as_ref()
            .map(|temp| LaunchTemp::create(&temp.root, &temp.prefix))
            .transpose()
    }

    fn enter_spawning(&mut self, number: u64, launched: Launched) {
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
        watched: Watched,
        temp: Option<LaunchTemp>,
    ) {
        let (pid, group) = (process.pid(), process.group());
        self.launch = Some(Launch {
            number,
            started,
            ready_at: None,
            process,
            stdin: Some(watched.stdin),
            stdout: Pipe::new(&self.spec, watched.stdout),
            stderr: Pipe::new(&self.spec, watched.stderr),
            asking: watched.asking,
            free_port: None,
            token: None,
            temp,
            phase: Phase::Waiting {
                deadline: started + self.spec.ready_timeout,
            },
            cause: Cause::Ended,
            child_ended: false,
            stop_asked_at: None,
            next_scan: started,
            killed: false,
            not_asked: None,
            stragglers: Vec::new(),
        });
        let since_ms = self.ms(Instant::now());
        self.change(|snapshot| {
            snapshot.state = State::WaitingReady;
            snapshot.since_ms = since_ms;
            snapshot.pid = Some(pid);
            snapshot.process_group = group;
        });
    }

    /// What has to be there before the process is cannot be had.
    fn not_prepared(&mut self, number: u64, launched: Launched, error: String) {
        self.enter_spawning(number, launched);
        let path = self.spec.program.clone();
        self.not_started(Reason::SpawnIo { path, error });
    }

    /// There is no process, and nothing to clear away.
    fn not_started(&mut self, reason: Reason) {
        let failure = failure(reason, &Evidence::of(&self.spec));
        self.rest(Some(failure), None, |snapshot| {
            snapshot.cleanup = Some(Cleanup::default());
        });
    }
}
