//! What both examples are told of a sidecar that is not ready by the line `READY` on stdout.

use std::time::Duration;

use sidecar_supervisor::{LaunchSpec, Ready, ReadyStream, SettingError};

/// When the sidecar is ready, by the options of a command line.
#[derive(Debug, Clone, Default)]
pub struct ReadyOptions {
    line: Option<String>,
    pattern: Option<String>,
    stream: Option<String>,
    url: Option<String>,
    timeout_ms: Option<u64>,
}

impl ReadyOptions {
    /// Takes an option with its value; false when it is none of these.
    ///
    /// # Errors
    /// A sentence about the value.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "--ready" => self.line = Some(value.to_owned()),
            "--ready-pattern" => self.pattern = Some(value.to_owned()),
            "--ready-stream" => self.stream = Some(value.to_owned()),
            "--ready-url" => self.url = Some(value.to_owned()),
            "--ready-timeout-ms" => {
                let number = value.parse().map_err(|_| {
                    format!("{name} needs a whole number of milliseconds, not {value:?}")
                })?;
                self.timeout_ms = Some(number);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Puts what was said into a launch.
    ///
    /// # Errors
    /// A sentence about what cannot be used.
    pub fn apply(&self, spec: &mut LaunchSpec) -> Result<(), String> {
        if let Some(milliseconds) = self.timeout_ms {
            spec.ready_timeout = Duration::from_millis(milliseconds);
        }
        spec.ready = self.ready().map_err(|error| error.to_string())?;
        spec.check().map_err(|error| error.to_string())
    }

    fn ready(&self) -> Result<Ready, SettingError> {
        if let Some(url) = &self.url {
            return Ready::url(url);
        }
        let stream = match &self.stream {
            Some(name) => name.parse()?,
            None => ReadyStream::default(),
        };
        match &self.pattern {
            Some(pattern) => Ready::pattern(pattern, stream),
            None => Ready::line(self.line.as_deref().unwrap_or("READY"), stream),
        }
    }
}
