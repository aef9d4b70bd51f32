//! Whole lives of real sidecars in an application without a window.

use std::time::Duration;

use serde_json::json;
use tauri_plugin_sidecar_supervisor::{
    CHANGED_EVENT, Error, LogBatch, SidecarSupervisorExt as _, Status,
};

use crate::support::{
    PATIENCE, app, channel, folder, get, greeter, hello, lives, shell, until, with,
};

#[test]
fn a_sidecar_starts_with_the_application_and_ends_with_it() {
    let app = app(json!({"hello": hello()}));
    app.sidecars().wait_ready("hello", PATIENCE).expect("ready");
    let status = app.sidecars().status("hello").expect("known");
    assert_eq!(
        (status.state.as_str(), status.launch, status.dev),
        ("ready", 1, true)
    );
    let pid = status.pid.expect("it runs");
    assert!(lives(pid));
    // The mock runtime ends as the real one does: its last window is closed, then comes Exit.
    let page = crate::support::page(&app);
    std::thread::spawn(move || page.close());
    app.run(|_, _| {});
    assert!(!lives(pid));
}

#[test]
fn two_named_sidecars_live_side_by_side() {
    let second = with(greeter(), json!({"autostart": false}));
    let app = app(json!({"hello": hello(), "second": second}));
    let sidecars = app.sidecars();
    assert_eq!(sidecars.names().collect::<Vec<_>>(), ["hello", "second"]);
    sidecars.wait_ready("hello", PATIENCE).expect("ready");
    assert_eq!(sidecars.status("second").expect("known").state, "idle");
    sidecars.start("second").expect("started");
    sidecars.wait_ready("second", PATIENCE).expect("ready");
    let stopped = sidecars.stop("hello").expect("stopped");
    assert_eq!((stopped.state.as_str(), stopped.survivors), ("exited", 0));
    assert_eq!(sidecars.status("second").expect("known").state, "ready");
    match sidecars.start("third") {
        Err(Error::UnknownSidecar { known, .. }) => assert_eq!(known, "it has hello, second"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_who_has_the_token_of_this_launch_is_answered() {
    for more in [json!({}), json!({"port": true})] {
        let app = app(json!({"api": with(greeter(), more)}));
        let sidecars = app.sidecars();
        let first = sidecars.wait_ready("api", PATIENCE).expect("ready");
        let (port, token) = (
            first.port.expect("said"),
            first.token.clone().expect("drawn"),
        );
        assert_eq!(first.url, Some(format!("http://127.0.0.1:{port}")));
        assert_eq!(get(port, ""), 401);
        assert_eq!(
            get(port, &format!("Authorization: Bearer {token}\r\n")),
            200
        );
        sidecars.restart("api").expect("restarted");
        let second = sidecars.wait_ready("api", PATIENCE).expect("ready");
        assert_eq!(second.launch, 2);
        let old = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(get(second.port.expect("said"), &old), 401);
        // Nothing that is written down or shown has it.
        let token = second.token.clone().expect("drawn");
        let told = serde_json::to_string(&sidecars.diagnostics("api").expect("known"));
        assert!(!told.expect("JSON").contains(&token));
        let report = sidecars.report("api").expect("known");
        assert!(!report.contains(&token), "{report}");
        for part in [
            "tauri-plugin-sidecar-supervisor: ",
            "Configuration:",
            "State: ready",
            "Processes of the application:",
            "The end of the log:",
        ] {
            assert!(report.contains(part), "{part}: {report}");
        }
        assert!(!format!("{second:?}").contains(&second.token.expect("drawn")));
    }
}

#[test]
fn a_report_of_what_never_ran_has_no_secret_of_the_configuration() {
    let variables =
        json!({"autostart": false, "env": {"SHOP_PASSWORD": "hunter2", "SHOP": "open"}});
    let app = app(json!({"hello": with(hello(), variables)}));
    let report = app.sidecars().report("hello").expect("known");
    assert!(
        report.contains("SHOP_PASSWORD") && report.contains("open"),
        "{report}"
    );
    assert!(!report.contains("hunter2"), "{report}");
    assert!(app.sidecars().report("other").is_err());
}

#[test]
fn who_watches_sees_the_state_of_now_and_every_change_in_order() {
    let app = app(json!({"hello": with(hello(), json!({"autostart": false}))}));
    let (sender, receiver) = channel::<Status>();
    let id = app.sidecars().watch("main", sender).expect("watched");
    app.sidecars().start("hello").expect("started");
    app.sidecars().wait_ready("hello", PATIENCE).expect("ready");
    app.sidecars().stop("hello").expect("stopped");
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("exited") {
        let status = receiver.recv_timeout(PATIENCE).expect("told");
        seen.push(status.state);
        seen.dedup();
    }
    let states = [
        "idle",
        "spawning",
        "waiting_ready",
        "ready",
        "stopping",
        "exited",
    ];
    assert_eq!(seen, states);
    app.sidecars().unwatch(id);
    app.sidecars().start("hello").expect("started");
    app.sidecars().wait_ready("hello", PATIENCE).expect("ready");
    assert!(receiver.recv_timeout(Duration::from_millis(200)).is_err());
}

#[test]
fn other_parts_of_the_application_hear_the_event() {
    use tauri::Listener as _;
    let app = app(json!({"hello": with(hello(), json!({"autostart": false}))}));
    let (sender, receiver) = std::sync::mpsc::channel();
    app.listen(CHANGED_EVENT, move |event| {
        let status: Status = serde_json::from_str(event.payload()).expect("a status");
        let _ = sender.send(status.state);
    });
    app.sidecars().start("hello").expect("started");
    let heard = || receiver.recv_timeout(PATIENCE).expect("told");
    while heard() != "ready" {}
}

#[test]
fn lines_come_from_the_first_on_however_late_one_asks_and_a_flood_is_counted() {
    let app = app(json!({"talker": shell("seq 1 5000; echo READY; cat")}));
    app.sidecars()
        .wait_ready("talker", PATIENCE)
        .expect("ready");
    let (sender, receiver) = channel::<LogBatch>();
    app.sidecars()
        .logs("main", "talker", 0, sender)
        .expect("followed");
    let (mut skipped, mut lines) = (0, Vec::new());
    while lines.last().map(String::as_str) != Some("READY") {
        let batch = receiver.recv_timeout(PATIENCE).expect("told");
        skipped += batch.skipped;
        lines.extend(batch.lines.into_iter().map(|line| line.text));
    }
    assert_eq!(skipped + lines.len() as u64, 5001);
    assert!((900..=1000).contains(&lines.len()), "{}", lines.len());
}

#[test]
fn a_failure_is_told_in_a_sentence_and_at_length() {
    let app = app(json!({"broken": shell("echo 'no module named x' >&2; exit 3")}));
    let error = app
        .sidecars()
        .wait_ready("broken", PATIENCE)
        .expect_err("it failed");
    assert_eq!(
        error.to_string(),
        "The sidecar \"broken\" is not ready but failed."
    );
    let found = app.sidecars().diagnostics("broken").expect("known");
    let failure = found.status.failure.expect("it failed");
    assert_eq!(failure.kind, "exited_before_ready");
    assert!(failure.what.contains("exit code 3"), "{}", failure.what);
    assert!(
        found
            .text
            .expect("a diagnosis")
            .contains("no module named x")
    );
    assert!(found.status.left_because.is_some());
    assert!(
        found
            .lines
            .iter()
            .any(|line| line.text == "no module named x")
    );
}

#[test]
fn what_crashed_after_ready_is_started_again() {
    let restart = json!({"restart": {"firstDelayMs": 20}});
    let app = app(json!({"hello": with(hello(), restart)}));
    app.sidecars().wait_ready("hello", PATIENCE).expect("ready");
    let pid = app
        .sidecars()
        .status("hello")
        .expect("known")
        .pid
        .expect("it runs");
    // SAFETY: plain integers; the process is our child's and not reaped yet.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
    until("the second launch", || {
        let status = app.sidecars().status("hello").expect("known");
        status.launch == 2 && status.state == "ready"
    });
}

#[test]
fn a_health_url_is_asked_with_the_token() {
    let health = json!({"health": "http://127.0.0.1:{port}/health"});
    let app = app(json!({"api": with(greeter(), health)}));
    app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    let health = || app.sidecars().status("api").expect("known").health;
    until("the answer", || health().is_some());
    let answer = health().expect("asked");
    assert_eq!(answer.status, Some(200), "{answer:?}");
    assert!(answer.body.expect("a body").contains("sidecar-contract"));
}

#[test]
fn a_configuration_that_contradicts_itself_ends_the_start_of_the_application() {
    for (sidecar, part) in [
        (
            json!({"program": "p", "readyTimeoutMs": 0}),
            ".sidecars.api",
        ),
        (json!({"program": "p", "helth": "x"}), "helth"),
        (
            json!({"program": "p", "dev": {"venv": "/nowhere/.venv"}}),
            "python3 -m venv",
        ),
    ] {
        let error = crate::support::try_app(json!({"api": sidecar}), &[]).expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_placeholder_is_named_and_not_started() {
    let folder = folder("placeholder");
    let path = folder.join("api");
    std::fs::write(&path, "#!/bin/sh\n# sidecar placeholder\n").expect("written");
    let app = app(json!({"api": {"program": path, "autostart": false}}));
    match app.sidecars().start("api") {
        Err(Error::Placeholder { name, .. }) => assert_eq!(name, "api"),
        other => panic!("{other:?}"),
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_placeholder_is_not_started_with_the_application_either_and_pages_hear_why() {
    let folder = folder("placeholder-autostart");
    let path = folder.join("api");
    std::fs::write(&path, "#!/bin/sh\n# sidecar placeholder\n").expect("written");
    let app = app(json!({"api": {"program": path}}));
    let status = app.sidecars().status("api").expect("known");
    let failure = status.failure.expect("it cannot be started");
    assert_eq!(
        (status.state.as_str(), status.launch, failure.kind.as_str()),
        ("failed", 0, "placeholder")
    );
    assert!(!failure.what.contains("placeholder-autostart"));
    match app.sidecars().wait_ready("api", PATIENCE) {
        Err(Error::Placeholder { name, .. }) => assert_eq!(name, "api"),
        other => panic!("{other:?}"),
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn no_page_hears_where_a_program_lies_that_is_not_there() {
    let app = app(json!({"api": {"program": "/home/ada/gone/api"}}));
    until("the failure", || {
        app.sidecars().status("api").expect("known").state == "failed"
    });
    let failure = app.sidecars().status("api").expect("known").failure;
    let failure = failure.expect("it failed");
    assert_eq!(failure.kind, "not_found");
    assert!(!failure.what.contains("ada"), "{}", failure.what);
    let text = app.sidecars().diagnostics("api").expect("known").text;
    assert!(text.expect("a diagnosis").contains("/home/ada/gone/api"));
}

#[test]
fn the_token_goes_to_no_port_that_a_sidecar_only_speaks_of() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let foreign = listener.local_addr().expect("known").port();
    let words = format!("echo 'database port={foreign}'; echo READY; sleep 30");
    let health = json!({"port": true, "health": "http://127.0.0.1:{port}/health"});
    let app = app(json!({"api": with(shell(&words), health)}));
    let access = app.sidecars().wait_ready("api", PATIENCE).expect("ready");
    let health = || app.sidecars().status("api").expect("known").health;
    until("the answer", || health().is_some());
    let own = access.port.expect("handed over");
    assert_eq!(
        health().expect("asked").url,
        format!("http://127.0.0.1:{own}/health")
    );
    listener.set_nonblocking(true).expect("set");
    assert!(listener.accept().is_err(), "nobody came");
}

#[test]
fn an_application_that_starts_itself_anew_has_ended_its_sidecars_before() {
    let app = app(json!({"hello": hello()}));
    app.sidecars().wait_ready("hello", PATIENCE).expect("ready");
    // What AppHandle::restart does first, and all that it does, on the main thread.
    app.handle().cleanup_before_exit();
    assert_eq!(
        app.sidecars().status("hello").expect("known").state,
        "exited"
    );
}

#[test]
fn whoever_is_told_may_ask_meanwhile() {
    let app = app(json!({"hello": hello()}));
    let (asker, (told, heard)) = (app.handle().clone(), std::sync::mpsc::channel());
    let channel = tauri::ipc::Channel::new(move |_| {
        let status = asker.sidecars().status("hello").expect("known");
        let _ = told.send(status.name);
        Ok(())
    });
    app.sidecars().watch("none", channel).expect("watched");
    assert_eq!(heard.recv_timeout(PATIENCE).as_deref(), Ok("hello"));
}

#[test]
fn who_waits_for_ready_does_not_take_an_end_before_a_restart_for_that_of_all() {
    let words = "if [ -e \"$SIDECAR_TEST_MARK\" ]; then echo READY; sleep 30; \
                 else trap '' TERM; touch \"$SIDECAR_TEST_MARK\"; sleep 30; fi";
    let mark = folder("restart").join("mark");
    let slow = json!({"readyTimeoutMs": 300, "env": {"SIDECAR_TEST_MARK": &mark}});
    let app = app(json!({"api": with(shell(words), slow)}));
    until("the deadline", || {
        app.sidecars().status("api").expect("known").state == "stopping"
    });
    app.sidecars().restart("api").expect("asked");
    app.sidecars()
        .wait_ready("api", PATIENCE)
        .expect("ready at the second launch");
}
