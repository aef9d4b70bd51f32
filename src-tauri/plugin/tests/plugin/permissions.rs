//! What a page may do with which permission; the permission files are the real ones.

use serde_json::{Value, json};
use tauri_plugin_sidecar_supervisor::{Access, SidecarSupervisorExt as _, Status};

use crate::support::{PATIENCE, call, greeter, page, try_app, until, with};

const ALL: [(&str, &str); 12] = [
    ("status", "default"),
    ("watch", "default"),
    ("unwatch", "default"),
    ("access", "default"),
    ("logs", "logs"),
    ("diagnostics", "logs"),
    ("report", "logs"),
    ("start", "control"),
    ("stop", "control"),
    ("restart", "control"),
    ("prepare_update", "update"),
    ("resume", "update"),
];

fn arguments() -> Value {
    json!({"name": "api", "onChange": "__CHANNEL__:1", "onLines": "__CHANNEL__:2", "since": 0,
           "id": 99})
}

fn is_allowed(result: Result<Value, Value>) -> bool {
    match result {
        Ok(_) => true,
        // Our own errors have a kind; a refusal is a text of Tauri's.
        Err(error) => error.get("kind").is_some(),
    }
}

#[test]
fn each_set_allows_its_commands_and_no_other() {
    for set in ["default", "logs", "control", "update"] {
        let sidecar = with(greeter(), json!({"autostart": false}));
        let permission = format!("sidecar-supervisor:{set}");
        let app = try_app(json!({"api": sidecar}), &[&permission]).expect("set up");
        let page = page(&app);
        for (command, belongs) in ALL {
            // Each line reader needs the end of what it began.
            let expected = set == belongs || (set == "logs" && command == "unwatch");
            let allowed = is_allowed(call(&page, command, arguments()));
            assert_eq!(allowed, expected, "{set}: {command}");
        }
    }
}

#[test]
fn a_page_without_any_permission_gets_nothing() {
    let app = try_app(json!({"api": greeter()}), &[]).expect("set up");
    let page = page(&app);
    for (command, _) in ALL {
        assert!(!is_allowed(call(&page, command, arguments())), "{command}");
    }
}

#[test]
fn a_page_gets_state_port_and_token_and_no_way_to_name_a_program() {
    let permissions = ["sidecar-supervisor:default", "sidecar-supervisor:control"];
    let app = try_app(json!({"api": greeter()}), &permissions).expect("set up");
    let page = page(&app);
    app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    let status: Status = call(&page, "status", json!({"name": "api"})).expect("allowed");
    assert_eq!(status.state, "ready");
    let access: Access = call(&page, "access", json!({"name": "api"})).expect("allowed");
    assert!(access.port.is_some() && access.token.is_some());
    let words = json!({"name": "api", "program": "/bin/true", "args": ["x"], "env": {"A": "b"}});
    call::<Value>(&page, "restart", words).expect("allowed");
    app.sidecars()
        .wait_ready("api", PATIENCE)
        .expect("the configured one");
    let found = app.sidecars().diagnostics("api").expect("known");
    assert!(found.program.ends_with("python3") && !found.args.contains(&"x".to_owned()));
    let error = call::<Value>(&page, "status", json!({"name": "other"})).expect_err("unknown");
    assert_eq!(error["kind"], "unknownSidecar");
    assert!(
        error["message"]
            .as_str()
            .expect("a text")
            .contains("it has api")
    );
}

#[test]
fn a_channel_of_a_page_reaches_it() {
    let app = try_app(json!({"api": greeter()}), &["sidecar-supervisor:default"]).expect("set up");
    let page = page(&app);
    let id: u32 = call(&page, "watch", json!({"onChange": "__CHANNEL__:7"})).expect("allowed");
    call::<Value>(&page, "unwatch", json!({"id": id})).expect("allowed");
    until("ready", || app.sidecars().access("api").is_ok());
}
