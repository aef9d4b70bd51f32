//! What pages may ask for, each by a permission of its own. No command takes a program, an argument
//! or a variable: those stand in the configuration alone.

use tauri::ipc::Channel;
use tauri::{Runtime, State, Webview, command};

use crate::Sidecars;
use crate::error::Result;
use crate::models::{Access, Diagnostics, LogBatch, Prepared, Status};

#[command(async)]
pub fn start(sidecars: State<'_, Sidecars>, name: &str) -> Result<()> {
    sidecars.start(name)
}

/// Answers when nothing of it runs.
#[command(async)]
pub fn stop(sidecars: State<'_, Sidecars>, name: &str) -> Result<Status> {
    sidecars.stop(name)
}

#[command(async)]
pub fn restart(sidecars: State<'_, Sidecars>, name: &str) -> Result<()> {
    sidecars.restart(name)
}

#[command]
pub fn status(sidecars: State<'_, Sidecars>, name: &str) -> Result<Status> {
    sidecars.status(name)
}

/// Sends the state of each sidecar at once, and then every change.
#[command]
pub fn watch<R: Runtime>(
    webview: Webview<R>,
    sidecars: State<'_, Sidecars>,
    on_change: Channel<Status>,
) -> Result<u32> {
    sidecars.watch(webview.label(), on_change)
}

#[command]
pub fn unwatch(sidecars: State<'_, Sidecars>, id: u32) {
    sidecars.unwatch(id);
}

#[command]
pub fn access(sidecars: State<'_, Sidecars>, name: &str) -> Result<Access> {
    sidecars.access(name)
}

/// Sends the lines from number `since` on that are still known, and then every further one.
#[command]
pub fn logs<R: Runtime>(
    webview: Webview<R>,
    sidecars: State<'_, Sidecars>,
    name: &str,
    since: u64,
    on_lines: Channel<LogBatch>,
) -> Result<u32> {
    sidecars.logs(webview.label(), name, since, on_lines)
}

#[command]
pub fn diagnostics(sidecars: State<'_, Sidecars>, name: &str) -> Result<Diagnostics> {
    sidecars.diagnostics(name)
}

#[command(async)]
pub fn report(sidecars: State<'_, Sidecars>, name: &str) -> Result<String> {
    sidecars.report(name)
}

#[command(async)]
pub fn prepare_update(sidecars: State<'_, Sidecars>) -> Result<Vec<Prepared>> {
    sidecars.prepare_update()
}

#[command(async)]
pub fn resume(sidecars: State<'_, Sidecars>) -> Result<()> {
    sidecars.resume()
}
