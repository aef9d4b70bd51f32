//! Android and iOS start no programs, and every call says so. A configuration is accepted, so that
//! one tauri.conf.json serves desktop and mobile.

#![cfg_attr(test, allow(dead_code))]

use std::time::Duration;

use tauri::ipc::Channel;
use tauri::{AppHandle, Runtime};

use crate::Builder;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::models::{Access, Diagnostics, Line, LogBatch, Prepared, Status};

/// The sidecars of the application: none.
pub struct Sidecars(());

macro_rules! unsupported {
    ($($(#[$doc:meta])* fn $name:ident($($kind:ty),*) -> $result:ty;)*) => {
        impl Sidecars {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// Always.
                pub fn $name(&self, $(_: $kind),*) -> Result<$result> {
                    Err(Error::Unsupported)
                }
            )*
        }
    };
}

unsupported! {
    /// Starts a sidecar.
    fn start(&str) -> ();
    /// Stops a sidecar.
    fn stop(&str) -> Status;
    /// Restarts a sidecar.
    fn restart(&str) -> ();
    /// A sidecar's state.
    fn status(&str) -> Status;
    /// Follows the states.
    fn watch(&str, Channel<Status>) -> u32;
    /// How to talk to a sidecar.
    fn access(&str) -> Access;
    /// Waits for a sidecar.
    fn wait_ready(&str, Duration) -> Access;
    /// Follows the lines.
    fn logs(&str, &str, u64, Channel<LogBatch>) -> u32;
    /// The last lines.
    fn lines(&str, u64) -> Vec<Line>;
    /// Why it failed.
    fn diagnostics(&str) -> Diagnostics;
    /// What a user can send.
    fn report(&str) -> String;
    /// Ends all for an update.
    fn prepare_update() -> Vec<Prepared>;
    /// Starts them again.
    fn resume() -> ();
}

impl Sidecars {
    pub(crate) fn new<R: Runtime>(_: &AppHandle<R>, _: Option<Config>, _: Builder) -> Result<Self> {
        Ok(Self(()))
    }

    /// No name: no sidecar can be started.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Nothing is watched.
    pub fn unwatch(&self, _: u32) {}

    pub(crate) fn forget_page(&self, _: &str) {}

    pub(crate) fn window_closed(&self, _: &str) {}

    pub(crate) fn shutdown(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_says_that_no_program_can_be_started() {
        let sidecars = Sidecars(());
        for error in [
            sidecars.start("api").err(),
            sidecars.access("api").err(),
            sidecars.prepare_update().err(),
            sidecars.wait_ready("api", Duration::ZERO).err(),
        ] {
            let error = error.expect("an error");
            assert_eq!(error.kind(), "unsupported");
            assert!(error.to_string().contains("lets no application start one"));
        }
    }
}
