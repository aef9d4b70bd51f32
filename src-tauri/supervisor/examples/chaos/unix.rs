//! See `main.rs`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sidecar_supervisor::{
    Event, LaunchSpec, LineKind, RestartPolicy, Snapshot, State, Supervisor, TempSpec,
};

use self::shared::ReadyOptions;

#[path = "../shared/mod.rs"]
mod shared;

/// Finds what a chaos run has started, whatever parent or group it has by then.
const MARK: &str = "SIDECAR_CHAOS";
/// Longer than any stop may take: the graces of the launch are 8 s and 3 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// What has been sent SIGKILL may take a moment to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// A supervisor goes through so many lives at most before it is shut down for good.
const LIVES_PER_SUPERVISOR: u32 = 8;

const ACTIONS: [&str; 14] = [
    "stop",
    "kill",
    "restart",
    "start twice",
    "shutdown",
    "drop",
    "SIGTERM",
    "SIGINT",
    "SIGHUP",
    "SIGQUIT",
    "SIGKILL",
    "SIGKILL to the group",
    "SIGSTOP, then stop",
    "SIGSTOP, SIGCONT, then stop",
];

#[derive(Debug, Clone)]
struct Options {
    program: PathBuf,
    lifecycles: u32,
    seed: u64,
    parallel: u32,
    args: Vec<String>,
    env: Vec<(String, String)>,
    ready: ReadyOptions,
    /// A line tells that it is ready, and not a URL.
    by_line: bool,
}

/// The command line.
pub fn main() -> ExitCode {
    let options = match parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("chaos: {problem}");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let workers: Vec<_> = (0..options.parallel)
        .map(|number| {
            let (options, tally) = (options.clone(), Arc::clone(&tally));
            thread::spawn(move || Worker::new(number, options, tally).run())
        })
        .collect();
    let mut finished = true;
    for worker in workers {
        finished &= worker.join().is_ok();
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    for violation in &tally.violations {
        println!("violation: {violation}");
    }
    if !finished {
        println!("violation: a thread of the run panicked");
    }
    let actions: Vec<_> = tally
        .actions
        .iter()
        .map(|(name, count)| format!("\"{name}\": {count}"))
        .collect();
    println!(
        "{{\"lifecycles\": {}, \"launches\": {}, \"ready\": {}, \"restarts\": {}, \
         \"killed_by_supervisor\": {}, \"stragglers\": {}, \"violations\": {}, \
         \"elapsed_s\": {:.3}, \"actions\": {{{}}}}}",
        tally.lifecycles,
        tally.launches,
        tally.ready,
        tally.restarts,
        tally.killed,
        tally.stragglers,
        tally.violations.len() + usize::from(!finished),
        started.elapsed().as_secs_f64(),
        actions.join(", ")
    );
    ExitCode::from(u8::from(!tally.violations.is_empty() || !finished))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        program: PathBuf::new(),
        lifecycles: 1000,
        seed: 1,
        parallel: 4,
        args: Vec::new(),
        env: Vec::new(),
        ready: ReadyOptions::default(),
        by_line: true,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let number = || {
            value
                .parse::<u32>()
                .map_err(|_| format!("{name} needs a whole number, not {value:?}"))
        };
        match name.as_str() {
            "--program" => options.program = PathBuf::from(&value),
            "--lifecycles" => options.lifecycles = number()?,
            "--seed" => options.seed = u64::from(number()?),
            "--parallel" => options.parallel = number()?.max(1),
            "--arg" => options.args.push(value),
            "--env" => {
                let (name, value) = value
                    .split_once('=')
                    .ok_or(format!("--env needs NAME=VALUE, not {value:?}"))?;
                options.env.push((name.to_owned(), value.to_owned()));
            }
            _ if options.ready.take(&name, &value)? => options.by_line &= name != "--ready-url",
            _ => return Err(format!("there is no argument {name}")),
        }
    }
    if options.program.as_os_str().is_empty() {
        return Err("--program FILE is missing".to_owned());
    }
    options.program = options
        .program
        .canonicalize()
        .map_err(|error| format!("{}: {error}", options.program.display()))?;
    // What cannot be used is said before anything is launched.
    options.launch("", Path::new(""))?;
    Ok(options)
}

impl Options {
    /// One supervisor's launches.
    fn launch(&self, mark: &str, root: &Path) -> Result<LaunchSpec, String> {
        let mut spec = LaunchSpec::new(&self.program);
        spec.args.clone_from(&self.args);
        spec.env.clone_from(&self.env);
        spec.env.push((MARK.to_owned(), mark.to_owned()));
        spec.ready_timeout = Duration::from_secs(30);
        // As a host has it, but for the waits, which would make the run long and test nothing.
        spec.restart = RestartPolicy {
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_millis(40),
            ..RestartPolicy::default()
        };
        spec.temp = Some(TempSpec {
            root: root.to_owned(),
            prefix: "life".to_owned(),
        });
        self.ready.apply(&mut spec)?;
        Ok(spec)
    }
}

#[derive(Debug, Default)]
struct Tally {
    lifecycles: u32,
    launches: u64,
    ready: u64,
    restarts: u64,
    killed: u64,
    stragglers: usize,
    actions: BTreeMap<&'static str, u32>,
    violations: Vec<String>,
}

/// What the observer remembers of one supervisor.
#[derive(Debug, Default)]
struct Watch {
    /// A READY line is to be seen.
    by_line: bool,
    state: Option<State>,
    launch: u64,
    ready_lines: u32,
    ready_states: u32,
    ready_is_due: bool,
    launches: u64,
    ready: u64,
    killed: u64,
    stragglers: usize,
    violations: Vec<String>,
}

impl Watch {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Line(line) if line.kind == LineKind::Ready => {
                self.ready_lines += 1;
                self.ready_is_due |=
                    matches!(self.state, Some(State::WaitingReady)) && self.ready_lines == 1;
            }
            Event::Line(_) => {}
            Event::Changed(snapshot) => self.changed(snapshot),
        }
    }

    fn changed(&mut self, now: &Snapshot) {
        if now.launch != self.launch {
            self.launch = now.launch;
            self.launches += 1;
            (self.ready_lines, self.ready_states) = (0, 0);
        }
        let entered = self.state.as_ref().map(State::name) != Some(now.state.name());
        if entered {
            self.entered(now);
        }
        if !now.state.is_at_rest()
            && let Some(pid) = now.pid
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            // A child that has ended stays as a zombie until the state says that it is over.
            self.violation(format!(
                "the state is {}, but {pid} is gone",
                now.state.name()
            ));
        }
        self.state = Some(now.state.clone());
    }

    fn entered(&mut self, now: &Snapshot) {
        let before = self.state.as_ref().map_or("idle", State::name);
        let after = now.state.name();
        let lawful = match after {
            "spawning" => matches!(before, "idle" | "exited" | "failed"),
            "waiting_ready" => before == "spawning",
            "ready" => before == "waiting_ready",
            "stopping" => matches!(before, "waiting_ready" | "ready"),
            "exited" => before == "stopping",
            "failed" => matches!(before, "spawning" | "waiting_ready" | "ready" | "stopping"),
            _ => false,
        };
        if !lawful {
            self.violation(format!("{after} came after {before}"));
        }
        if after == "ready" {
            self.ready_states += 1;
            self.ready += 1;
            if self.by_line && self.ready_lines != 1 {
                self.violation(format!("ready after {} READY lines", self.ready_lines));
            }
            if self.ready_states != 1 {
                self.violation("ready twice in one launch".to_owned());
            }
        } else if self.ready_is_due {
            self.violation(format!("READY was missed: the state became {after}"));
        }
        self.ready_is_due = false;
        if now.state.is_at_rest() {
            self.at_rest(now);
        }
    }

    fn at_rest(&mut self, now: &Snapshot) {
        match &now.cleanup {
            None => self.violation("at rest without a cleanup".to_owned()),
            Some(cleanup) => {
                self.killed += u64::from(cleanup.killed);
                self.stragglers += cleanup.stragglers.len();
                for survivor in &cleanup.survivors {
                    self.violation(format!("survivor {} {}", survivor.pid, survivor.cmdline));
                }
                if let Some(error) = &cleanup.temp_error {
                    self.violation(format!("its folder is left: {error}"));
                }
            }
        }
    }

    fn violation(&mut self, text: String) {
        let launch = self.launch;
        self.violations.push(format!("launch {launch}: {text}"));
    }
}

struct Worker {
    number: u32,
    options: Options,
    random: fastrand::Rng,
    tally: Arc<Mutex<Tally>>,
    /// Launch to READY, as it was in the first life: random moments are spread over twice of it.
    span: Duration,
}

impl Worker {
    fn new(number: u32, options: Options, tally: Arc<Mutex<Tally>>) -> Self {
        let random = fastrand::Rng::with_seed(options.seed.wrapping_add(u64::from(number) << 32));
        Self {
            number,
            options,
            random,
            tally,
            span: Duration::from_millis(200),
        }
    }

    fn run(mut self) {
        let share = self.options.lifecycles / self.options.parallel
            + u32::from(self.number < self.options.lifecycles % self.options.parallel);
        let mut done = 0;
        let mut supervisors = 0;
        while done < share {
            supervisors += 1;
            let lives = self.random.u32(1..=LIVES_PER_SUPERVISOR).min(share - done);
            done += self.one_supervisor(supervisors, lives);
        }
    }

    /// Up to `lives` lives with one supervisor; gives how many there were.
    fn one_supervisor(&mut self, supervisors: u32, lives: u32) -> u32 {
        let mark = format!("{}-{}-{supervisors}", std::process::id(), self.number);
        let root = env::temp_dir().join(format!("chaos-{mark}"));
        if let Err(error) = fs::create_dir(&root) {
            self.violations([format!("{} cannot be made: {error}", root.display())]);
            return lives;
        }
        let watch = Arc::new(Mutex::new(Watch {
            by_line: self.options.by_line,
            ..Watch::default()
        }));
        let observed = Arc::clone(&watch);
        let spec = match self.options.launch(&mark, &root) {
            Ok(spec) => spec,
            Err(error) => {
                self.violations([format!("no launch: {error}")]);
                return lives;
            }
        };
        let made = Supervisor::new(spec, move |event| {
            observed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .event(&event);
        });
        let supervisor = match made {
            Ok(supervisor) => supervisor,
            Err(error) => {
                self.violations([format!("no supervisor: {error}")]);
                return lives;
            }
        };
        let mut done = 0;
        let mut supervisor = Some(supervisor);
        while done < lives
            && let Some(current) = supervisor.take()
        {
            done += 1;
            supervisor = self.one_life(current, &mark, &root);
        }
        drop(supervisor);
        self.nothing_left(&mark, &root);
        let seen = watch.lock().unwrap_or_else(PoisonError::into_inner);
        self.violations(seen.violations.iter().map(|text| format!("{mark}: {text}")));
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.launches += seen.launches;
        tally.ready += seen.ready;
        tally.killed += seen.killed;
        tally.stragglers += seen.stragglers;
        let _ = fs::remove_dir_all(&root);
        done
    }

    /// One life: a start, a random moment, a random action, and the rest; gives the supervisor
    /// back unless the action has ended it.
    fn one_life(&mut self, supervisor: Supervisor, mark: &str, root: &Path) -> Option<Supervisor> {
        let action = ACTIONS[self.random.usize(..ACTIONS.len())];
        {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.lifecycles += 1;
            *tally.actions.entry(action).or_default() += 1;
        }
        let before = supervisor.snapshot().launch;
        supervisor.start();
        if self.random.bool() {
            let ready = supervisor.wait_for(PATIENCE, |now| {
                now.launch > before && (now.state == State::Ready || gave_up(now))
            });
            match ready {
                Ok(now) if now.state == State::Ready => {
                    self.span = Duration::from_secs_f64(now.ready_ms.unwrap_or(200.0) / 1000.0);
                }
                Ok(_) | Err(_) => self.violations([format!("{mark}: it did not become ready")]),
            }
        }
        self.pause(2.0);
        let kept = self.act(action, supervisor, mark, before);
        if let Some(supervisor) = &kept
            && let Err(now) = supervisor.stop_and_wait(PATIENCE)
        {
            self.violations([format!("{mark}: no rest, still {}", now.state.name())]);
        }
        self.nothing_left(mark, root);
        kept
    }

    fn act(
        &mut self,
        action: &str,
        supervisor: Supervisor,
        mark: &str,
        before: u64,
    ) -> Option<Supervisor> {
        match action {
            "stop" => supervisor.stop(),
            "kill" => supervisor.kill(),
            "restart" => {
                let launch = supervisor.snapshot().launch.max(before);
                supervisor.restart();
                self.recovers(&supervisor, mark, launch);
            }
            "start twice" => supervisor.start(),
            "shutdown" => {
                let last = supervisor.shutdown();
                if !last.state.is_at_rest() {
                    self.violations([format!("{mark}: {} after shutdown", last.state.name())]);
                }
                return None;
            }
            "drop" => return None,
            "SIGTERM" => send(&supervisor, libc::SIGTERM, false),
            "SIGINT" => send(&supervisor, libc::SIGINT, false),
            "SIGHUP" => send(&supervisor, libc::SIGHUP, false),
            "SIGQUIT" => send(&supervisor, libc::SIGQUIT, false),
            "SIGKILL" | "SIGKILL to the group" => {
                let launch = supervisor.snapshot().launch;
                if send_kill(&supervisor, action != "SIGKILL") {
                    self.recovers(&supervisor, mark, launch);
                }
            }
            _ => {
                send(&supervisor, libc::SIGSTOP, false);
                self.pause(0.5);
                if action.contains("SIGCONT") {
                    send(&supervisor, libc::SIGCONT, false);
                    self.pause(0.5);
                } else {
                    // A suspended launcher cannot obey: the grace would be waited for in full.
                    supervisor.kill();
                }
            }
        }
        self.pause(0.5);
        Some(supervisor)
    }

    /// After a restart, or the crash of one that was ready, another launch becomes ready by itself.
    fn recovers(&self, supervisor: &Supervisor, mark: &str, launch: u64) {
        let again = supervisor.wait_for(PATIENCE, |now| {
            now.launch > launch && (now.state == State::Ready || gave_up(now))
        });
        match again {
            Ok(now) if now.state == State::Ready => {
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.restarts += 1;
            }
            Ok(now) => self.violations([format!(
                "{mark}: it was not started again: {}",
                now.recovery.left_because.unwrap_or_default()
            )]),
            Err(now) => self.violations([format!(
                "{mark}: not ready again, launch {} is {}",
                now.launch,
                now.state.name()
            )]),
        }
    }

    /// Waits for a random part of so many times the usual time to READY.
    fn pause(&mut self, spans: f64) {
        thread::sleep(self.span.mul_f64(self.random.f64() * spans));
    }

    fn nothing_left(&self, mark: &str, root: &Path) {
        let deadline = Instant::now() + GONE_WITHIN;
        loop {
            let left = carriers(mark);
            if left.is_empty() {
                break;
            }
            if Instant::now() > deadline {
                self.violations([format!("{mark}: at rest, but {left:?} live on")]);
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let files: Vec<_> = fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        if !files.is_empty() {
            self.violations([format!("{mark}: at rest, but {files:?} are left")]);
        }
    }

    fn violations(&self, texts: impl IntoIterator<Item = String>) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.violations.extend(texts);
    }
}

fn gave_up(now: &Snapshot) -> bool {
    now.launch > 0 && now.state.is_at_rest() && now.recovery.left_because.is_some()
}

/// Sends a signal to the process that the host holds, if there is one.
fn send(supervisor: &Supervisor, signal: i32, group: bool) {
    let now = supervisor.snapshot();
    if !now.state.is_at_rest()
        && let Some(pid) = now.pid
    {
        let pid = pid.cast_signed();
        // SAFETY: kill takes no pointers. The child is not reaped while the state says it runs,
        // so its id is not another's.
        unsafe { libc::kill(if group { -pid } else { pid }, signal) };
    }
}

/// SIGKILL; true when it hit one that was ready: what dies before READY, in its first launch, is
/// rightly left alone.
fn send_kill(supervisor: &Supervisor, group: bool) -> bool {
    let ready = supervisor.snapshot().state == State::Ready;
    send(supervisor, libc::SIGKILL, group);
    ready
}

/// Living processes that carry the mark.
fn carriers(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            // A zombie has no environment any more.
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == wanted.as_bytes())
            })
        })
        .collect()
}
