//! Launches one sidecar process, waits until it is ready (a line, a pattern, or a URL that answers),
//! stops it, and proves that nothing of it is left. It knows nothing of Tauri or of Python.
//!
//! One thread owns the child and everything that is known about it; commands, reads and the end of
//! the child reach it as messages, so no state is ever half changed. Two more threads per launch
//! read the pipes, one waits for the end, and one asks the READY URL when there is one. They are
//! there before the process is: what cannot be watched is not started. Nothing here waits without a
//! bound.
//!
//! A host makes a [`LaunchSpec`] and a [`Supervisor`] for it, and asks. Here a shell plays the
//! sidecar: it says that it is ready and lives until its standard input ends.
//!
//! ```
//! # #[cfg(unix)]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::mpsc;
//! use std::time::Duration;
//!
//! use sidecar_supervisor::{Event, LaunchSpec, LineKind, State, Supervisor};
//!
//! let mut spec = LaunchSpec::new("/bin/sh");
//! spec.args = ["-c", "echo hello; echo READY; cat"].map(str::to_owned).to_vec();
//!
//! // The observer is called from the supervisor's thread, in order, and must not block.
//! let (lines, printed) = mpsc::channel();
//! let supervisor = Supervisor::new(spec, move |event| {
//!     if let Event::Line(line) = event {
//!         let _ = lines.send((line.kind, line.text.clone()));
//!     }
//! })?;
//!
//! supervisor.start();
//! let timeout = Duration::from_secs(20);
//! match supervisor.wait_for(timeout, |now| now.state == State::Ready || now.failure.is_some()) {
//!     Ok(now) => match now.failure {
//!         None => println!("ready after {:.0} ms", now.ready_ms.unwrap_or_default()),
//!         // What happened, the likely causes, what to check, and what it printed last.
//!         Some(failure) => return Err(failure.text.into()),
//!     },
//!     Err(now) => return Err(format!("nothing has come of it yet: {:?}", now.state).into()),
//! }
//! assert_eq!(printed.recv()?, (LineKind::Other, "hello".to_owned()));
//! assert_eq!(printed.recv()?, (LineKind::Ready, "READY".to_owned()));
//!
//! // Asked to stop, it is waited for; and no process of it is left.
//! let last = supervisor.shutdown();
//! assert_eq!(last.state, State::Exited);
//! assert!(last.cleanup.is_some_and(|cleanup| cleanup.survivors.is_empty()));
//! # Ok(())
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```

mod access;
mod backoff;
mod console;
mod diagnosis;
mod event;
pub mod http;
mod lines;
mod platform;
mod port;
mod protocol;
mod ready;
mod reason;
mod replaceable;
mod spec;
mod state;
mod supervisor;
pub mod support;
mod tail;
mod temp;
mod url;
mod windows_codes;

pub use access::{PORT_VARIABLE, TOKEN_VARIABLE, Token};
pub use backoff::RestartPolicy;
pub use console::{Console, Printer};
pub use diagnosis::Report;
pub use event::{Event, LogLine};
pub use platform::{Exit, Survivor};
pub use port::{FREE_PORT, FREE_PORT_FIELD};
pub use protocol::{LineKind, Stream, fields};
pub use ready::{Ready, ReadyStream, SettingError};
pub use reason::Reason;
pub use replaceable::{NotReplaceable, replaceable};
pub use spec::{
    EXIT_ON_EOF_VARIABLE, LaunchSpec, MARK_VARIABLE, PORT_IS_NOT_HANDED_OVER, TempSpec,
};
pub use state::{Cleanup, Failure, Launched, Recovery, Snapshot, State};
pub use supervisor::Supervisor;
pub use temp::sweep;
pub use url::{LocalUrl, UrlError, UrlTemplate};
