//! What a supervisor says, as pages are told it.

use sidecar_supervisor::{LineKind, Reason, Snapshot};

use crate::models::{Failure, HealthAnswer, Status};

pub(super) fn kind_of(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Boot => "boot",
        LineKind::Ready => "ready",
        LineKind::Heartbeat => "heartbeat",
        LineKind::Shutdown => "shutdown",
        LineKind::Other => "other",
    }
}

/// What happened, in words for any page: where the program lies is nobody's business there.
fn without_paths(reason: &Reason) -> String {
    let how = match reason {
        Reason::NotFound { .. } => "its program is not there",
        Reason::PermissionDenied { .. } => "its program may not be executed",
        Reason::Blocked { .. } => "its program is blocked on this computer",
        Reason::SpawnIo { .. } => "the operating system refused it",
        other => return other.to_string(),
    };
    format!("The sidecar was not started: {how}.")
}

pub(super) fn status_of(
    name: &str,
    dev: bool,
    snapshot: &Snapshot,
    health: Option<HealthAnswer>,
) -> Status {
    let survivors = snapshot
        .cleanup
        .as_ref()
        .map_or(0, |cleanup| cleanup.survivors.len());
    Status {
        name: name.to_owned(),
        state: snapshot.state.name().to_owned(),
        launch: snapshot.launch,
        pid: snapshot.pid,
        ready_ms: snapshot.ready_ms,
        stop_ms: snapshot.stop_ms,
        failure: snapshot.failure.as_ref().map(|failure| Failure {
            kind: serde_json::to_value(&failure.reason)
                .ok()
                .and_then(|reason| Some(reason.get("kind")?.as_str()?.to_owned()))
                .unwrap_or_default(),
            what: without_paths(&failure.reason),
        }),
        crashes: snapshot.recovery.crashes,
        restarts: snapshot.recovery.restart_at_ms.is_some(),
        left_because: snapshot.recovery.left_because.clone(),
        survivors: u32::try_from(survivors).unwrap_or(u32::MAX),
        health,
        dev,
    }
}
