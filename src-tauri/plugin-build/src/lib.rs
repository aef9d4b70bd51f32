//! For the `build.rs` of a Tauri application with sidecars. Tauri wants every file of
//! `bundle.externalBin` at each build, also for `tauri dev`, which runs the sources and needs none.
//! So what is not there becomes a placeholder by itself, and a release that would ship one does not
//! build.
//!
//! ```no_run
//! # mod tauri_build { pub fn build() {} }
//! tauri_sidecar_build::placeholders(); // before tauri_build::build()
//! tauri_build::build()
//! ```

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use serde_json::Value;

/// What the first bytes of a placeholder have in them: the plugin does not start one.
pub const MARK: &str = "sidecar placeholder";

/// Makes a placeholder for every file of `bundle.externalBin` that is not there. In a release, and
/// for `tauri build`, ends the build instead, also when a placeholder or an empty file lies there.
pub fn placeholders() {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    println!("cargo::rerun-if-changed=tauri.conf.json");
    println!("cargo::rerun-if-env-changed=TAURI_CONFIG");
    // Tauri says in this variable whether its `custom-protocol` is off, which `tauri build` turns on.
    let ships = variable("PROFILE") == "release" || variable("DEP_TAURI_DEV") == "false";
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let file = fs::read_to_string(folder.join("tauri.conf.json")).unwrap_or_default();
    let names = external(&file, &variable("TAURI_CONFIG"), &variable("TARGET"));
    for path in names.iter().map(|name| folder.join(name)) {
        println!("cargo::rerun-if-changed={}", path.display());
        if let Err(why) = check(&path, ships) {
            println!("cargo::error={why}");
            process::exit(1);
        }
    }
}

/// The files that Tauri asks for. `TAURI_CONFIG` is merged over the file, and null takes away.
fn external(file: &str, over: &str, target: &str) -> Vec<String> {
    let read = |text: &str| -> Option<Value> {
        let config: Value = serde_json::from_str(text).ok()?;
        config.get("bundle")?.get("externalBin").cloned()
    };
    let suffix = if target.contains("windows") {
        ".exe"
    } else {
        ""
    };
    let list = read(over).or_else(|| read(file)).unwrap_or_default();
    let stems = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    stems
        .map(|stem| format!("{stem}-{target}{suffix}"))
        .collect()
}

fn check(path: &Path, ships: bool) -> Result<(), String> {
    let length = fs::metadata(path).map(|metadata| metadata.len());
    let is_placeholder = length.as_ref().is_ok_and(|length| *length < 4096)
        && fs::read(path)
            .is_ok_and(|bytes| bytes.is_empty() || String::from_utf8_lossy(&bytes).contains(MARK));
    match length {
        Ok(_) if is_placeholder && ships => Err(format!(
            "{} is the placeholder of a sidecar that is not built, and a release would ship it. \
             Build the sidecar and put it there.",
            path.display()
        )),
        Ok(_) => Ok(()),
        Err(_) if ships => Err(format!(
            "The sidecar {} is missing. Build it and put it there; `tauri dev` needs none.",
            path.display()
        )),
        Err(_) => make(path).map_err(|error| {
            format!(
                "The placeholder {} cannot be made: {error}.",
                path.display()
            )
        }),
    }
}

/// A program that says what it is where scripts run, and a file that cannot be started elsewhere.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = format!(
        "#!/bin/sh\n# {MARK}\n\
         echo 'This is a {MARK}: the sidecar is not built. Build it, or give it a dev section.' >&2\n\
         exit 1\n"
    );
    fs::write(path, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"bundle": {"externalBin": ["binaries/api"]}}"#;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("sidecar-build-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn the_files_are_those_that_tauri_asks_for() {
        let linux = "x86_64-unknown-linux-gnu";
        assert_eq!(external(FILE, "", linux), [format!("binaries/api-{linux}")]);
        let windows = "x86_64-pc-windows-msvc";
        assert_eq!(
            external(FILE, "{}", windows),
            [format!("binaries/api-{windows}.exe")]
        );
        let none = r#"{"bundle": {"externalBin": null}}"#;
        assert!(external(FILE, none, linux).is_empty());
        assert!(external("{}", "", linux).is_empty());
    }

    #[test]
    fn a_placeholder_appears_and_no_release_ships_it() {
        let folder = folder("made");
        let path = folder.join("binaries/api");
        assert!(
            check(&path, true)
                .expect_err("missing")
                .contains("is missing")
        );
        assert_eq!(check(&path, false), Ok(()));
        assert_eq!(check(&path, false), Ok(()));
        assert!(
            check(&path, true)
                .expect_err("a placeholder")
                .contains("would ship it")
        );
        fs::write(&path, "").expect("written");
        assert!(
            check(&path, true)
                .expect_err("empty")
                .contains("would ship it")
        );
        fs::write(&path, b"\x7fELF a program").expect("written");
        assert_eq!(check(&path, true), Ok(()));
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[cfg(unix)]
    #[test]
    fn who_starts_a_placeholder_is_told_what_it_is() {
        let path = folder("told").join("api");
        make(&path).expect("made");
        let done = process::Command::new(&path).output().expect("it runs");
        assert_eq!(done.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&done.stderr).contains("is not built"));
        fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
    }
}
