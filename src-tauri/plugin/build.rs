//! Makes the permissions of the commands.

const COMMANDS: &[&str] = &[
    "start",
    "stop",
    "restart",
    "status",
    "watch",
    "unwatch",
    "access",
    "logs",
    "diagnostics",
    "report",
    "prepare_update",
    "resume",
];

fn main() {
    tauri_plugin::Builder::new(COMMANDS)
        .global_api_script_path("./api-iife.js")
        .build();
}
