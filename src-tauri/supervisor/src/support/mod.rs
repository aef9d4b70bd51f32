//! One text that a user can send: versions, configuration, what happened, processes, and the last
//! lines. It is redacted as a whole, so nothing reaches it by another way, and it is made to be
//! shown before it is saved.

mod redact;

use std::fmt::Write as _;

use crate::platform;
use crate::state::Snapshot;

pub use self::redact::{Redactor, SECRET, names_a_secret};

/// What a report is made of.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// Names and versions: the application, the packager, the system.
    pub versions: Vec<(String, String)>,
    /// The launch configuration as a text, such as JSON; empty when there is none.
    pub configuration: String,
    /// The sidecar as it was last seen.
    pub sidecar: Option<Snapshot>,
    /// The last lines of the log, oldest first, where the failure has none of its own.
    pub log: Vec<String>,
}

impl Bundle {
    /// The report. Secrets among the variables that were set for the sidecar are taken out wherever
    /// they stand, beside what the redactor knows.
    #[must_use]
    pub fn text(&self, redactor: &Redactor) -> String {
        let mut redactor = redactor.clone();
        if let Some(launched) = self.sidecar.as_ref().and_then(|it| it.launched.as_ref()) {
            let variables = launched.env.iter().map(|(name, value)| (&**name, &**value));
            redactor = redactor.variables(variables);
        }
        redactor.text(&self.raw())
    }

    fn raw(&self) -> String {
        let mut text = String::from(
            "Report of a sidecar. Names, homes and whatever looks like a key were taken out; read \
             it before you send it.\n\nVersions:\n",
        );
        for (name, version) in &self.versions {
            let _ = writeln!(text, "  {name}: {version}");
        }
        if !self.configuration.is_empty() {
            let _ = writeln!(text, "\nConfiguration:\n{}", self.configuration);
        }
        if let Some(sidecar) = &self.sidecar {
            story(&mut text, sidecar);
        }
        let _ = writeln!(text, "\nProcesses of the application:");
        for line in platform::process_tree() {
            let _ = writeln!(text, "  {line}");
        }
        if !self.log.is_empty() {
            let _ = writeln!(text, "\nThe end of the log:");
            for line in &self.log {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
}

/// What happened to the sidecar, as far as it is known.
fn story(text: &mut String, sidecar: &Snapshot) {
    let _ = writeln!(text, "\nState: {}", sidecar.state.name());
    if let Some(launched) = &sidecar.launched {
        let _ = writeln!(text, "Program: {}", launched.program.display());
        let _ = writeln!(text, "Arguments: {:?}", launched.args);
        for (name, value) in &launched.env {
            let shown = if names_a_secret(name) { SECRET } else { value };
            let _ = writeln!(text, "Variable: {name}={shown}");
        }
    }
    if let Some(ready_ms) = sidecar.ready_ms {
        let _ = writeln!(text, "Ready after: {ready_ms:.0} ms");
    }
    if let Some(exit) = sidecar.exit {
        let _ = writeln!(text, "It ended {exit}.");
    }
    if let Some(cleanup) = &sidecar.cleanup {
        let _ = writeln!(
            text,
            "After its end: {} processes had to be ended, {} are left; killed: {}; files: {}",
            cleanup.stragglers.len(),
            cleanup.survivors.len(),
            cleanup.killed,
            cleanup.temp_left.len()
        );
    }
    if let Some(failure) = &sidecar.failure {
        let _ = writeln!(text, "\n{}", failure.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_report_is_redacted() {
        let bundle = Bundle {
            versions: vec![("host".to_owned(), "1.0 by ada".to_owned())],
            configuration: r#"{"env": {"API_KEY": "k-12345"}}"#.to_owned(),
            sidecar: None,
            log: vec!["/home/ada/x: password=hunter2".to_owned()],
        };
        let text = bundle.text(&Redactor::new().home("/home/ada"));
        for secret in ["ada", "k-12345", "hunter2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("host: 1.0 by [user]"));
        assert!(text.contains("~/x: password=[secret]"));
    }
}
