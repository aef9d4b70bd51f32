//! The plugin in an application without a window, over real sidecars. One program, since most of its
//! compilation is Tauri's.
#![cfg(target_os = "linux")]

mod development;
mod given;
mod life;
mod lives;
mod permissions;
mod support;
mod update;
