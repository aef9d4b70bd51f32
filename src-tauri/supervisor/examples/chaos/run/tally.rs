//! The figures of the whole run.

use std::collections::BTreeMap;

/// What all workers have done and found.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) lifecycles: u32,
    pub(super) launches: u64,
    pub(super) ready: u64,
    pub(super) restarts: u64,
    pub(super) killed: u64,
    pub(super) stragglers: usize,
    pub(super) actions: BTreeMap<&'static str, u32>,
    pub(super) violations: Vec<String>,
}
