fn main() {
    tauri_sidecar_build::placeholders(); // `tauri dev` needs no built sidecar, `tauri build` does
    tauri_build::build();
}
