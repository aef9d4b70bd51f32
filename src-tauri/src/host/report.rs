//! The report that a user can send: made when it is asked for, and saved as it was shown.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sidecar_supervisor::support::{Bundle, Redactor};

use super::View;

/// The report that the window shows; empty before it was asked for.
#[derive(Default)]
pub struct ShownReport(Mutex<String>);

impl ShownReport {
    /// Makes the report of what is known now, and keeps it.
    pub fn make(&self, view: View, triple: &str) -> String {
        let configuration = view.config.as_ref().map(serde_json::to_string_pretty);
        let mut versions = vec![
            ("application".to_owned(), view.host_version.to_owned()),
            ("system".to_owned(), triple.replace('-', " ")),
        ];
        if let Some(config) = &view.config {
            versions.push((config.packager.clone(), config.packager_version.clone()));
        }
        let bundle = Bundle {
            versions,
            configuration: match (configuration, view.config_error) {
                (Some(Ok(text)), _) => text,
                (_, error) => error.unwrap_or_default(),
            },
            sidecar: view.sidecar,
            log: view.log.into_iter().map(|line| line.text).collect(),
        };
        let text = bundle.text(&Redactor::of_this_machine());
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&text);
        text
    }

    /// Saves what was shown as a new file.
    ///
    /// # Errors
    /// The text that the window shows.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, String> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() {
            return Err("There is no report to save: show it first.".to_owned());
        }
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let path = folder.join(format!("sidecar-report-{seconds}.txt"));
        File::create_new(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| format!("{} cannot be written: {error}.", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_shown_is_saved() {
        let report = ShownReport::default();
        let folder = std::env::temp_dir();
        assert!(report.save(&folder).expect_err("nothing").contains("show"));
        "shown".clone_into(&mut report.0.lock().expect("whole"));
        let path = report.save(&folder).expect("saved");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "shown");
        assert!(report.save(&folder.join("nowhere")).is_err());
        std::fs::remove_file(path).expect("removed");
    }
}
