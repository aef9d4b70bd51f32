//! The sidecar's protocol: one ASCII line each, flushed.

use serde::Serialize;

/// Which pipe a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output: the protocol's stream.
    Stdout,
    /// Standard error: no protocol, but what tells that it is ready may be looked for here.
    Stderr,
}

/// What a line means to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// `BOOT sidecar=… version=…`: the program runs.
    Boot,
    /// The line that tells that the sidecar is ready.
    Ready,
    /// `HEARTBEAT …`: it is alive.
    Heartbeat,
    /// `SHUTDOWN reason=…`: it is going.
    Shutdown,
    /// Anything else.
    Other,
}

/// Names the kind of a line. `is_ready` is the verdict on the raw bytes.
#[must_use]
pub fn kind_of(stream: Stream, text: &str, is_ready: bool) -> LineKind {
    if is_ready {
        return LineKind::Ready;
    }
    if stream == Stream::Stderr {
        return LineKind::Other;
    }
    match text.split(' ').next() {
        Some("BOOT") => LineKind::Boot,
        Some("HEARTBEAT") => LineKind::Heartbeat,
        Some("SHUTDOWN") => LineKind::Shutdown,
        _ => LineKind::Other,
    }
}

/// The `key=value` fields of a line such as `LISTEN port=4711`.
pub fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_ascii_whitespace().filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        (!key.is_empty() && !value.is_empty()).then_some((key, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_never_protocol() {
        assert_eq!(kind_of(Stream::Stderr, "BOOT x=1", false), LineKind::Other);
        assert_eq!(kind_of(Stream::Stdout, "BOOT x=1", false), LineKind::Boot);
        assert_eq!(kind_of(Stream::Stdout, "BOOTING", false), LineKind::Other);
    }

    #[test]
    fn the_ready_line_is_it_wherever_it_was_looked_for() {
        for stream in [Stream::Stdout, Stream::Stderr] {
            assert_eq!(kind_of(stream, "BOOT x=1", true), LineKind::Ready);
        }
    }

    #[test]
    fn fields_are_read_from_a_line() {
        let found: Vec<_> = fields("LISTEN port=4711 host=127.0.0.1 = a= =b").collect();
        assert_eq!(found, [("port", "4711"), ("host", "127.0.0.1")]);
    }
}
