// A sidecar that keeps the contract, version 1: it greets over HTTP whoever shows the token.
// Node.js 18 or newer, no dependency.

import { Console } from "node:console";
import { timingSafeEqual } from "node:crypto";
import { writeSync } from "node:fs";
import { createServer } from "node:http";

// Stdout is the protocol's: what anybody logs goes to stderr.
globalThis.console = new Console(process.stderr);

const port = Number(process.env.SIDECAR_PORT || 0);
const token = process.env.SIDECAR_TOKEN || "";

function allowed(shown = "") {
  const wanted = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(shown);
  return !token || (given.length === wanted.length && timingSafeEqual(given, wanted));
}

const server = createServer((request, response) => {
  const good = allowed(request.headers.authorization);
  response.writeHead(good ? 200 : 401, { "Content-Type": "text/plain" });
  response.end(good ? "sidecar-contract 0.1.0\n" : "no token\n");
});

let stopping = false;

function stop() {
  if (stopping) return; // a second signal does not cut the first one short
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(1), 6000).unref(); // hosts wait for 8 s
}

for (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"]) {
  try {
    process.on(name, stop);
  } catch {
    // This system has no such signal.
  }
}
if (process.env.SIDECAR_EXIT_ON_EOF === "1") {
  process.stdin.on("end", stop).on("error", stop).resume();
}
process.stderr.on("error", stop); // the host is gone

server.listen(port, "127.0.0.1", () => {
  // writeSync and not console.log: whole lines, in this order, at once.
  writeSync(1, `LISTEN port=${server.address().port}\nREADY\n`);
});
