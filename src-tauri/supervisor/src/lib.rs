//! Launches one sidecar process, waits for its READY line, stops it, and proves that nothing of it
//! is left. It knows nothing of Tauri or of Python.
//!
//! One thread owns the child and everything that is known about it; commands, reads and the end of
//! the child reach it as messages, so no state is ever half changed. Two more threads per launch
//! read the pipes and one waits for the end. Nothing here waits without a bound.

mod backoff;
mod console;
mod diagnosis;
mod event;
mod lines;
mod platform;
mod protocol;
mod reason;
mod spec;
mod state;
mod supervisor;
mod tail;
mod temp;

pub use backoff::RestartPolicy;
pub use console::{Console, Printer};
pub use diagnosis::Report;
pub use event::{Event, LogLine};
pub use platform::{Exit, Survivor};
pub use protocol::{LineKind, Stream, fields};
pub use reason::Reason;
pub use spec::{EXIT_ON_EOF_VARIABLE, LaunchSpec, MARK_VARIABLE, TempSpec};
pub use state::{Cleanup, Failure, Launched, Recovery, Snapshot, State};
pub use supervisor::Supervisor;
pub use temp::sweep;
