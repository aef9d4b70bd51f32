//! The mark that a launch puts on all that it starts.

use std::fs;

/// Finds what a chaos run has started, whatever parent or group it has by then.
pub(super) const MARK: &str = "SIDECAR_CHAOS";

/// Living processes that carry the mark.
pub(super) fn carriers(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}");
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            // A zombie has no environment any more.
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == wanted.as_bytes())
            })
        })
        .collect()
}
