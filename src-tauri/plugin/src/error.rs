//! What can go wrong, as Rust sees it and as a page does: `{ kind, message }`.

use std::path::PathBuf;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Why a sidecar cannot be had. What happens to one that was started is no error but a state, with
/// its own diagnosis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration contradicts itself, or is missing.
    #[error("{at} {why}.")]
    Config {
        /// Where, as `plugins.sidecar-supervisor.sidecars.NAME in tauri.conf.json`.
        at: String,
        /// Why it cannot be used, to be read on after the place.
        why: String,
    },
    /// The configuration has no sidecar of this name.
    #[error("There is no sidecar {name:?} in plugins.sidecar-supervisor.sidecars: {known}.")]
    UnknownSidecar {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// What would be started stands in for a program that was never built.
    #[error(
        "{} is the placeholder of a sidecar that is not built. Build it and put it there, or give \
         `{name}` a `dev` section, which runs its sources in `tauri dev`.",
        path.display()
    )]
    Placeholder {
        /// The sidecar.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// It is not ready, so there is nobody to talk to.
    #[error("The sidecar {name:?} is not ready but {state}.")]
    NotReady {
        /// The sidecar.
        name: String,
        /// Its state.
        state: String,
    },
    /// An update was prepared: nothing is started before `resume`.
    #[error(
        "An update is being made, so nothing is started. After it: resume, or a new start of the application."
    )]
    Updating,
    /// It could not be ended.
    #[error("The sidecar {name:?} could not be ended: {what}.")]
    StillRuns {
        /// The sidecar.
        name: String,
        /// What still runs, or how far it came.
        what: String,
    },
    /// An update could not replace it.
    #[error("The sidecar {name:?} cannot be replaced: {why}.")]
    InUse {
        /// The sidecar.
        name: String,
        /// Who uses it.
        why: String,
    },
    /// The operating system refused something.
    #[error("{what}: {error}.")]
    System {
        /// What was being done.
        what: String,
        /// The operating system's text.
        error: String,
    },
    /// Android and iOS let no application start a program.
    #[error(
        "Sidecars are programs, and {} lets no application start one. Run the service elsewhere, or \
         leave the plugin out of mobile builds with #[cfg(desktop)].",
        std::env::consts::OS
    )]
    Unsupported,
}

impl Error {
    /// The name of the kind, for a page to tell errors apart.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Config { .. } => "config",
            Self::UnknownSidecar { .. } => "unknownSidecar",
            Self::Placeholder { .. } => "placeholder",
            Self::NotReady { .. } => "notReady",
            Self::Updating => "updating",
            Self::StillRuns { .. } => "stillRuns",
            Self::InUse { .. } => "inUse",
            Self::System { .. } => "system",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Error", 2)?;
        object.serialize_field("kind", self.kind())?;
        object.serialize_field("message", &self.to_string())?;
        object.end()
    }
}

/// What the plugin's calls give.
pub type Result<T> = std::result::Result<T, Error>;
