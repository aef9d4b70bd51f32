"""A small program that keeps the whole contract, and changes to it that each break a row."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

GOOD = """\
import http.server, os, signal, subprocess, sys, threading, time
def early(): pass
early()
port = int(os.environ.get("SIDECAR_PORT") or 0)
token = os.environ["SIDECAR_TOKEN"]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers.get("Authorization") == "Bearer " + token
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        http.server.socketserver.TCPServer.server_bind(self)
def stop(*_):
    threading.Thread(target=server.shutdown).start()
def watch():
    while os.read(0, 4096):
        pass
    stop()
server = Server(("127.0.0.1", port), Answer)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
def late(): pass
late()
threading.Thread(target=watch, daemon=True).start()
os.write(1, b"LISTEN port=%d\\n" % server.server_address[1])
os.write(1, b"READY\\n")
server.serve_forever(0.02)
def last(): pass
last()
"""

SLEEP = '[sys.executable, "-S", "-c", "import time; time.sleep(60)"]'


def write(folder: Path, changes: Mapping[str, str] | None = None) -> list[str]:
    """Write the program with some of its lines changed, and give the command that starts it.

    Args:
        folder: Where.
        changes: What stands in place of which text; each has to be there.
    """
    text = GOOD
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return command(folder, text)


def command(folder: Path, text: str) -> list[str]:
    """Write a program, and give the command that starts it."""
    script = folder / "program.py"
    script.write_text(text, encoding="utf-8")
    # Without site-packages: what notes the lines that tests run is not the program's.
    return [sys.executable, "-S", str(script)]
