//! The names of variants, here and in the schema.

use std::collections::BTreeSet;

use serde_json::json;
use sidecar_supervisor::{LineKind, Reason, State, Stream};

use super::schema::schema;
use crate::scenario::Scenario;

/// Names the variants of an enum, and gives all names. A variant that is not named here does not
/// compile.
macro_rules! variants {
    ($name:ident, $names:ident: $type:ty { $($pattern:pat => $text:literal,)* }) => {
        pub(super) fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => $text,)*
            }
        }

        pub(super) const $names: &[&str] = &[$($text,)*];
    };
}

variants! { reason_name, REASONS: Reason {
    Reason::NotFound { .. } => "not_found",
    Reason::PermissionDenied { .. } => "permission_denied",
    Reason::Blocked { .. } => "blocked",
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
