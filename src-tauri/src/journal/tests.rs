//! Journals of real launches against the schema that their readers go by.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sidecar_supervisor::{
    Event, LaunchSpec, LineKind, Ready, Reason, Report, RestartPolicy, State, Stream, Supervisor,
    TempSpec, UrlTemplate,
};

use super::*;
use crate::health::{self, Health};
use crate::scenario::Scenario;

const PATIENCE: Duration = Duration::from_secs(20);
const SCHEMA_TEXT: &str = include_str!("../../journal.schema.json");

/// Names the variants of an enum, and gives all names. A variant that is not named here does not
/// compile.
macro_rules! variants {
    ($name:ident, $names:ident: $type:ty { $($pattern:pat => $text:literal,)* }) => {
        fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => $text,)*
            }
        }

        const $names: &[&str] = &[$($text,)*];
    };
}

variants! { reason_name, REASONS: Reason {
    Reason::NotFound { .. } => "not_found",
    Reason::PermissionDenied { .. } => "permission_denied",
    Reason::SpawnIo { .. } => "spawn_io",
    Reason::ThreadNotStarted { .. } => "thread_not_started",
    Reason::NoFreePort { .. } => "no_free_port",
    Reason::PortInUse { .. } => "port_in_use",
    Reason::ExitedBeforeReady { .. } => "exited_before_ready",
    Reason::ReadyTimeout { .. } => "ready_timeout",
    Reason::DuplicateReady => "duplicate_ready",
    Reason::DiedAfterReady { .. } => "died_after_ready",
}}

variants! { state_name, STATES: State {
    State::Idle => "idle",
    State::Spawning => "spawning",
    State::WaitingReady => "waiting_ready",
    State::Ready => "ready",
    State::Stopping => "stopping",
    State::Exited => "exited",
    State::Failed(_) => "failed",
}}

variants! { kind_name, KINDS: LineKind {
    LineKind::Boot => "boot",
    LineKind::Ready => "ready",
    LineKind::Heartbeat => "heartbeat",
    LineKind::Shutdown => "shutdown",
    LineKind::Other => "other",
}}

variants! { stream_name, STREAMS: Stream {
    Stream::Stdout => "stdout",
    Stream::Stderr => "stderr",
}}

variants! { scenario_name, SCENARIOS: Scenario {
    Scenario::Ready => "ready",
    Scenario::Failure => "failure",
    Scenario::Restart => "restart",
    Scenario::Recover => "recover",
    Scenario::Shutdown => "shutdown",
    Scenario::Serve => "serve",
    Scenario::Cycles => "cycles",
}}

fn schema() -> Value {
    serde_json::from_str(SCHEMA_TEXT).expect("valid JSON")
}

/// Why a document is no journal, or nothing.
fn objection(document: &Value) -> Option<String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("journal.schema.json", schema())
        .expect("a schema");
    let index = compiler
        .compile("journal.schema.json", &mut schemas)
        .expect("a schema of draft 2020-12");
    schemas
        .validate(document, index)
        .err()
        .map(|error| format!("{error:#}"))
}

/// A shell as sidecar, with its journal.
struct Trial {
    supervisor: Supervisor,
    recorder: Arc<Mutex<Recorder>>,
}

fn shell(script: &str) -> LaunchSpec {
    LaunchSpec {
        args: vec!["-c".to_owned(), script.to_owned()],
        eof_grace: Duration::from_millis(50),
        stop_grace: Duration::from_millis(500),
        restart: RestartPolicy::never(),
        temp: Some(TempSpec {
            root: std::env::temp_dir(),
            prefix: "journal-test".to_owned(),
        }),
        ..LaunchSpec::new("/bin/sh")
    }
}

fn trial(spec: LaunchSpec) -> Trial {
    let recorder = Arc::new(Mutex::new(Recorder::default()));
    let sink = Arc::clone(&recorder);
    let supervisor = Supervisor::new(spec, move |event| {
        let mut recorder = sink.lock().expect("not poisoned");
        match event {
            Event::Changed(snapshot) => recorder.change(snapshot),
            Event::Line(line) => recorder.line(line),
        }
    })
    .expect("the thread starts");
    Trial {
        supervisor,
        recorder,
    }
}

impl Trial {
    fn start(spec: LaunchSpec) -> Self {
        let trial = trial(spec);
        trial.note("start");
        trial.supervisor.start();
        trial
    }

    fn note(&self, what: &str) {
        let mut recorder = self.recorder.lock().expect("not poisoned");
        recorder.note(what, self.supervisor.now_ms());
    }

    fn wait(&self, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        match self.supervisor.wait_for(PATIENCE, wanted) {
            Ok(snapshot) => snapshot,
            Err(snapshot) => panic!("{snapshot:#?}"),
        }
    }

    /// Ends it, and gives the journal as its readers see it.
    fn journal(self, scenario: Scenario, health: Option<Health>) -> Value {
        self.supervisor.shutdown();
        let recorder = std::mem::take(&mut *self.recorder.lock().expect("not poisoned"));
        written(scenario, recorder, health)
    }
}

/// A launch configuration with more keys, as the application understands it.
fn config(more: &Value) -> SidecarConfig {
    let mut text = json!({
        "schema": 1, "name": "sidecar-hello", "variant": "nuitka-onefile", "packager": "nuitka",
        "packager_version": "4.3.3", "args": ["--port", "{free_port}"], "env": {"TOKEN": "abc"},
    });
    for (key, value) in more.as_object().expect("an object") {
        text[key] = value.clone();
    }
    SidecarConfig::parse(&text.to_string()).expect("valid")
}

/// Writes a journal as the application does, and reads it again.
fn written(scenario: Scenario, recorder: Recorder, health: Option<Health>) -> Value {
    let mut journal = Journal {
        schema: SCHEMA,
        scenario: scenario.name(),
        cycles: 5,
        host: HostFacts {
            name: "sidecar-host",
            version: "0.1.0",
            triple: "x86_64-unknown-linux-gnu",
            profile: "debug",
            pid: std::process::id(),
            executable: std::env::current_exe().expect("known"),
            args: vec!["sidecar-host".to_owned()],
            resource_dir: None,
        },
        config_path: PathBuf::from("sidecar.json"),
        config: Some(config(&json!({}))),
        config_error: None,
        sidecar_path: Some(PathBuf::from("/bin/sh")),
        launches: Vec::new(),
        health,
        notes: Vec::new(),
    };
    journal.take(recorder);
    read_back(&journal)
}

fn read_back(journal: &Journal) -> Value {
    let folder = scratch("journal");
    let path = folder.join("journal.json");
    journal.write(&path).expect("written");
    let text = fs::read_to_string(&path).expect("readable");
    fs::remove_dir_all(folder).expect("removed");
    serde_json::from_str(&text).expect("valid JSON")
}

fn scratch(name: &str) -> PathBuf {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    let folder = std::env::temp_dir().join(format!("{name}-{}-{test}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn assert_valid(journal: &Value) {
    assert_eq!(objection(journal), None, "{journal:#}");
}

/// One failed launch: its journal is valid and names the reason.
fn assert_fails(spec: LaunchSpec, reason: &str) {
    let trial = Trial::start(spec);
    let end = trial.wait(|now| matches!(now.state, State::Failed(_)));
    assert_eq!(state_name(&end.state), "failed");
    assert_eq!(reason_name(&end.failure.expect("set").reason), reason);
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    assert_eq!(
        journal["launches"][0]["failure"]["reason"]["kind"], reason,
        "{journal:#}"
    );
}

#[test]
fn a_good_life_is_valid_with_its_health() {
    let trial = Trial::start(shell(
        "echo BOOT sidecar=sh; echo READY; echo HEARTBEAT n=1; echo warning >&2; read x; \
         echo SHUTDOWN reason=eof",
    ));
    trial.wait(|now| now.state == State::Ready);
    // Nobody answers there, and that is an answer of the journal too.
    let url = UrlTemplate::new("http://127.0.0.1:1/").expect("valid");
    let health = health::ask(&url, &std::collections::BTreeMap::new());
    trial.supervisor.stop();
    trial.wait(|now| now.state == State::Exited);
    let journal = trial.journal(Scenario::Ready, Some(health));
    assert_valid(&journal);
    let lines = journal["launches"][0]["lines"].as_array().expect("a list");
    let seen: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["kind"].as_str())
        .collect();
    assert_eq!(seen, KINDS.iter().copied().collect());
    assert!(journal["health"]["error"].is_string());
}

#[test]
fn an_answer_of_the_health_route_is_valid() {
    let health = Health {
        url: "http://127.0.0.1:4711/health".to_owned(),
        status: Some(200),
        body: Some("{}".to_owned()),
        error: None,
    };
    assert_valid(&written(Scenario::Ready, Recorder::default(), Some(health)));
}

#[test]
fn a_restart_and_a_recovery_are_valid() {
    let trial = Trial::start(shell("echo READY; exec cat"));
    trial.wait(|now| now.state == State::Ready);
    trial.supervisor.restart();
    trial.wait(|now| now.launch == 2 && now.state == State::Ready);
    let journal = trial.journal(Scenario::Restart, None);
    assert_valid(&journal);
    assert_eq!(journal["launches"].as_array().map(Vec::len), Some(2));

    let mut spec = shell("echo READY; exit 1");
    spec.restart = RestartPolicy {
        first_delay: Duration::from_millis(10),
        max_crashes: 2,
        ..RestartPolicy::default()
    };
    let trial = Trial::start(spec);
    trial.wait(|now| now.recovery.left_because.is_some());
    let journal = trial.journal(Scenario::Recover, None);
    assert_valid(&journal);
    assert_eq!(journal["launches"][1]["recovery"]["crashes"], 2);
}

#[test]
fn what_is_left_behind_is_valid() {
    // The child of the shell outlives it, and a file stays in the temporary folder.
    let trial = Trial::start(shell("sleep 600 & echo > $TMPDIR/left; echo READY; exit 3"));
    trial.wait(|now| matches!(now.state, State::Failed(_)));
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    let cleanup = &journal["launches"][0]["cleanup"];
    assert_eq!(cleanup["stragglers"].as_array().map(Vec::len), Some(1));
    assert_eq!(cleanup["temp_left"], json!(["left"]));
}

#[test]
fn every_failure_that_can_be_made_is_valid() {
    let folder = scratch("journal-failures");
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        path
    };
    let program = |path: &Path| LaunchSpec {
        program: path.to_owned(),
        ..shell("")
    };
    assert_fails(program(&folder.join("nowhere")), "not_found");
    assert_fails(
        program(&file("plain", "#!/bin/sh\n", 0o644)),
        "permission_denied",
    );
    assert_fails(program(&file("empty", "", 0o755)), "spawn_io");
    assert_fails(shell("echo bad >&2; exit 3"), "exited_before_ready");
    assert_fails(shell("kill -9 $$"), "exited_before_ready");
    assert_fails(
        LaunchSpec {
            ready_timeout: Duration::from_millis(200),
            ..shell("echo READY!; exec sleep 600")
        },
        "ready_timeout",
    );
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = held.local_addr().expect("known").port();
    let ready = Ready::url(&format!("http://127.0.0.1:{port}/"));
    assert_fails(
        LaunchSpec {
            ready: ready.expect("valid"),
            ..shell("exec sleep 600")
        },
        "port_in_use",
    );
    assert_fails(
        shell("echo READY; echo READY; exec sleep 600"),
        "duplicate_ready",
    );
    assert_fails(shell("echo READY; sleep 0.1"), "died_after_ready");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_the_system_refuses_is_valid() {
    // That it is refused for real is the matter of the supervisor's own tests.
    let error = || "Resource temporarily unavailable (os error 11)".to_owned();
    for reason in [
        Reason::ThreadNotStarted { error: error() },
        Reason::NoFreePort { error: error() },
    ] {
        let report = Report {
            what: reason.to_string(),
            causes: vec!["A limit is reached.".to_owned()],
            checks: vec![("threads of the host".to_owned(), "4000".to_owned())],
            stdout_tail: Vec::new(),
            stderr_tail: Vec::new(),
        };
        let mut recorder = Recorder::default();
        recorder.change(&Snapshot {
            state: State::Failed(reason.clone()),
            launch: 1,
            failure: Some(Failure {
                text: report.to_string(),
                reason,
                report,
            }),
            ..Snapshot::idle()
        });
        assert_valid(&written(Scenario::Failure, recorder, None));
    }
}

#[test]
fn every_way_to_say_ready_is_valid_and_no_two_at_once() {
    let journal = written(Scenario::Ready, Recorder::default(), None);
    let with = |config: Value| {
        let mut journal = journal.clone();
        journal["config"] = config;
        journal
    };
    for more in [
        json!({}),
        json!({"ready": "UP", "ready_stream": "either"}),
        json!({"ready_pattern": "port=[0-9]+", "ready_stream": "stderr"}),
        json!({"ready_url": "http://127.0.0.1:{free_port}/", "health": "http://127.0.0.1:{port}/"}),
    ] {
        let good = json!(config(&more));
        assert_valid(&with(good.clone()));
        for (key, value) in [
            ("ready", json!("UP")),
            ("ready_pattern", json!("port=")),
            ("ready_url", json!("http://127.0.0.1:1/")),
            ("ready_stream", json!("stdin")),
            ("ready_token", json!("UP")),
        ] {
            if good[key].is_null() || key == "ready_stream" {
                let mut bad = good.clone();
                bad[key] = value;
                assert!(objection(&with(bad)).is_some(), "{more} with {key}");
            }
        }
    }
}

#[test]
fn a_port_that_was_handed_over_is_in_the_journal() {
    let trial = Trial::start(shell("echo READY {free_port}; echo READY; exec cat"));
    let ready = trial.wait(|now| now.state == State::Ready);
    let port = ready.launched.and_then(|launched| launched.free_port);
    let journal = trial.journal(Scenario::Ready, None);
    assert_valid(&journal);
    let launch = &journal["launches"][0];
    assert_eq!(launch["launched"]["free_port"], json!(port.expect("set")));
    let line = &launch["lines"][0]["text"];
    assert_eq!(*line, json!(format!("READY {}", port.expect("set"))));
}

#[test]
fn a_configuration_that_cannot_be_used_is_valid() {
    let mut journal: Journal = Journal {
        schema: SCHEMA,
        scenario: Scenario::Ready.name(),
        cycles: 1,
        host: HostFacts {
            name: "sidecar-host",
            version: "0.1.0",
            triple: "x86_64-unknown-linux-gnu",
            profile: "release",
            pid: 1,
            executable: PathBuf::from("sidecar-host"),
            args: Vec::new(),
            resource_dir: Some(PathBuf::from("/usr/lib/sidecar-host")),
        },
        config_path: PathBuf::from("sidecar.json"),
        config: None,
        config_error: Some("there is no such file".to_owned()),
        sidecar_path: None,
        launches: Vec::new(),
        health: None,
        notes: Vec::new(),
    };
    assert_valid(&read_back(&journal));
    journal.scenario = "never";
    assert!(objection(&read_back(&journal)).is_some());
}

/// The names in an `enum`, or the `const` of each alternative's `kind`.
fn listed(pointer: &str) -> BTreeSet<String> {
    let schema = schema();
    let found = schema.pointer(pointer).expect(pointer);
    let names = found.as_array().expect("a list").iter();
    names
        .map(|name| name.pointer("/properties/kind/const").unwrap_or(name))
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn every_variant_has_its_name_in_the_schema_and_no_other() {
    for (pointer, names) in [
        ("/$defs/reason/oneOf", REASONS),
        ("/$defs/state/enum", STATES),
        ("/$defs/line/properties/kind/enum", KINDS),
        ("/$defs/line/properties/stream/enum", STREAMS),
        ("/properties/scenario/enum", SCENARIOS),
    ] {
        let expected = names.iter().map(ToString::to_string).collect();
        assert_eq!(listed(pointer), expected, "{pointer}");
    }
    // The names here are those that are written.
    for kind in [LineKind::Boot, LineKind::Ready, LineKind::Other] {
        assert_eq!(json!(kind), kind_name(&kind));
    }
    for stream in [Stream::Stdout, Stream::Stderr] {
        assert_eq!(json!(stream), stream_name(&stream));
    }
    for state in [State::Idle, State::WaitingReady, State::Exited] {
        assert_eq!(state.name(), state_name(&state));
    }
    for scenario in [Scenario::Ready, Scenario::Cycles] {
        assert_eq!(scenario.name(), scenario_name(&scenario));
    }
}

/// Every object in a value, with the way to it.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                objects(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn one_member_more_or_less_anywhere_is_refused() {
    let trial = Trial::start(shell("echo gone >&2; sleep 600 & exit 3"));
    trial.wait(|now| matches!(now.state, State::Failed(_)));
    let journal = trial.journal(Scenario::Failure, None);
    assert_valid(&journal);
    let mut found = Vec::new();
    objects(&journal, "", &mut found);
    // Only the sidecar's own environment has names that cannot be known.
    found.retain(|pointer| pointer != "/config/env");
    assert!(found.len() > 15, "{found:?}");
    for pointer in found {
        let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut document = journal.clone();
            let object = document
                .pointer_mut(&pointer)
                .and_then(Value::as_object_mut);
            change(object.expect("an object"));
            objection(&document)
        };
        let more = changed(&|object| {
            object.insert("more".to_owned(), json!(1));
        });
        assert!(more.is_some(), "{pointer}/more");
        let object = journal.pointer(&pointer).and_then(Value::as_object);
        for name in object.expect("an object").keys() {
            // Journals of hosts that handed no port over are read as well.
            if name == "free_port" {
                continue;
            }
            let less = changed(&|object| {
                object.remove(name);
            });
            assert!(less.is_some(), "{pointer} without {name}");
        }
    }
}
