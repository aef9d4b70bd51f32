//! What tells that the sidecar is ready: a line, a pattern, or a URL that answers.

use std::fmt;
use std::str::FromStr;

use regex_lite::Regex;

use crate::lines::RawLine;
use crate::port::FREE_PORT_FIELD;
use crate::protocol::Stream;
use crate::url::UrlTemplate;

/// A setting that cannot be used: its name, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {why}")]
pub struct SettingError {
    /// The setting's name, as it is in a configuration file.
    pub key: &'static str,
    /// Why it cannot be used, to be read on after the name.
    pub why: String,
}

impl SettingError {
    pub(crate) fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self {
            key,
            why: why.into(),
        }
    }
}

/// Where a line or a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadyStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error, where many frameworks log.
    Stderr,
    /// Both.
    Either,
}

impl ReadyStream {
    const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Either];

    /// Its name in a configuration file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Either => "either",
        }
    }

    pub(crate) fn includes(self, stream: Stream) -> bool {
        match self {
            Self::Stdout => stream == Stream::Stdout,
            Self::Stderr => stream == Stream::Stderr,
            Self::Either => true,
        }
    }
}

impl fmt::Display for ReadyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Either => "stdout or stderr",
            one => one.name(),
        })
    }
}

impl FromStr for ReadyStream {
    type Err = SettingError;

    fn from_str(name: &str) -> Result<Self, SettingError> {
        let found = Self::ALL.into_iter().find(|stream| stream.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            SettingError::new(
                "ready_stream",
                format!("is {name:?}, and has to be one of {names}"),
            )
        })
    }
}

/// What tells that the sidecar is ready. The default is the line `READY` on stdout.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    signal: Signal,
}

#[derive(Debug, Clone)]
pub(crate) enum Signal {
    Line { text: String, stream: ReadyStream },
    Pattern { pattern: Regex, stream: ReadyStream },
    Url(UrlTemplate),
}

impl PartialEq for Signal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Line { text, stream }, Self::Line { text: t, stream: s }) => {
                (text, stream) == (t, s)
            }
            (
                Self::Pattern { pattern, stream },
                Self::Pattern {
                    pattern: p,
                    stream: s,
                },
            ) => (pattern.as_str(), stream) == (p.as_str(), s),
            (Self::Url(url), Self::Url(other)) => url == other,
            _ => false,
        }
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self {
            signal: Signal::Line {
                text: "READY".to_owned(),
                stream: ReadyStream::Stdout,
            },
        }
    }
}

impl Ready {
    /// A whole line, exactly.
    ///
    /// # Errors
    /// When it is empty or more than one line.
    pub fn line(text: impl Into<String>, stream: ReadyStream) -> Result<Self, SettingError> {
        let text = text.into();
        if text.is_empty() || text.contains(['\r', '\n']) {
            return Err(SettingError::new(
                "ready",
                "has to be one line that is not empty",
            ));
        }
        Ok(Self {
            signal: Signal::Line { text, stream },
        })
    }

    /// A line in which a regular expression is found. The syntax is that of the crate `regex-lite`:
    /// no look-around and no references back; `\d`, `\w` and `(?i)` know ASCII alone.
    ///
    /// # Errors
    /// When it is no regular expression, or is found in an empty line and so in every one.
    pub fn pattern(pattern: &str, stream: ReadyStream) -> Result<Self, SettingError> {
        const KEY: &str = "ready_pattern";
        let pattern = Regex::new(pattern).map_err(|error| {
            SettingError::new(
                KEY,
                format!("is {pattern:?}, which is no regular expression: {error}"),
            )
        })?;
        if pattern.is_match("") {
            return Err(SettingError::new(
                KEY,
                format!(
                    "is {:?}, which is found in an empty line, and so in every line",
                    pattern.as_str()
                ),
            ));
        }
        Ok(Self {
            signal: Signal::Pattern { pattern, stream },
        })
    }

    /// A URL of this computer that answers a GET with a status from 200 to 399. `{free_port}` in it
    /// is the port that the launch hands over.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn url(template: &str) -> Result<Self, SettingError> {
        const KEY: &str = "ready_url";
        let url = UrlTemplate::new(template)
            .map_err(|error| SettingError::new(KEY, error.to_string()))?;
        if let Some(other) = url.fields().find(|name| *name != FREE_PORT_FIELD) {
            return Err(SettingError::new(
                KEY,
                format!("has the field {{{other}}}, and can have {{{FREE_PORT_FIELD}}} alone"),
            ));
        }
        Ok(Self {
            signal: Signal::Url(url),
        })
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The URL that has to answer, when there is one.
    pub(crate) fn url_template(&self) -> Option<&UrlTemplate> {
        match &self.signal {
            Signal::Url(url) => Some(url),
            _ => None,
        }
    }

    /// True when this line says that the sidecar is ready: whole, ended, and not cut.
    pub(crate) fn is_said_by(&self, stream: Stream, line: RawLine<'_>) -> bool {
        match &self.signal {
            Signal::Line { text, stream: on } => on.includes(stream) && line.is(text.as_bytes()),
            Signal::Pattern {
                pattern,
                stream: on,
            } => {
                on.includes(stream)
                    && line.is_whole()
                    && pattern.is_match(&String::from_utf8_lossy(line.bytes))
            }
            Signal::Url(_) => false,
        }
    }

    /// True when the text alone is what is waited for, wherever it was printed.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        match &self.signal {
            Signal::Line { text: line, .. } => text.trim() == line,
            Signal::Pattern { pattern, .. } => pattern.is_match(text),
            Signal::Url(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: &[u8]) -> RawLine<'_> {
        RawLine {
            bytes,
            dropped: 0,
            terminated: true,
        }
    }

    #[test]
    fn a_pattern_is_found_anywhere_in_a_whole_line_of_its_stream() {
        let ready = Ready::pattern(r"running on http://127\.0\.0\.1:\d+", ReadyStream::Stderr);
        let ready = ready.expect("valid");
        let uvicorn = line(b"INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C)");
        assert!(ready.is_said_by(Stream::Stderr, uvicorn));
        assert!(!ready.is_said_by(Stream::Stdout, uvicorn));
        assert!(!ready.is_said_by(Stream::Stderr, line(b"running on http://127.0.0.1:")));
        for broken in [
            RawLine {
                terminated: false,
                ..uvicorn
            },
            RawLine {
                dropped: 1,
                ..uvicorn
            },
        ] {
            assert!(!ready.is_said_by(Stream::Stderr, broken));
        }
        // Bytes that are no text do not keep the rest of the line from being read.
        assert!(ready.is_said_by(Stream::Stderr, line(b"\xff running on http://127.0.0.1:1")));
    }

    #[test]
    fn either_stream_is_both() {
        let ready = Ready::line("UP", ReadyStream::Either).expect("valid");
        for stream in [Stream::Stdout, Stream::Stderr] {
            assert!(ready.is_said_by(stream, line(b"UP")));
            assert!(!ready.is_said_by(stream, line(b"UP!")));
        }
    }

    #[test]
    fn each_mistake_names_its_setting() {
        let stdout = ReadyStream::Stdout;
        for (result, parts) in [
            (Ready::line("", stdout), ["`ready`", "not empty"]),
            (Ready::line("a\nb", stdout), ["`ready`", "one line"]),
            (
                Ready::pattern("(", stdout),
                ["`ready_pattern`", "no regular expression"],
            ),
            (
                Ready::pattern("(?=x)", stdout),
                ["`ready_pattern`", "no regular expression"],
            ),
            (
                Ready::pattern("x*", stdout),
                ["`ready_pattern`", "every line"],
            ),
            (
                Ready::pattern("", stdout),
                ["`ready_pattern`", "every line"],
            ),
            (
                Ready::url("https://127.0.0.1:1/"),
                ["`ready_url`", "http://"],
            ),
            (
                Ready::url("http://127.0.0.1:{port}/"),
                ["`ready_url`", "{port}"],
            ),
        ] {
            let error = result.expect_err(parts[0]).to_string();
            for part in parts {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
        let error = "stdin".parse::<ReadyStream>().expect_err("no such stream");
        assert!(
            error.to_string().contains("stdout, stderr, either"),
            "{error}"
        );
    }
}
