//! The smallest host: one sidecar behind the supervisor, on a command line.
//!
//!     supervise [OPTIONS] PROGRAM [ARGUMENT ...]   run it until a signal, end of file, or its end
//!     supervise --sweep                            remove what killed hosts have left in TMPDIR
//!
//! Options: `--ready LINE`, `--ready-pattern PATTERN`, `--ready-stream stdout|stderr|either`,
//! `--ready-url URL` and `--ready-timeout-ms N` say when it is ready, as the host's `sidecar.json`
//! does; `--tell-ready` says so on stderr.
//!
//! What the sidecar prints on stdout is printed, what it prints on stderr likewise. SIGTERM, SIGINT,
//! SIGHUP and SIGQUIT stop it, on Windows Ctrl-C and Ctrl-Break, and so does end of file on stdin
//! when `SIDECAR_EXIT_ON_EOF` is 1.
//! The exit code is 0 when it was ready, was stopped as asked, and nothing is left of it; else 1.

mod run;

fn main() -> std::process::ExitCode {
    run::main()
}
