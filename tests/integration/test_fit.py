"""``invoke fit`` on services as people write them: two builds at most, every page is the same."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tomllib
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from tests.support import sidecars

APPLICATIONS = ROOT / "tests" / "applications"
SERVICE = """
import http.server, importlib, json, os, signal, threading
from pathlib import Path
HERE = Path(__file__).parent
print("BOOT sidecar=fit version=1.0.0", flush=True)
names = json.loads((HERE / "settings.json").read_text())["plugins"]
plugins = [importlib.import_module(f"plugins.{name}").NAME for name in names]
KINDS = {".html": "text/html", ".css": "text/css"}
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        file = HERE / "pages" / (self.path.lstrip("/") or "index.html")
        try:
            body, status = file.read_bytes().replace(b"PLUGINS", ",".join(plugins).encode()), 200
        except OSError:
            body, status = b"no such page", 500
        self.send_response(status)
        self.send_header("Content-Type", KINDS.get(file.suffix, "text/plain"))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
threading.Thread(target=server.serve_forever, daemon=True).start()
halt = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: halt.set())
print(f"LISTEN port={server.server_port}", flush=True)
print("READY", flush=True)
halt.wait()
"""
FILES = {
    "main.py": SERVICE,
    "settings.json": '{"plugins": ["alpha", "beta"]}',
    "plugins/__init__.py": "",
    "plugins/alpha.py": 'NAME = "alpha"\n',
    "plugins/beta.py": 'NAME = "beta"\n',
    "pages/index.html": '<link rel=stylesheet href=own.css><a href="second.html">PLUGINS</a>',
    "pages/second.html": "<p>second</p>",
    "pages/own.css": "body { color: #222 }",
    "README.md": "About it.",
}


def written(folder: Path, name: str) -> Path:
    """The service above, with a comment of its author's."""
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        f'# a service\n[project]\nname = "{name}"\nversion = "1.0.0"\n', encoding="utf-8"
    )
    return folder


@pytest.mark.integration
@pytest.mark.parametrize("variant", ["pyinstaller-onedir", "cx_freeze-onedir"])
def test_a_service_is_made_whole_at_once(variant: str, tmp_path: Path) -> None:
    """Plugins by name, a file opened at the start, pages opened when they are asked for."""
    name = f"fit-{variant.partition('-')[0].replace('_', '-')}"
    folder = written(tmp_path / "a service", name)
    with sidecars.cleaned(name):
        done = sidecars.invoke("fit", folder, "--variant", variant, "--write")
        said = " ".join(done.stdout.split())
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{variant} is equal to the plain script after 2 builds: 3 addresses" in said
        manifest = (folder / "pyproject.toml").read_text(encoding="utf-8")
        assert manifest.startswith("# a service\n[project]\n")
        assert tomllib.loads(manifest)["tool"]["sidecar"] == {
            "data": ["pages", "settings.json"],
            "collect": ["plugins"],
        }
        # What was built with the lines is what a build of the written file would make.
        packager, _, mode = variant.partition("-")
        again = sidecars.nox(f"build_{packager}", folder, "--mode", mode)
        assert "up to date" in again.stdout, again.stdout


@pytest.mark.integration
def test_what_nothing_can_make_equal_is_said(tmp_path: Path) -> None:
    """A program that looks whether it is frozen: no key changes that."""
    folder = written(tmp_path, "fit-never")
    with (folder / "main.py").open("a", encoding="utf-8") as file:
        file.write(
            "import sys\nprint('FROZEN' if hasattr(sys, 'frozen') else 'PLAIN', flush=True)\n"
        )
    with sidecars.cleaned("fit-never"):
        done = sidecars.invoke("fit", folder, "--variant", "cx_freeze-onedir")
    said = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout
    assert "is not equal to the plain script after" in said
    assert "writes 'PLAIN' where the program writes 'FROZEN'" in said
    assert "tool" not in tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.integration
def test_a_script_that_fails_is_nothing_to_be_equal_to(tmp_path: Path) -> None:
    """Its own exception is shown, and how to see it."""
    folder = sidecars.write(
        tmp_path, name="fit-broken", main="import os\nos.environ['NOTES_HOME']\n"
    )
    with sidecars.cleaned("fit-broken"):
        done = sidecars.invoke("fit", folder, "--variant", "cx_freeze-onedir")
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert "The plain script of fit-broken does not come up" in said
    assert "KeyError: 'NOTES_HOME'" in said
    assert "Traceback" not in done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize("variant", ["pyinstaller-onedir", "cx_freeze-onedir"])
@pytest.mark.parametrize("application", ["datasette", "django", "litestar", "mkdocs", "streamlit"])
def test_an_application_is_made_whole(application: str, variant: str, tmp_path: Path) -> None:
    """From what a newcomer would write to every page, in two builds."""
    folder = tmp_path / application
    shutil.copytree(APPLICATIONS / application, folder)
    shutil.copy(APPLICATIONS / "serving.py", folder)
    (folder / "tests").mkdir()
    (folder / "tests" / "__init__.py").touch()
    shutil.copy(APPLICATIONS / "asking.py", folder / "tests")
    if application == "datasette":
        (folder / "db").mkdir()
        with contextlib.closing(sqlite3.connect(folder / "db" / "books.db")) as store, store:
            store.execute("create table book (id integer primary key, title text, year integer)")
            books = [("Emma", 1815), ("Dracula", 1897)]
            store.executemany("insert into book (title, year) values (?, ?)", books)
    with sidecars.cleaned(f"{application}-sidecar"):
        done = sidecars.invoke("fit", folder, "--variant", variant, "--write")
        assert done.returncode == 0, done.stdout[-6000:]
        match = re.search(r"is equal to the plain script after (\d) builds?: (.*)", done.stdout)
        assert match, done.stdout
        assert int(match[1]) <= 2, done.stdout
        assert "its smoke command passes and " in match[2]
