//! The one file that `externalBin` takes, standing for a sidecar that is a folder.
//!
//! Its own file name says which: `sidecar-hello` runs the program of the folder `sidecar-hello.d`.
//! The folder is looked for, in this order,
//!
//! 1. in `$SIDECAR_RESOURCE_DIR`, which a host may set to its own resource folder;
//! 2. beside the launcher (development: `target/<profile>/`; Windows: the installation folder);
//! 3. in `../lib/<product>/` (deb, rpm, AppImage) and in `../Resources/` (macOS).
//!
//! The program in it is named by the only line of `sidecar-program.txt` in the folder; without
//! that file it has the launcher's own name.
//!
//! On Unix the launcher becomes the program (`exec`), so process id, signals, pipes and exit code
//! are the program's own; on macOS a guard stays behind that ends it with its host. On Windows it waits for the program in a kill-on-close job, so the end of
//! either is the end of both. Ctrl-C and Ctrl-Break go to the program, which decides what follows,
//! and no window is opened for it.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitCode};

/// The folder that holds the application's resources in a package is named after the product.
const PRODUCT_NAME: &str = match option_env!("SIDECAR_PRODUCT_NAME") {
    Some(name) => name,
    None => "sidecar-host",
};
/// Set by a host that knows where its resources are.
const RESOURCE_DIR_VARIABLE: &str = "SIDECAR_RESOURCE_DIR";
const PROGRAM_FILE: &str = "sidecar-program.txt";
/// As in a shell: the program was not found.
const EXIT_NOT_FOUND: u8 = 127;
/// As in a shell: the program was found and could not be executed.
const EXIT_NOT_EXECUTABLE: u8 = 126;

struct Problem {
    text: String,
    exit: u8,
}

fn main() -> ExitCode {
    let problem = match find_program() {
        Ok(program) => run(&program),
        Err(problem) => Err(problem),
    };
    match problem {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("sidecar-launcher: {}", problem.text);
            ExitCode::from(problem.exit)
        }
    }
}

fn find_program() -> Result<PathBuf, Problem> {
    let own = env::current_exe()
        .map_err(|error| not_found(format!("cannot tell which file I am: {error}.")))?;
    let name = own.file_stem().map(OsString::from).unwrap_or_default();
    let places = places(
        &own,
        &name,
        env::var_os(RESOURCE_DIR_VARIABLE).map(PathBuf::from),
    );
    let Some(folder) = places.iter().find(|place| place.is_dir()) else {
        let mut text = format!(
            "the folder of {} was not found. Looked for:",
            name.display()
        );
        for place in &places {
            let _ = write!(text, "\n  {}", place.display());
        }
        text.push_str(
            "\nCheck bundle.resources in tauri.conf.json: it must put the folder build there.",
        );
        return Err(not_found(text));
    };
    let program = folder.join(program_name(folder, name)?);
    if !program.is_file() {
        return Err(not_found(format!(
            "there is no program at {}. Check {PROGRAM_FILE} in that folder.",
            program.display()
        )));
    }
    Ok(program)
}

/// Where the folder of the sidecar `name` may be.
fn places(own: &Path, name: &OsString, resources: Option<PathBuf>) -> Vec<PathBuf> {
    let mut folder = name.clone();
    folder.push(".d");
    let beside = own.parent().unwrap_or_else(|| Path::new("."));
    let above = beside.parent().unwrap_or(beside);
    resources
        .into_iter()
        .chain([
            beside.to_owned(),
            above.join("lib").join(PRODUCT_NAME),
            above.join("Resources"),
        ])
        .map(|place| place.join(&folder))
        .collect()
}

/// The name of the program in the folder; a path within the folder is allowed, out of it is not.
fn program_name(folder: &Path, own_name: OsString) -> Result<PathBuf, Problem> {
    let mut name = PathBuf::from(own_name);
    name.as_mut_os_string().push(env::consts::EXE_SUFFIX);
    let Ok(text) = fs::read_to_string(folder.join(PROGRAM_FILE)) else {
        return Ok(name);
    };
    let name = PathBuf::from(text.trim());
    let is_inside = name
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if name.as_os_str().is_empty() || !is_inside {
        return Err(not_found(format!(
            "{} must hold one relative path within its folder, and holds {:?}.",
            folder.join(PROGRAM_FILE).display(),
            text.trim()
        )));
    }
    Ok(name)
}

fn not_found(text: String) -> Problem {
    Problem {
        text,
        exit: EXIT_NOT_FOUND,
    }
}

fn not_executable(program: &Path, error: &std::io::Error) -> Problem {
    let check = if cfg!(windows) {
        "Check its architecture, and whether an antivirus program blocks it"
    } else {
        "Check its mode and its architecture"
    };
    Problem {
        text: format!(
            "{} cannot be executed: {error}. {check}.",
            program.display()
        ),
        exit: EXIT_NOT_EXECUTABLE,
    }
}

#[cfg(unix)]
fn run(program: &Path) -> Result<ExitCode, Problem> {
    use std::os::unix::process::CommandExt as _;

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if let Err(error) = guard::leave_behind() {
        eprintln!("sidecar-launcher: nothing ends the program with its host: {error}.");
    }
    let error = Command::new(program).args(env::args_os().skip(1)).exec();
    Err(not_executable(program, &error))
}

#[cfg(windows)]
fn run(program: &Path) -> Result<ExitCode, Problem> {
    use std::os::windows::process::CommandExt as _;

    let failed = |error| not_executable(program, &error);
    // Never closed here: that would end this process before it has said what is wrong, or passed the
    // exit code on. The system closes it with the process.
    std::mem::forget(windows::kill_on_close_job().map_err(failed)?);
    let status = Command::new(program)
        .args(env::args_os().skip(1))
        .creation_flags(windows::console())
        .status()
        .map_err(failed)?;
    std::process::exit(status.code().unwrap_or(1))
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod guard;
#[cfg(windows)]
mod windows;

#[cfg(all(test, unix))] // the paths are Unix's; tests/launching_windows.rs has those of Windows
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_looked_for_where_packages_put_it() {
        let places = places(
            Path::new("/opt/my app/usr/bin/sidecar-hello"),
            &OsString::from("sidecar-hello"),
            Some("/res".into()),
        );
        assert_eq!(
            places,
            [
                "/res/sidecar-hello.d",
                "/opt/my app/usr/bin/sidecar-hello.d",
                "/opt/my app/usr/lib/sidecar-host/sidecar-hello.d",
                "/opt/my app/usr/Resources/sidecar-hello.d",
            ]
            .map(PathBuf::from)
        );
    }
}
