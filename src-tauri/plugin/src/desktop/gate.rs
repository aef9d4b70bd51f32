//! Between a sidecar and whoever wants to start it: closed while an update is being made.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// Open, or closed with the names of what ran.
#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Vec<String>>>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts something, which cannot happen while the gate is being closed.
    ///
    /// # Errors
    /// When it is closed.
    pub(super) fn pass(&self, start: impl FnOnce()) -> Result<()> {
        let held = self.lock();
        if held.is_some() {
            return Err(Error::Updating);
        }
        start();
        Ok(())
    }

    /// Closes it, and looks at what runs by then: nothing passes meanwhile.
    ///
    /// # Errors
    /// When it is closed already.
    pub(super) fn close(&self, ran: impl FnOnce() -> Vec<String>) -> Result<()> {
        let mut held = self.lock();
        if held.is_some() {
            return Err(Error::Updating);
        }
        *held = Some(ran());
        Ok(())
    }

    /// Gives the names of what ran when it was closed.
    pub(super) fn open(&self) -> Vec<String> {
        self.lock().take().unwrap_or_default()
    }

    /// True for what ran when it was closed.
    pub(super) fn ran(&self, name: &str) -> bool {
        let held = self.lock();
        held.as_ref()
            .is_some_and(|ran| ran.iter().any(|each| each == name))
    }
}
