//! Before an update: nothing runs, and everything can be replaced.

use std::collections::BTreeMap;

use sidecar_supervisor::{NotReplaceable, replaceable};

use super::gate::Gate;
use super::sidecar::Sidecar;
use crate::error::{Error, Result};
use crate::models::Prepared;

/// Stops all, one beside the other, and looks at the files of each.
///
/// # Errors
/// When something still runs, or somebody else uses a file.
pub(super) fn prepare(sidecars: &BTreeMap<String, Sidecar>, gate: &Gate) -> Result<Vec<Prepared>> {
    for sidecar in sidecars.values() {
        sidecar.supervisor.stop();
    }
    for sidecar in sidecars.values() {
        sidecar.stop()?;
    }
    sidecars
        .values()
        .map(|sidecar| {
            let needs_rights = match sidecar.replaced.as_deref().map(replaceable) {
                None | Some(Ok(())) => None,
                Some(Err(refused @ NotReplaceable::NotAllowed { .. })) => Some(refused.to_string()),
                // What is not there is in nobody's way.
                Some(Err(NotReplaceable::Unknown { .. })) if !sidecar.program.exists() => None,
                Some(Err(why)) => {
                    return Err(Error::InUse {
                        name: sidecar.name.clone(),
                        why: why.to_string(),
                    });
                }
            };
            Ok(Prepared {
                name: sidecar.name.clone(),
                path: sidecar.replaced.clone(),
                ran: gate.ran(&sidecar.name),
                needs_rights,
            })
        })
        .collect()
}
