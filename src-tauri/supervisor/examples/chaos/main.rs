//! Random lives of a sidecar through the supervisor: started, killed at a random moment, signalled,
//! restarted, several at once. What has to hold is checked after each, and at every event.
//!
//!     chaos --program FILE [--lifecycles 1000] [--seed 1] [--parallel 4] [OPTIONS]
//!
//! Options: `--arg WORD` and `--env NAME=VALUE`, each as often as needed, are the sidecar's own;
//! `--ready LINE`, `--ready-pattern PATTERN`, `--ready-stream stdout|stderr|either`,
//! `--ready-url URL` and `--ready-timeout-ms N` say when it is ready. `{free_port}` is another port
//! at each launch.
//!
//! The last line is JSON. Exit code 0: everything held. 1: something did not; each is said.
//!
//! * Nothing is left: at rest no process carries the launch's mark, and no file is in its folder.
//! * No READY is missed or doubled: a READY line that comes while waiting makes the state ready,
//!   once for each launch, and nothing else does. Of a URL, that the state is ready once is checked.
//! * The state is always true: changes follow the order of a life, a process that the state calls
//!   running exists, and every wait ends.

mod run;

fn main() -> std::process::ExitCode {
    run::main()
}
