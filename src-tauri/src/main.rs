//! Launches a packaged Python sidecar through `externalBin` and shows its life.

#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod cli;
mod config;
mod host;
mod journal;
mod scenario;
mod selftest;
mod signals;

use std::env;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use sidecar_supervisor::{Console, EXIT_ON_EOF_VARIABLE};
use tauri::ipc::Channel;
use tauri::path::BaseDirectory;
use tauri::{AppHandle, Context, Manager as _, RunEvent, State};
use tauri_plugin_sidecar_supervisor::Result as Asked;

use crate::cli::{Options, Request};
use crate::host::{Host, Setup, ShownReport, View};
use crate::journal::{HostFacts, Journal, Recorder, SCHEMA};
use crate::scenario::SelfTest;

const TRIPLE: &str = env!("TAURI_ENV_TARGET_TRIPLE");
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The application could not do what was asked: wrong usage, no display, no journal.
const EXIT_CANNOT: u8 = 2;
/// With `--follow`: the sidecar never was ready, or something of it is left.
const EXIT_UNWELL: u8 = 1;

#[tauri::command]
fn view(host: State<'_, Arc<Host>>, since: u64) -> View {
    host.view(since)
}

/// The page is told that something changed and asks for it; so nothing is lost before it loads.
#[tauri::command]
fn watch(host: State<'_, Arc<Host>>, on_change: Channel<u64>) {
    host.page_asked();
    host.watch(move |revision| on_change.send(revision).is_ok());
}

#[tauri::command]
fn stop(host: State<'_, Arc<Host>>) {
    host.note("stop_button");
    if let Some(supervisor) = host.supervisor() {
        supervisor.stop();
    }
}

#[tauri::command(async)]
fn restart(host: State<'_, Arc<Host>>) -> Asked<()> {
    host.note("restart_button");
    host.restart()
}

/// The report that a user can send, to be read before it is saved.
#[tauri::command]
fn report(host: State<'_, Arc<Host>>, shown: State<'_, ShownReport>) -> String {
    shown.make(host.view(0), TRIPLE)
}

/// Saves the report that was shown among the downloads; gives where.
#[tauri::command]
fn save_report(app: AppHandle, shown: State<'_, ShownReport>) -> Result<PathBuf, String> {
    let folder = app
        .path()
        .download_dir()
        .ok()
        .filter(|folder| folder.is_dir())
        .map_or_else(|| app.path().home_dir(), Ok)
        .map_err(|error| error.to_string())?;
    shown.save(&folder)
}

fn main() -> ExitCode {
    match cli::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => {
            print!("{}", cli::USAGE);
            ExitCode::SUCCESS
        }
        Ok(Request::Version) => {
            println!("sidecar-host {VERSION} ({TRIPLE})");
            ExitCode::SUCCESS
        }
        Ok(Request::Sweep(options)) => ended(sweep(options)),
        Ok(Request::Run(options)) => ended(run(options)),
        Err(error) => fail(&format!("{error} Try: sidecar-host --help")),
    }
}

fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("sidecar-host: {error}");
    ExitCode::from(EXIT_CANNOT)
}

fn context() -> Context {
    tauri::generate_context!()
}

fn sweep(options: Options) -> Result<(), String> {
    match options.config {
        Some(config) => host::sweep_only(&context().config().identifier, &config),
        None => Err("--sweep needs --sidecar-config.".to_owned()),
    }
}

fn run(options: Options) -> Result<(), String> {
    let self_test = options.self_test.clone();
    let follow = options.follow;
    signals::hold_back();
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            view, watch, stop, restart, report, save_report
        ])
        .manage(ShownReport::default())
        .setup(move |app| {
            let handle = app.handle();
            let test = options.self_test.clone();
            let host = make_host(handle, options)?;
            app.manage(Arc::clone(&host));
            signals::watch(handle, &host)?;
            if follow && env::var_os(EXIT_ON_EOF_VARIABLE).is_some_and(|value| value == "1") {
                watch_stdin(handle);
            }
            if let Some(test) = test {
                selftest::start(handle.clone(), host, test);
            }
            Ok(())
        })
        .build(context())
        .map_err(|error| {
            format!("The window cannot be made: {error}. On a computer without a display: xvfb-run -a sidecar-host …")
        })?;
    app.run(move |app, event| match event {
        // The last window was closed, or somebody asked for the end: the sidecar is asked as well.
        RunEvent::ExitRequested { .. } => {
            let host = app.state::<Arc<Host>>();
            host.note("exit_requested");
            if let Some(supervisor) = host.supervisor() {
                supervisor.stop();
            }
        }
        // The only event that always comes (Cmd+Q on macOS skips the other one). The plugin hears of
        // it first, and has ended the sidecar.
        RunEvent::Exit => {
            let host = app.state::<Arc<Host>>();
            host.note("exit");
            let well = host.ended();
            if follow && !well {
                std::process::exit(i32::from(EXIT_UNWELL));
            }
            if let Some(test) = &self_test
                && let Err(error) = write_journal(app, &host, test)
            {
                eprintln!("sidecar-host: {error}");
                std::process::exit(i32::from(EXIT_CANNOT));
            }
        }
        _ => {}
    });
    Ok(())
}

fn config_path(app: &AppHandle, given: Option<PathBuf>) -> Result<PathBuf, tauri::Error> {
    match given {
        Some(path) => Ok(path),
        None => app.path().resolve("sidecar.json", BaseDirectory::Resource),
    }
}

fn make_host(app: &AppHandle, options: Options) -> Result<Arc<Host>, Box<dyn std::error::Error>> {
    let test = options.self_test;
    let exit = app.clone();
    let setup = Setup {
        config_path: config_path(app, options.config)?,
        autostart: test.is_none(),
        recover: test.as_ref().is_none_or(|test| test.scenario.recovers()),
        recorder: test.map(|_| Recorder::default()),
        // Nobody reads any more, so there is nobody to serve.
        console: Console::new(move || exit.exit(0)),
        follow: options.follow,
        sidecar_args: options.sidecar_args,
    };
    Ok(Arc::new(Host::new(app, setup)))
}

/// The end of standard input ends the application, as it ends a sidecar that is told to watch it.
fn watch_stdin(app: &AppHandle) {
    let app = app.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while std::io::stdin()
            .read(&mut buffer)
            .is_ok_and(|read| read > 0)
        {}
        app.exit(0);
    });
}

fn write_journal(app: &AppHandle, host: &Host, test: &SelfTest) -> Result<(), String> {
    let mut journal = Journal {
        schema: SCHEMA,
        scenario: test.scenario.name(),
        cycles: test.cycles,
        host: HostFacts {
            name: env!("CARGO_PKG_NAME"),
            version: VERSION,
            triple: TRIPLE,
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            pid: std::process::id(),
            executable: env::current_exe().unwrap_or_default(),
            args: env::args_os()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            resource_dir: app.path().resource_dir().ok(),
        },
        config_path: host.config_path().to_owned(),
        config: host.config().ok().cloned(),
        config_error: host.config().err().cloned(),
        sidecar_path: host.program().map(PathBuf::from),
        launches: Vec::new(),
        health: host.health(),
        notes: Vec::new(),
    };
    if let Some(recorder) = host.take_recorder() {
        journal.take(recorder);
    }
    journal.write(&test.out).map_err(|error| {
        format!(
            "The journal {} cannot be written: {error}.",
            test.out.display()
        )
    })
}
