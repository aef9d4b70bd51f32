//! The application's own picture: what the window shows and what the journal keeps.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use sidecar_supervisor::{
    Console, Event, FREE_PORT_FIELD, LaunchSpec, LineKind, LogLine, Printer, RestartPolicy,
    Snapshot, State, Stream, Supervisor, TempSpec, UrlTemplate, fields, sweep,
};

use crate::config::{SidecarConfig, sidecar_path};
use crate::health::{self, Health};
use crate::journal::Recorder;

/// How many lines the window can ask for; older ones are counted and gone.
const LOG_LINES: usize = 1000;
/// The window shows so much of one line; the tails of a failure show more.
const LINE_CHARS: usize = 2000;
/// How many `key=value` pairs of the sidecar are kept for the health URL.
const MAX_FIELDS: usize = 100;
/// The window is told of changes so much later, bundled: a flood must not drown it. Nobody sees a
/// tenth of a second.
const NOTIFY_AFTER: Duration = Duration::from_millis(100);
/// A start is shown when it has ended or takes longer than this: drawing it competes with it for the
/// processor. Up to one second needs no sign of progress (Nielsen, Usability Engineering, 1993,
/// chapter 5).
const START_SHOWN_AFTER: Duration = Duration::from_secs(1);
/// A reader of this process's output that does not read is waited for so long, at the end.
const PRINT_BOUND: Duration = Duration::from_millis(200);
/// Tells the launcher of a folder build where the application's resources are.
const RESOURCE_DIR_VARIABLE: &str = "SIDECAR_RESOURCE_DIR";
/// The key that decides where the sidecar is; named in error texts.
const CONFIG_KEY: &str = "bundle.externalBin in src-tauri/tauri.conf.json";

/// One line as the window shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownLine {
    number: u64,
    at_ms: f64,
    stream: Stream,
    kind: LineKind,
    text: String,
}

/// Everything the window shows. `log` starts at the line that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Counts changes; the window uses it to tell old from new.
    pub revision: u64,
    /// Milliseconds on the clock that all times below are on.
    pub now_ms: f64,
    /// The host's version.
    pub host_version: &'static str,
    /// The launch configuration, when it could be read.
    pub config: Option<SidecarConfig>,
    /// Why there is no sidecar to launch, when that is so.
    pub config_error: Option<String>,
    /// The sidecar's program.
    pub program: Option<PathBuf>,
    /// The sidecar.
    pub sidecar: Option<Snapshot>,
    /// The answer of its health route.
    pub health: Option<Health>,
    /// Lines from the asked one on.
    pub log: Vec<ShownLine>,
    /// The number of the next line.
    pub next_line: u64,
}

#[derive(Default)]
struct Picture {
    revision: u64,
    closed: bool,
    snapshot: Option<Snapshot>,
    health: Option<Health>,
    fields: BTreeMap<String, String>,
    log: VecDeque<ShownLine>,
    next_line: u64,
    page_asked: bool,
    recorder: Option<Recorder>,
    /// The last launch whose start was told of, or waited for.
    start_told: u64,
}

impl Picture {
    fn is_untold_start(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| {
            snapshot.launch != self.start_told
                && matches!(snapshot.state, State::Spawning | State::WaitingReady)
        })
    }
}

struct Shared {
    picture: Mutex<Picture>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, change: impl FnOnce(&mut Picture)) {
        let mut picture = self.lock();
        change(&mut picture);
        picture.revision += 1;
        self.changed.notify_all();
    }

    /// Waits for what belongs to a change that has come, and gives the revision to tell of.
    fn bundle(&self) -> u64 {
        thread::sleep(NOTIFY_AFTER);
        let (mut picture, _) = self
            .changed
            .wait_timeout_while(self.lock(), START_SHOWN_AFTER - NOTIFY_AFTER, |picture| {
                picture.is_untold_start() && !picture.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        // A start that takes long is waited for once: what it prints from now on is shown as ever.
        picture.start_told = picture
            .snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.launch);
        picture.revision
    }
}

/// The sidecar, its log, and whoever wants to know.
pub struct Host {
    shared: Arc<Shared>,
    config_path: PathBuf,
    config: Result<SidecarConfig, String>,
    program: Option<PathBuf>,
    supervisor: Option<Supervisor>,
    console: Console,
}

/// What a host is made from.
pub struct Setup {
    /// The launch configuration's file.
    pub config_path: PathBuf,
    /// The application's resources.
    pub resource_dir: Option<PathBuf>,
    /// This program.
    pub own_path: PathBuf,
    /// Restart after a crash; a self-test switches it off where it would hide a failure.
    pub recover: bool,
    /// Keeps everything for the journal.
    pub recorder: Option<Recorder>,
    /// Where the log goes.
    pub console: Console,
    /// Print what the sidecar prints.
    pub follow: bool,
    /// Arguments for the sidecar, behind those of the launch configuration.
    pub sidecar_args: Vec<String>,
}

/// What observes the sidecar: the picture, and the terminal.
#[derive(Clone)]
struct Sink {
    shared: Arc<Shared>,
    printer: Printer,
    follow: bool,
    /// Who follows cannot see in what is printed that the sidecar is ready.
    tell_ready: bool,
}

impl Host {
    /// Reads the configuration and makes a supervisor for it. A configuration that cannot be used
    /// is shown in the window, like any other failure.
    #[must_use]
    pub fn new(mut setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            picture: Mutex::new(Picture {
                recorder: setup.recorder.take(),
                ..Picture::default()
            }),
            changed: Condvar::new(),
        });
        let mut config = SidecarConfig::read(&setup.config_path);
        let mut program = None;
        let mut supervisor = None;
        let printer = setup.console.printer();
        if let Ok(read) = &config {
            let sink = Sink {
                shared: Arc::clone(&shared),
                printer: printer.clone(),
                follow: setup.follow,
                tell_ready: setup.follow && !read.says_ready_on_stdout(),
            };
            match supervise(read, &setup, sink) {
                Ok((path, started)) => {
                    program = Some(path);
                    supervisor = Some(started);
                }
                Err(error) => config = Err(error),
            }
        }
        if let Err(error) = &config {
            printer.print(Stream::Stderr, format!("sidecar-host: {error}"));
        }
        Self {
            shared,
            config_path: setup.config_path,
            config,
            program,
            supervisor,
            console: setup.console,
        }
    }

    /// Where the launch configuration was looked for.
    #[must_use]
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// The launch configuration, or why there is none.
    ///
    /// # Errors
    /// The text that the window shows.
    pub fn config(&self) -> Result<&SidecarConfig, &String> {
        self.config.as_ref()
    }

    /// Where the sidecar's program is.
    #[must_use]
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The supervisor, unless the configuration cannot be used.
    #[must_use]
    pub fn supervisor(&self) -> Option<&Supervisor> {
        self.supervisor.as_ref()
    }

    /// What the window shows, with the log from line number `since`.
    #[must_use]
    pub fn view(&self, since: u64) -> View {
        let picture = self.shared.lock();
        View {
            revision: picture.revision,
            now_ms: self.supervisor.as_ref().map_or(0.0, Supervisor::now_ms),
            host_version: env!("CARGO_PKG_VERSION"),
            config: self.config.as_ref().ok().cloned(),
            config_error: self.config.as_ref().err().cloned(),
            program: self.program.clone(),
            sidecar: self.supervisor.as_ref().map(Supervisor::snapshot),
            health: picture.health.clone(),
            log: picture
                .log
                .iter()
                .filter(|line| line.number >= since)
                .cloned()
                .collect(),
            next_line: picture.next_line,
        }
    }

    /// Calls `notify` after changes, bundled, until it says that nobody listens any more.
    pub fn watch(&self, mut notify: impl FnMut(u64) -> bool + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        // The thread ends with its listener, with the host, or with the process.
        thread::spawn(move || {
            let mut known = None;
            loop {
                let picture = shared
                    .changed
                    .wait_while(shared.lock(), |picture| {
                        known == Some(picture.revision) && !picture.closed
                    })
                    .unwrap_or_else(PoisonError::into_inner);
                if picture.closed {
                    return;
                }
                drop(picture);
                let revision = shared.bundle();
                known = Some(revision);
                if !notify(revision) {
                    return;
                }
            }
        });
    }

    /// Notes that the page has loaded and asks for the picture.
    pub fn page_asked(&self) {
        self.shared.touch(|picture| picture.page_asked = true);
    }

    /// Waits until the page has asked for the picture; false when it did not within `patience`.
    #[must_use]
    pub fn wait_for_page(&self, patience: Duration) -> bool {
        let (picture, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), patience, |picture| !picture.page_asked)
            .unwrap_or_else(PoisonError::into_inner);
        picture.page_asked
    }

    /// Writes down what was asked of the host, for the journal.
    pub fn note(&self, what: &str) {
        let at_ms = self.supervisor.as_ref().map_or(0.0, Supervisor::now_ms);
        if let Some(recorder) = &mut self.shared.lock().recorder {
            recorder.note(what, at_ms);
        }
    }

    /// The health answer that is known, for the journal.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        self.shared.lock().health.clone()
    }

    /// Ends the sidecar for good and waits for that, with a bound. True when it had been ready and
    /// nothing of it is left.
    pub fn shutdown(&self) -> bool {
        let mut well = false;
        if let Some(supervisor) = &self.supervisor {
            let last = supervisor.shutdown();
            let printer = self.console.printer();
            for survivor in last.cleanup.iter().flat_map(|cleanup| &cleanup.survivors) {
                let text = format!(
                    "sidecar-host: process {} of the sidecar could not be ended: {}",
                    survivor.pid, survivor.cmdline
                );
                printer.print(Stream::Stderr, text);
            }
            well = last.ready_ms.is_some()
                && last.cleanup.is_some_and(|cleanup| {
                    cleanup.survivors.is_empty() && cleanup.temp_error.is_none()
                });
        }
        self.console.flush(PRINT_BOUND);
        let mut picture = self.shared.lock();
        picture.closed = true;
        self.shared.changed.notify_all();
        well
    }

    /// Takes the recorder out, when everything is over.
    #[must_use]
    pub fn take_recorder(&self) -> Option<Recorder> {
        self.shared.lock().recorder.take()
    }
}

/// The folder under the temporary one that each launch gets for its own.
fn temp_spec(config: &SidecarConfig) -> TempSpec {
    TempSpec {
        root: std::env::temp_dir(),
        prefix: config.name.clone(),
    }
}

/// Removes what hosts that are gone left in the temporary folder, and says so.
///
/// # Errors
/// Why the launch configuration cannot be used.
pub fn sweep_only(config_path: &Path) -> Result<(), String> {
    let temp = temp_spec(&SidecarConfig::read(config_path)?);
    println!("removed {}", sweep(&temp.root, &temp.prefix).len());
    Ok(())
}

fn supervise(
    config: &SidecarConfig,
    setup: &Setup,
    sink: Sink,
) -> Result<(PathBuf, Supervisor), String> {
    let program = sidecar_path(&config.name, &setup.own_path)?;
    let temp = temp_spec(config);
    for folder in sweep(&temp.root, &temp.prefix) {
        let text = format!(
            "sidecar-host: removed {}, left by a host that is gone",
            folder.display()
        );
        sink.printer.print(Stream::Stderr, text);
    }
    let mut env: Vec<(String, String)> = config.env.clone().into_iter().collect();
    if let Some(folder) = &setup.resource_dir {
        env.push((
            RESOURCE_DIR_VARIABLE.to_owned(),
            folder.display().to_string(),
        ));
    }
    let spec = LaunchSpec {
        config_key: CONFIG_KEY.to_owned(),
        args: [&config.args[..], &setup.sidecar_args].concat(),
        env,
        ready: config.ready()?,
        ready_timeout: config.ready_timeout(),
        restart: if setup.recover {
            RestartPolicy::default()
        } else {
            RestartPolicy::never()
        },
        temp: Some(temp),
        ..LaunchSpec::new(program.clone())
    };
    let health = config.health()?;
    let observer = move |event: Event<'_>| match event {
        Event::Line(line) => on_line(&sink, line),
        Event::Changed(snapshot) => on_change(&sink, snapshot, health.as_ref()),
    };
    let supervisor = Supervisor::new(spec, observer)
        .map_err(|error| format!("The supervising thread cannot be started: {error}."))?;
    Ok((program, supervisor))
}

fn on_line(sink: &Sink, line: &LogLine) {
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

fn on_change(sink: &Sink, snapshot: &Snapshot, health: Option<&UrlTemplate>) {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};
    use std::thread;
    use std::time::Instant;

    use sidecar_supervisor::{Snapshot, State};

    use super::{NOTIFY_AFTER, Picture, START_SHOWN_AFTER, Shared};

    fn shared(state: State) -> Shared {
        let snapshot = Snapshot {
            state,
            launch: 1,
            ..Snapshot::idle()
        };
        Shared {
            picture: Mutex::new(Picture {
                snapshot: Some(snapshot),
                ..Picture::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn set(shared: &Shared, state: State) {
        shared.touch(|picture| {
            if let Some(snapshot) = &mut picture.snapshot {
                snapshot.state = state;
            }
        });
    }

    #[test]
    fn a_change_is_told_of_after_the_bundling_time() {
        let begun = Instant::now();
        assert_eq!(shared(State::Stopping).bundle(), 0);
        assert!(begun.elapsed() >= NOTIFY_AFTER);
        assert!(begun.elapsed() < START_SHOWN_AFTER);
    }

    #[test]
    fn a_start_is_told_of_when_it_has_ended() {
        let shared = Arc::new(shared(State::WaitingReady));
        let begun = Instant::now();
        let other = Arc::clone(&shared);
        let sidecar = thread::spawn(move || {
            thread::sleep(NOTIFY_AFTER * 2);
            set(&other, State::Ready);
        });
        assert_eq!(shared.bundle(), 1);
        assert!(begun.elapsed() >= NOTIFY_AFTER * 2);
        assert!(begun.elapsed() < START_SHOWN_AFTER);
        assert!(sidecar.join().is_ok());
    }

    #[test]
    fn a_start_that_takes_long_is_told_of_while_it_lasts_and_waited_for_once() {
        let shared = shared(State::Spawning);
        let begun = Instant::now();
        shared.bundle();
        assert!(begun.elapsed() >= START_SHOWN_AFTER);
        let told = Instant::now();
        set(&shared, State::WaitingReady);
        assert_eq!(shared.bundle(), 1);
        assert!(told.elapsed() < START_SHOWN_AFTER);
    }
}
