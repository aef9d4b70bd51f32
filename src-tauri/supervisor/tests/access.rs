//! What a launch hands over: a port, a secret, a folder.
#![cfg(unix)]

use sidecar_supervisor::{PORT_VARIABLE, Reason, TOKEN_VARIABLE};

#[path = "support/trial.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod trial;
use trial::{reason, spec, trial};

#[test]
fn each_launch_gets_a_secret_and_a_port_of_its_own_and_the_secret_is_written_nowhere() {
    let mut spec = spec(&[
        &format!("show-env:{TOKEN_VARIABLE}"),
        &format!("show-env:{PORT_VARIABLE}"),
        "err:last words",
        "out:READY\\n",
        "until-eof",
    ]);
    spec.token = true;
    spec.port = true;
    let trial = trial(spec);
    let mut seen = Vec::new();
    for number in 1..=2 {
        trial.supervisor.start();
        let now = trial.wait("ready");
        assert_eq!(now.launch, number);
        let launched = now.launched.clone().expect("launched");
        let token = launched.token.expect("drawn");
        let port = launched.free_port.expect("found");
        let said: Vec<String> = trial.lines().into_iter().map(|line| line.text).collect();
        assert!(
            said.contains(&format!("ENV {TOKEN_VARIABLE}=[token]")),
            "{said:?}"
        );
        assert!(
            said.contains(&format!("ENV {PORT_VARIABLE}={port}")),
            "{said:?}"
        );
        assert!(!format!("{now:?} {said:?}").contains(token.secret()));
        assert!(!seen.contains(&token));
        seen.push(token);
        trial.supervisor.stop();
        trial.wait("exited");
    }
}

#[test]
fn without_being_asked_for_there_is_neither() {
    let trial = trial(spec(&["out:READY\\n", "until-eof"]));
    trial.supervisor.start();
    let launched = trial.wait("ready").launched.expect("launched");
    assert_eq!((launched.token, launched.free_port), (None, None));
    assert!(launched.env.iter().all(|(name, _)| name != PORT_VARIABLE));
}

#[test]
fn it_starts_in_its_folder_and_one_that_is_not_there_is_named() {
    let mut spec = spec(&["out:READY\\n", "until-eof"]);
    let folder = std::env::temp_dir().canonicalize().expect("there");
    spec.program = "/bin/sh".into();
    spec.args = ["-c", "pwd; echo READY; cat"].map(str::to_owned).to_vec();
    spec.folder = Some(folder.clone());
    let here = trial(spec.clone());
    here.supervisor.start();
    here.wait("ready");
    assert_eq!(here.lines()[0].text, folder.display().to_string());

    spec.folder = Some(folder.join("not there"));
    let nowhere = trial(spec);
    nowhere.supervisor.start();
    match reason(&nowhere.wait("failed")) {
        Reason::SpawnIo { error, .. } => assert!(error.contains("not there"), "{error}"),
        other => panic!("{other:?}"),
    }
}
