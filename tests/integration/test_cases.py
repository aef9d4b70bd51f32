"""Small sidecars like those that people ship, by kind, and what has to be said of each.

They are built with PyInstaller as a folder, benched, and everything that is promised of a kind is
looked for in the output. One or two of each kind are tried on every change, all of them every night.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import sidecars

BOOT = 'print("BOOT sidecar=x version=1.0.0", flush=True)\n'
LIFE = '''
import os, signal, sys, threading
halt = threading.Event()
word = "reason=normal"
def on_signal(number, frame):
    global word
    word = f"reason=signal signal={signal.Signals(number).name}"
    halt.set()
for one in (signal.SIGTERM, signal.SIGINT):
    signal.signal(one, on_signal)
def watch():
    while os.read(0, 4096):
        pass
    halt.set()
def life():
    if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
        threading.Thread(target=watch, daemon=True).start()
    print("READY", flush=True)
    while not halt.wait(0.2):
        pass
    print(f"SHUTDOWN {word}", flush=True)
'''
HELPER = {
    "helperlib/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
    'build-backend = "setuptools.build_meta"\n[project]\nname = "helperlib-case"\n'
    'version = "0.1"\n[tool.setuptools]\npackages = ["helperlib"]\n',
    "helperlib/helperlib/__init__.py": "VALUE = 7\n",
}
SERVE = """
import http.server
from pathlib import Path
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (Path(__file__).parent / "templates" / "home.html").read_bytes()
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"LISTEN port={server.server_port}", flush=True)
"""
NOTES = {
    "src/NAME/__init__.py": '__version__ = "0.3.0"\n',
    "src/NAME/__main__.py": "from .cli import main\nmain()\n",
    "src/NAME/store.py": 'def greet():\n    return "hi"\n',
    "src/NAME/cli.py": LIFE + "from . import __version__\nfrom .store import greet\n"
    "def main():\n    print('BOOT sidecar=notes version=' + __version__, flush=True)\n"
    "    print('GREET', greet(), flush=True)\n    life()\n",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A sidecar, and what its build and its bench have to say.

    Attributes:
        name: Of its kind.
        body: Its ``main.py`` behind BOOT and the life above.
        head: What stands before BOOT.
        main: A whole ``main.py`` in place of these; None for a project without one.
        keys: Lines of ``[tool.sidecar]``.
        project: Lines of ``[project]`` and further tables.
        files: More of its files.
        code: What the build ends with; of the lock, where ``stops`` is "lock".
        says: Patterns of the output of what ran last, all of which it has.
        not_says: Patterns that it must not have.
        stops: The step that has the last word: lock, build or bench.
        every_time: Whether it is tried on every change.
    """

    name: str
    body: str = "life()\n"
    head: str = ""
    main: str | None = ""
    keys: str = ""
    project: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    code: int = 0
    says: tuple[str, ...] = ()
    not_says: tuple[str, ...] = ()
    stops: str = "bench"
    every_time: bool = False
