"use strict";

// The page asks for the picture, at load and whenever it is told that something changed. So it
// shows the truth however late it loads. Text from the sidecar is only ever set as textContent.

const { invoke, Channel } = window.__TAURI__.core;

/** Lines kept in the page; the host keeps as many. */
const MAX_LINES = 1000;

const STATES = {
  idle: ["Idle", "Nothing has been launched yet."],
  spawning: ["Starting", "The system is starting the program."],
  waiting_ready: ["Waiting for READY", "The program runs and has not said that it is ready."],
  ready: ["Ready", "The sidecar said that it is ready."],
  stopping: ["Stopping", "The sidecar and what it started are being ended."],
  exited: ["Stopped", "The sidecar was asked to stop, and nothing of it is left."],
  failed: ["Failed", "The sidecar is not running."],
};
const TAGS = { boot: "BOOT", ready: "READY", heartbeat: "HEARTBEAT", shutdown: "SHUTDOWN" };
const RUNNING = ["spawning", "waiting_ready", "ready"];

const element = (id) => document.getElementById(id);
const setText = (id, text) => {
  // Only real changes, so that a screen reader does not hear the same thing again.
  if (element(id).textContent !== text) element(id).textContent = text;
};
const seconds = (ms) => (ms / 1000).toFixed(3);

let nextLine = 0;
let lastLaunch = null;
let asking = false;
let askAgain = false;
let shownFailure = null;
let countdown = null;

function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** The address that has to answer, for a sidecar that is ready by that; null for others. */
function awaitedAddress(view) {
  const template = view.config ? view.config.ready_url : null;
  if (!template) return null;
  const launched = view.sidecar ? view.sidecar.launched : null;
  const port = launched ? launched.free_port : null;
  return port ? template.replaceAll("{free_port}", String(port)) : template;
}

function sentenceOf(name, view) {
  const address = awaitedAddress(view);
  if (address && name === "waiting_ready") {
    return `The program runs, and ${address} does not answer yet.`;
  }
  if (address && name === "ready") return `The sidecar answers at ${address}.`;
  return STATES[name][1];
}

function showState(view) {
  const sidecar = view.sidecar;
  const name = view.config_error ? "failed" : sidecar ? sidecar.state.name : "idle";
  const title = STATES[name][0];
  document.body.dataset.state = name;
  setText("state", title);
  setText("sentence", sentenceOf(name, view));
  const config = view.config;
  setText("name", config ? config.name : "Sidecar");
  setText("variant", config ? config.variant : "no launch configuration");
  setText("packager", config ? `${config.packager} ${config.packager_version}` : "–");
  setText("ready", milliseconds(sidecar && sidecar.ready_ms));
  setText("pid", sidecar && sidecar.pid ? String(sidecar.pid) : "–");
  setText("launch", sidecar && sidecar.launch ? `number ${sidecar.launch}` : "–");
  element("pid").title = view.program ?? "";
  document.title = `${title} – ${config ? config.name : "sidecar host"}`;
  enable("restart", sidecar !== null);
  enable("stop", RUNNING.includes(name) || Boolean(sidecar && sidecar.recovery.restart_at_ms));
}

function enable(id, enabled) {
  // Not `disabled`: that would take the focus away from somebody who has just pressed it.
  element(id).setAttribute("aria-disabled", String(!enabled));
}

function showHealth(health) {
  element("health").hidden = !health;
  if (!health) return;
  const answer = health.error ?? `${health.status} ${health.body}`;
  setText("health", `GET ${health.url}  →  ${answer}`);
}

function showFailure(view) {
  const failure = view.sidecar ? view.sidecar.failure : null;
  const text = view.config_error ?? (failure ? failure.text : null);
  element("failure").hidden = text === null;
  showNext(view);
  if (text === shownFailure) return;
  shownFailure = text;
  if (text === null) {
    // Emptied, so that the same failure is announced again when it comes again.
    setText("failure-what", "");
    return;
  }
  setText("failure-what", failure ? failure.report.what : text);
  element("failure-causes").replaceChildren(
    ...(failure ? failure.report.causes : []).map((cause) => {
      const item = document.createElement("li");
      item.textContent = cause;
      return item;
    }),
  );
  element("failure-details").open = true;
  setText("failure-text", text);
}

function showNext(view) {
  clearInterval(countdown);
  const recovery = view.sidecar ? view.sidecar.recovery : {};
  if (!recovery.restart_at_ms) {
    setText("failure-next", recovery.left_because ?? "");
    return;
  }
  const due = performance.now() + recovery.restart_at_ms - view.now_ms;
  const show = () => {
    const left = Math.max(0, Math.ceil((due - performance.now()) / 1000));
    setText("failure-next", `It is started again in ${left} s.`);
  };
  show();
  countdown = setInterval(show, 1000);
}

function lineElement(line) {
  const item = document.createElement("li");
  // What tells that it is ready may be looked for on stderr as well.
  const plain = line.stream === "stderr" && line.kind !== "ready";
  item.className = plain ? "stderr" : line.kind;
  const time = document.createElement("time");
  time.textContent = seconds(line.atMs);
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = plain ? "stderr" : (TAGS[line.kind] ?? "stdout");
  const text = document.createElement("span");
  text.className = "text";
  text.textContent = line.text;
  item.append(time, tag, text);
  return item;
}

function showLog(view) {
  const log = element("log");
  const follow = element("follow").checked;
  const items = view.log.map(lineElement);
  const launch = view.sidecar ? view.sidecar.launch : null;
  if (items.length > 0 && launch !== lastLaunch && log.childElementCount > 0) {
    items[0].classList.add("break");
  }
  if (items.length > 0) lastLaunch = launch;
  log.append(...items);
  while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
  nextLine = view.next_line;
  const gone = nextLine - log.childElementCount;
  setText("log-note", gone > 0 ? `${gone} earlier lines are not kept` : "");
  element("log-empty").hidden = log.childElementCount > 0;
  if (follow && items.length > 0) log.scrollTop = log.scrollHeight;
}

async function refresh() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  do {
    askAgain = false;
    const view = await invoke("view", { since: nextLine });
    showState(view);
    showHealth(view.health);
    showFailure(view);
    showLog(view);
  } while (askAgain);
  asking = false;
}

function press(id, command) {
  element(id).addEventListener("click", () => {
    if (element(id).getAttribute("aria-disabled") !== "true") invoke(command);
  });
}

async function copyDiagnostics() {
  const copied = await copyText(element("failure-text"));
  setText("announce", "");
  setText(
    "announce",
    copied
      ? "The diagnostics were copied."
      : "The system refused to copy. The diagnostics are selected: copy them with the keyboard.",
  );
  setText("copy", copied ? "Copied" : "Press Ctrl+C");
  setTimeout(() => setText("copy", "Copy diagnostics"), 2000);
}

async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Without the clipboard interface: the selection can be copied.
    element("failure-details").open = true;
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}

press("restart", "restart");
press("stop", "stop");
async function showReport() {
  setText("report-text", await invoke("report"));
  element("report-text").hidden = false;
  element("save-report").hidden = false;
  element("report-text").focus();
}

async function saveReport() {
  setText("report-saved", "");
  try {
    setText("report-saved", `The report was saved: ${await invoke("save_report")}`);
  } catch (error) {
    setText("report-saved", `The report was not saved: ${error}`);
  }
}

element("copy").addEventListener("click", copyDiagnostics);
element("report").addEventListener("click", showReport);
element("save-report").addEventListener("click", saveReport);
element("log").addEventListener("scroll", () => {
  const log = element("log");
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  // Scrolling back stops following, scrolling to the end follows again.
  if (element("follow").checked !== atEnd) element("follow").checked = atEnd;
});
element("follow").addEventListener("change", () => {
  if (element("follow").checked) element("log").scrollTop = element("log").scrollHeight;
});

const changes = new Channel();
changes.onmessage = refresh;
invoke("watch", { onChange: changes });
refresh();
