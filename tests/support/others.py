"""Sidecars that do not speak as the hello sidecar does, to be frozen by PyInstaller in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spike.project.sidecar import Sidecar, load
from tests.support import sidecars

VARIANT = "pyinstaller-onedir"

_SILENT = """\
import http.server, os, signal, sys


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["WORDS"].encode())

    def log_message(self, *words):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()
"""

_SERVING = """\
import http.server, signal, sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
print("INFO: starting", file=sys.stderr, flush=True)
print(f"INFO: Serving on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
server.serve_forever()
"""

_BY_THE_PLAN = """\
import signal, sys


def stop(number, frame):
    print(f"SHUTDOWN reason=signal signal={signal.Signals(number).name}", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
print("BOOT sidecar=other-plan version=1.0.0", flush=True)
print("READY", flush=True)
signal.pause()
"""

_RAISES_AGAIN = """\
import os, signal


def stop(number, frame):
    print("SHUTDOWN reason=signal signal=SIGTERM", flush=True)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


signal.signal(signal.SIGTERM, stop)
print("BOOT sidecar=other-raises version=1.0.0", flush=True)
print("READY", flush=True)
while True:
    signal.pause()
"""

_URL = 'ready_url = "http://127.0.0.1:{free_port}/health"'
OTHERS = {
    "other-silent": (
        _SILENT,
        f'{_URL}\nargs = ["--port", "{{free_port}}"]\nenv = {{ WORDS = "good day" }}\n'
        'health = "http://127.0.0.1:{free_port}/health"',
    ),
    "other-serving": (
        _SERVING,
        'ready_pattern = "Serving on http://\\\\S+"\nready_stream = "stderr"',
    ),
    "other-plan": (_BY_THE_PLAN, ""),
}
"""By name: the script and its settings. None needs anything that Python does not have."""

RAISES_AGAIN = (_RAISES_AGAIN, "")
"""As uvicorn ends by itself: after a clean shutdown it raises the signal again."""


@contextmanager
def frozen(
    folder: Path, name: str, main: str, settings: str, *, code: int = 0
) -> Iterator[Sidecar]:
    """A sidecar, built; whatever the tools keep of it goes at the end.

    Args:
        folder: Where to write it.
        name: Its name, which no other test has at the same time.
        main: Its script.
        settings: Its ``[tool.sidecar]``.
        code: What the build has to exit with.
    """
    with sidecars.cleaned(name):
        sidecars.write(folder, name=name, main=main, settings=settings)
        done = sidecars.nox("build_pyinstaller", folder, "--mode", "onedir")
        assert done.returncode == code, done.stdout
        yield load(folder)
