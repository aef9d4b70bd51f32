#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    tauri::Builder::default()
        .plugin(tauri_plugin_sidecar_supervisor::init())
        .run(tauri::generate_context!())
        .expect("the application could not be run");
}
