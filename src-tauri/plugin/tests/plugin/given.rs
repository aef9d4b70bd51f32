//! An application that says itself what its sidecars are, and hears all that their supervisors say.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tauri::App;
use tauri::test::{MockRuntime, mock_builder, mock_context, noop_assets};
use tauri_plugin_sidecar_supervisor::sidecar_supervisor::{Event, State};
use tauri_plugin_sidecar_supervisor::{
    Builder, Config, Error, SidecarConfig, SidecarSupervisorExt as _, sweep,
};

use crate::support::{NAME, PATIENCE, until};

const IDENTIFIER: &str = "org.example.plugin-given";
const APPLICATION: &str = "plugin-given";

/// The name of a sidecar, with what happened to it: a state, or a line.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

fn shell(words: &str) -> SidecarConfig {
    SidecarConfig {
        args: vec!["-c".to_owned(), words.to_owned()],
        ..SidecarConfig::new("/bin/sh")
    }
}

/// An application with these sidecars, whatever its tauri.conf.json says.
fn app(sidecars: &[(&str, SidecarConfig)]) -> (tauri::Result<App<MockRuntime>>, Heard) {
    let heard = Heard::default();
    let hearing = Arc::clone(&heard);
    let sidecars = sidecars.iter().cloned();
    let given = Config {
        sidecars: sidecars
            .map(|(name, config)| (name.to_owned(), config))
            .collect(),
    };
    let plugin = Builder::new()
        .config(given)
        .observe(move |name, event| {
            let what = match event {
                Event::Changed(snapshot) => snapshot.state.name().to_owned(),
                Event::Line(line) => line.text.clone(),
            };
            hearing.lock().expect("whole").push((name.to_owned(), what));
        })
        .build();
    let mut context = mock_context(noop_assets());
    context.config_mut().identifier = IDENTIFIER.to_owned();
    let plugins = &mut context.config_mut().plugins.0;
    let other: Value = json!({"sidecars": {"other": {"program": "binaries/other"}}});
    plugins.insert(NAME.to_owned(), other);
    (mock_builder().plugin(plugin).build(context), heard)
}

#[test]
fn it_is_given_its_sidecars_and_tells_all_of_them() {
    let (app, heard) = app(&[
        ("one", shell("echo BOOT; echo READY; exec cat")),
        ("two", shell("echo gone >&2; exit 3")),
    ]);
    let app = app.expect("the plugin is set up");
    let all = app.sidecars();
    assert_eq!(all.names().collect::<Vec<_>>(), ["one", "two"]);
    all.wait_ready("one", PATIENCE).expect("ready");
    let one = all.supervisor("one").expect("known");
    assert_eq!(one.snapshot().state, State::Ready);
    all.stop("one").expect("stopped");
    let heard_of = |name: &str| -> Vec<String> {
        let heard = heard.lock().expect("whole");
        let of = heard.iter().filter(|(of, _)| of == name);
        of.map(|(_, what)| what.clone()).collect()
    };
    // Whether a line is told before the state that it makes is the supervisor's matter.
    let told: BTreeSet<String> = heard_of("one").into_iter().collect();
    let expected = [
        "spawning",
        "waiting_ready",
        "BOOT",
        "READY",
        "ready",
        "stopping",
        "exited",
    ];
    assert_eq!(told, expected.map(str::to_owned).into());
    until("the failure", || {
        heard_of("two").iter().any(|what| what == "failed")
    });
    assert!(heard_of("two").iter().any(|what| what == "gone"));
}

#[test]
fn lines_are_given_from_a_number_on_and_with_what_they_mean() {
    let (app, _) = app(&[(
        "one",
        shell("echo BOOT; echo READY; echo more >&2; exec cat"),
    )]);
    let app = app.expect("the plugin is set up");
    let all = app.sidecars();
    until("three lines", || {
        all.lines("one", 0).expect("known").len() == 3
    });
    let lines = all.lines("one", 0).expect("known");
    let mut kinds: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["boot", "other", "ready"]);
    assert_eq!(all.lines("one", 2).expect("known"), lines[2..]);
    assert!(all.lines("one", 3).expect("known").is_empty());
    let unknown = all.lines("nobody", 0).expect_err("unknown");
    assert!(matches!(unknown, Error::UnknownSidecar { .. }));
}

#[test]
fn what_is_wrong_in_it_is_not_looked_for_in_the_file() {
    let wrong = SidecarConfig {
        ready: Some("A".to_owned()),
        ready_url: Some("http://127.0.0.1:1/".to_owned()),
        ..shell("exit")
    };
    assert!(wrong.check().expect_err("two ways").contains("`readyUrl`"));
    let (app, _) = app(&[("one", wrong)]);
    let text = app.expect_err("refused").to_string();
    assert!(
        text.contains("sidecars.one in the application's own configuration has"),
        "{text}"
    );
    assert!(!text.contains("tauri.conf.json"), "{text}");
}

#[test]
fn what_a_dead_application_left_is_swept_without_one() {
    // The process id is beyond what the system gives, so its owner is gone.
    let left = std::env::temp_dir().join(format!("{APPLICATION}-swept-4999999-1-0000abcd"));
    std::fs::create_dir_all(&left).expect("made");
    assert_eq!(sweep(IDENTIFIER, "swept"), [left]);
    assert!(sweep(IDENTIFIER, "swept").is_empty());
}
