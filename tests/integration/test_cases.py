"""Small sidecars like those that people ship, by kind, and what has to be said of each.

They are built with PyInstaller as a folder and benched, and what is promised of a kind is looked
for in the output. One or two of each kind are tried on every change, all of them every night.
"""

from __future__ import annotations

import re
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from tests.support import sidecars

BOOT = 'print("BOOT sidecar=x version=1.0.0", flush=True)\n'
LIFE = """
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
"""
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


OURS = [
    Case(
        name="sqlite-fresh",
        body="import sqlite3\nfrom pathlib import Path\n"
        "db = sqlite3.connect(Path(__file__).parent / 'notes.db')\n"
        "db.execute('create table if not exists note (text)')\n"
        "db.execute(\"insert into note values ('hello')\")\ndb.commit()\n"
        "print('NOTES', db.execute('select count(*) from note').fetchone(), flush=True)\nlife()\n",
        says=(r"writes beside itself: notes\.db", r"Use the user's data folder"),
        every_time=True,
    ),
    Case(
        name="readonly-install",
        body="from pathlib import Path\ncache = Path(__file__).parent / 'cache'\n"
        "cache.mkdir(exist_ok=True)\n(cache / 'index.json').write_text('{}')\nlife()\n",
        says=(r"writes beside itself: cache", r"refused below /usr and Program Files"),
    ),
    Case(
        name="log-cwd",
        body="import logging\nlogging.basicConfig(filename='service.log', level=logging.INFO)\n"
        "logging.info('started')\nlife()\n",
        says=(r"writes where it stands: service\.log", r"absolute path"),
    ),
    Case(
        name="child-stays",
        body="import subprocess\nsubprocess.Popen(['sleep', '300'])\nlife()\n",
        code=1,
        stops="build",
        says=(r"1 left: sleep 300", r"the plain script leaves the same behind"),
    ),
]
MINE = [
    Case(
        name="two-files",
        body="import helper\nprint('HELP', helper.VALUE, flush=True)\nlife()\n",
        files={"helper.py": "VALUE = 1\n"},
        not_says=(r"Try:", r"warning: .*helper"),
        every_time=True,
    ),
    Case(
        name="namespace-pkg",
        body="from company import core\nprint('CORE', core.VALUE, flush=True)\nlife()\n",
        files={"company/core.py": "VALUE = 1\n"},
        not_says=(r"dependencies = ",),
    ),
    Case(
        name="vendor-path",
        body="import sys\nfrom pathlib import Path\n"
        "sys.path.insert(0, str(Path(__file__).resolve().parent / 'vendor'))\nimport tinymath\n"
        "print('SUM', tinymath.add(1, 2), flush=True)\nlife()\n",
        files={"vendor/tinymath.py": "def add(a, b):\n    return a + b\n"},
        not_says=(r"dependencies = ",),
    ),
    Case(
        name="windows-helper",
        project='dependencies = ["click", "pywin32; sys_platform == \'win32\'"]\n',
        body="import sys\nif sys.platform == 'win32':\n    import winhelper\nlife()\n",
        files={"winhelper.py": "import win32api\n"},
        not_says=(r"imports 'win32api'",),
    ),
    Case(
        name="suppress-import",
        body="import contextlib\nwith contextlib.suppress(ImportError):\n    import uvloop\n"
        "    uvloop.install()\nlife()\n",
        not_says=(r"imports 'uvloop'",),
    ),
]
PARTS = [
    Case(
        name="plugins-pkgutil",
        body="import importlib, pkgutil, plugins\n"
        "found = [importlib.import_module(f'plugins.{m.name}').NAME\n"
        "         for m in pkgutil.iter_modules(plugins.__path__)]\n"
        "print('PLUGINS', ','.join(found) or 'none', flush=True)\nlife()\n",
        files={
            "plugins/__init__.py": "",
            "plugins/alpha.py": "NAME = 'alpha'\n",
            "plugins/beta.py": "NAME = 'beta'\n",
        },
        stops="build",
        says=(
            r'the plain script loads plugins\.alpha, plugins\.beta.*collect = \["plugins"\]',
            r"'PLUGINS alpha,beta' where the program writes 'PLUGINS none'",
        ),
        every_time=True,
    ),
    Case(
        name="plugins-by-file",
        body="import importlib.util as u\nfrom pathlib import Path\n"
        "found = sorted((Path(__file__).parent / 'addons').glob('*.py'))\nfor place in found:\n"
        "    spec = u.spec_from_file_location(place.stem, place)\n"
        "    spec.loader.exec_module(u.module_from_spec(spec))\n"
        "print('ADDONS', len(found), flush=True)\nlife()\n",
        files={"addons/a.py": "import wave\n", "addons/b.py": ""},
        stops="build",
        says=(r'data = \["addons"\]', r'hidden_imports = \["wave"\]'),
        not_says=(r"collect = ",),
    ),
    Case(
        name="hooks-logged",
        body="import importlib, logging\nlogging.basicConfig(level=logging.INFO)\nactive = []\n"
        "for name in ('redact', 'audit'):\n    try:\n"
        "        active.append(importlib.import_module(f'hooks.{name}'))\n"
        "    except Exception as error:\n        logging.warning('%r is off: %s', name, error)\n"
        "print('HOOKS', len(active), flush=True)\nlife()\n",
        files={"hooks/__init__.py": "", "hooks/redact.py": "", "hooks/audit.py": ""},
        stops="build",
        says=(r'collect = \["hooks"\]', r"'HOOKS 2' where the program writes 'HOOKS 0'"),
    ),
    Case(
        name="lazy-template",
        body=SERVE + "life()\n",
        files={"templates/home.html": "<p>home</p>"},
        stops="build",
        says=(r"templates did not ship", r"a smoke command would ask"),
    ),
    Case(
        name="lazy-template-smoke",
        body=SERVE + "life()\n",
        files={"templates/home.html": "<p>home</p>"},
        keys='smoke = ["python", "-c", "import urllib.request as u; '
        "u.urlopen('http://127.0.0.1:{port}/', timeout=5)\"]\n",
        stops="build",
        code=1,
        says=(r'data = \["templates"\]',),
    ),
    Case(
        name="mp-process-ready",
        body="import multiprocessing\ndef work():\n    print('WORK', flush=True)\n"
        "if __name__ == '__main__':\n    multiprocessing.set_start_method('spawn')\n"
        "    depth = int(os.environ.get('CASE_DEPTH', '0'))\n"
        "    os.environ['CASE_DEPTH'] = str(depth + 1)\n    if depth < 2:\n"
        "        multiprocessing.Process(target=work, daemon=True).start()\n    life()\n",
        stops="build",
        code=1,
        says=(r"freeze_support\(\)",),
        every_time=True,
    ),
    Case(
        name="mp-spawn-fixed",
        body="import multiprocessing, time\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "def square(n):\n    return n * n\nif __name__ == '__main__':\n"
        "    multiprocessing.freeze_support()\n"
        "    depth = int(os.environ.get('CASE_DEPTH', '0'))\n"
        "    if depth >= 3:\n        time.sleep(20); sys.exit(9)\n"
        "    os.environ['CASE_DEPTH'] = str(depth + 1)\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    with ProcessPoolExecutor(1, mp_context=context) as pool:\n"
        "        print('SQUARE', list(pool.map(square, [3])), flush=True)\n    life()\n",
    ),
    Case(
        name="meipass",
        body="import json\ndef resource(name):\n"
        "    base = getattr(sys, '_MEIPASS', os.path.abspath('.'))\n"
        "    return os.path.join(base, name)\n"
        "print('SET', json.load(open(resource('config/settings.json'))), flush=True)\nlife()\n",
        files={"config/settings.json": "{}"},
        stops="build",
        code=1,
        says=(r'data = \["config/settings\.json"\]|data = \["config"\]',),
    ),
]
WORDS = [
    Case(
        name="optional-logged",
        body="import logging\ntry:\n    import orjson as json\nexcept ImportError:\n"
        "    logging.exception('orjson is not there, the slower json is used')\n    import json\n"
        "if not os.environ.get('NOTES_HOME'):\n    raise RuntimeError('NOTES_HOME is not set')\n"
        "life()\n",
        stops="build",
        code=1,
        says=(r"RuntimeError: NOTES_HOME is not set",),
        not_says=(r"hidden_imports = \[\"orjson", r"dependencies = "),
        every_time=True,
    ),
    Case(
        name="exe-parent",
        body="import sys\nfrom pathlib import Path\n"
        "frozen = getattr(sys, 'frozen', False)\n"
        "HERE = Path(sys.executable).parent if frozen else Path(__file__).parent\n"
        "print('WORDS', len((HERE / 'words.txt').read_text().split()), flush=True)\nlife()\n",
        keys='data = ["words.txt"]\n',
        files={"words.txt": "a b c"},
        stops="build",
        code=1,
        says=(r"did not ship to: it lies at _internal/words\.txt", r"__file__"),
        not_says=(r"--force",),
    ),
    Case(
        name="dir-listing",
        body="from pathlib import Path\n"
        "print('MODELS', len(list((Path(__file__).parent / 'models').iterdir())), flush=True)\n"
        "life()\n",
        files={"models/a.bin": "a", "models/b.bin": "b"},
        stops="build",
        code=1,
        says=(r'data = \["models"\]',),
    ),
    Case(
        name="multiline-error",
        project='dependencies = ["pydantic"]\n',
        body="import pydantic\nclass Settings(pydantic.BaseModel):\n    token: str\nSettings()\n"
        "life()\n",
        stops="build",
        code=1,
        says=(r"ValidationError: 1 validation error for Settings.*token.*Field required",),
    ),
    Case(
        name="builtin-exit",
        main=BOOT + "import signal, time\ndef leave(*_):\n"
        "    print('SHUTDOWN reason=signal signal=SIGTERM', flush=True)\n    exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nsignal.signal(signal.SIGINT, leave)\n"
        "print('READY', flush=True)\nwhile True:\n    time.sleep(0.2)\n",
        stops="build",
        code=1,
        says=(r"exit\(\)", r"sys\.exit"),
    ),
    Case(
        name="staticfiles",
        project='dependencies = ["starlette"]\n',
        body="from pathlib import Path\nfrom starlette.staticfiles import StaticFiles\n"
        "StaticFiles(directory=Path(__file__).parent / 'static')\nlife()\n",
        files={"static/index.html": "<p>"},
        stops="build",
        code=1,
        says=(r'data = \["static"\]',),
    ),
    Case(
        name="relative-cwd",
        keys='data = ["settings.json"]\n',
        body="import json\nsettings = json.load(open('settings.json'))\nlife()\n",
        files={"settings.json": "{}"},
        stops="build",
        code=1,
        says=(r"settings\.json", r"__file__"),
    ),
    Case(
        name="no-flush",
        main=LIFE + "print('BOOT sidecar=x version=1.0.0')\nprint('READY')\n"
        "while not halt.wait(0.2):\n    pass\nprint('SHUTDOWN', word)\n",
        keys="ready_timeout_s = 3.0\n",
        stops="build",
        code=1,
        says=(r"buffer", r"flush"),
    ),
    Case(
        name="ready-stderr",
        body="import logging\n"
        "logging.basicConfig(level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')\n"
        "logging.info('READY')\nwhile not halt.wait(0.2):\n    pass\n",
        keys="ready_timeout_s = 3.0\n",
        stops="build",
        code=1,
        says=(r"stderr", r"ready_pattern|ready_stream"),
    ),
    Case(
        name="uvicorn-plain",
        project='dependencies = ["uvicorn>=0.30", "starlette"]\n',
        main="import contextlib\nimport uvicorn\n@contextlib.asynccontextmanager\n"
        "async def lifespan(app):\n    print('READY', flush=True)\n    yield\n"
        "    print('SHUTDOWN reason=normal', flush=True)\n"
        "from starlette.applications import Starlette\napp = Starlette(lifespan=lifespan)\n"
        "if __name__ == '__main__':\n    "
        + BOOT
        + "    uvicorn.run(app, host='127.0.0.1', port=0)\n",
        stops="build",
        code=1,
        says=(r"SIGTERM", r"raises? .*signal|signal .*again"),
    ),
    Case(
        name="uvicorn-reload",
        project='dependencies = ["uvicorn>=0.30"]\n',
        keys='hidden_imports = ["main"]\n',
        main="import os, sys, time\nimport uvicorn\nasync def app(scope, receive, send):\n"
        "    while scope['type'] == 'lifespan':\n        m = await receive()\n"
        "        if m['type'] == 'lifespan.startup':\n            print('READY', flush=True)\n"
        "        else:\n            return await send({'type': 'lifespan.shutdown.complete'})\n"
        "        await send({'type': 'lifespan.startup.complete'})\n"
        "if __name__ == '__main__':\n    depth = int(os.environ.get('CASE_DEPTH', '0'))\n"
        "    if depth >= 3:\n        time.sleep(20); sys.exit(9)\n"
        "    os.environ['CASE_DEPTH'] = str(depth + 1)\n    "
        + BOOT
        + "    uvicorn.run('main:app', host='127.0.0.1', port=0, reload=True)\n",
        stops="build",
        code=1,
        says=(r"reload",),
    ),
    Case(
        name="sys-executable",
        body="import subprocess, time\ndepth = int(os.environ.get('CASE_DEPTH', '0'))\n"
        "if depth >= 3:\n    time.sleep(5); sys.exit(9)\n"
        "os.environ['CASE_DEPTH'] = str(depth + 1)\n"
        "done = subprocess.run([sys.executable, '-m', 'json.tool', '--help'],\n"
        "                      capture_output=True, text=True)\n"
        "print('TOOL', done.returncode, flush=True)\nlife()\n",
        stops="build",
        code=1,
        says=(r"sys\.executable",),
    ),
    Case(
        name="plain-bug",
        body="print('HOME', os.environ['NOTES_HOME'], flush=True)\nlife()\n",
        stops="build",
        code=1,
        says=(r"KeyError: 'NOTES_HOME'", r"the plain script fails in the same way"),
    ),
]
SAID = [
    Case(
        name="src-layout",
        main=None,
        project='dynamic = ["version"]\ndependencies = []\n'
        '[project.scripts]\nnotes = "notes.cli:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[tool.hatch.version]\npath = "src/notes/__init__.py"\n',
        files={path.replace("NAME", "notes"): text for path, text in NOTES.items()},
        every_time=True,
    ),
    Case(
        name="src-main",
        main=None,
        keys='entry = "src/notes2/__main__.py"\n',
        files={path.replace("NAME", "notes2"): text for path, text in NOTES.items()},
    ),
    Case(
        name="dyn-deps",
        project='dynamic = ["dependencies"]\n'
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[tool.setuptools.dynamic]\ndependencies = { file = ["requirements.txt"] }\n',
        body="import click\nlife()\n",
        files={"requirements.txt": "click\n"},
    ),
    Case(
        name="path-url",
        project='dependencies = ["helperlib-case @ file://HERE/helperlib"]\n',
        body="import helperlib\nprint('HELPER', helperlib.VALUE, flush=True)\nlife()\n",
        files=HELPER,
    ),
    Case(
        name="git-url",
        project='dependencies = ["helperlib-case @ git+file://HERE/helperlib"]\n',
        body="import helperlib\nprint('HELPER', helperlib.VALUE, flush=True)\nlife()\n",
        files=HELPER,
    ),
    Case(
        name="uv-lock",
        project='requires-python = ">=3.11"\ndependencies = ["click>=8"]\n',
        body="import click\nfrom importlib.metadata import version\n"
        "if version('click') != '8.1.8':\n    sys.exit('click ' + version('click'))\nlife()\n",
        keys='metadata = ["click"]\n',
    ),
    Case(
        name="requires-python",
        project='requires-python = ">=3.12"\n',
        body="type Pair = tuple[int, int]\nlife()\n",
        stops="build",
        code=1,
        says=(r"requires-python|needs Python", r"3\.12"),
        not_says=(r"not valid Python",),
    ),
    Case(
        name="spec-user",
        keys='exclude = ["tkinter"]\npyinstaller_args = ["--noconsole"]\n',
        stops="build",
        code=1,
        says=(r'\[tool\.sidecar\.pyinstaller\] args = \["--noconsole"\]',),
    ),
    Case(
        name="uvicorn-ready-text",
        project='dependencies = ["uvicorn>=0.30"]\n',
        keys='ready = "Uvicorn running on"\nready_timeout_s = 4.0\n',
        main="import uvicorn\nasync def app(scope, receive, send):\n    pass\n"
        "if __name__ == '__main__':\n"
        "    uvicorn.run(app, host='127.0.0.1', port=0, lifespan='off')\n",
        stops="build",
        code=1,
        says=(r"ready_pattern",),
    ),
    Case(
        name="silent-http",
        keys='health = "http://127.0.0.1:47812/health"\nready_timeout_s = 3.0\n',
        main="import http.server, signal, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(b'ok')\n"
        "    def log_message(self, *a): pass\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "http.server.ThreadingHTTPServer(('127.0.0.1', 47812), H).serve_forever()\n",
        stops="build",
        code=1,
        says=(r"ready_url = \"http://127\.0\.0\.1:47812/health\"",),
    ),
    Case(
        name="port-argument",
        keys='args = ["--port", "{port}"]\n',
        body="life()\n",
        stops="build",
        code=1,
        says=(r"\{free_port\}",),
    ),
    Case(
        name="data-outside",
        keys='data = ["../shared_model.bin"]\n',
        stops="build",
        code=1,
        says=(r"not inside the sidecar's folder", r'data = \["shared_model\.bin"\]'),
    ),
    Case(
        name="typo-table",
        project='[tool.side-car]\ndata = ["words.txt"]\n',
        files={"words.txt": "a"},
        stops="build",
        code=1,
        says=(r"\[tool\.sidecar\] in place of \[tool\.side-car\]",),
    ),
]
CASES = [*OURS, *MINE, *PARTS, *WORDS, *SAID]


def written(case: Case, folder: Path) -> Path:
    """Write a case's files."""
    main = case.head + BOOT + LIFE + case.body if case.main == "" else case.main
    version = "" if 'dynamic = ["version"]' in case.project else 'version = "1.0.0"\n'
    name = f'name = "case-{case.name}"\n'
    table = f"[tool.sidecar]\n{case.keys}" if case.keys else ""
    manifest = f"[project]\n{name}{version}{case.project}\n{table}"
    files = {
        "pyproject.toml": manifest.replace("HERE", urllib.parse.quote(str(folder))),
        **case.files,
    }
    if main is not None:
        files["main.py"] = main
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def prepared(case: Case, folder: Path) -> None:
    """What the author of a case has done besides."""
    if case.name == "git-url":
        own = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
        for words in (["init", "-q"], ["add", "."], [*own, "commit", "-qm", "first"]):
            subprocess.run(["git", *words], cwd=folder / "helperlib", check=True)
    if case.name == "uv-lock":
        words = ["uv", "lock", "-q", "--python", "3.11", "-P", "click==8.1.8"]
        subprocess.run([str(ROOT / ".venv/bin/uv"), *words[1:]], cwd=folder, check=True)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.integration if case.every_time else pytest.mark.nightly,
            id=case.name,
        )
        for case in CASES
    ],
)
def test_a_case_is_judged_truly(case: Case, tmp_path: Path) -> None:
    """By the very commands that a user types, in a folder with a space; nothing of it changes."""
    folder = written(case, tmp_path / "a sidecar")
    prepared(case, folder)
    before = contents(folder)
    with sidecars.cleaned(f"case-{case.name}"):
        done = None
        if "dependencies = " in case.project or 'dynamic = ["dep' in case.project:
            done = sidecars.nox("lock", folder)
            assert done.returncode == 0, done.stdout
        done = sidecars.nox("build_pyinstaller", folder, "--mode", "onedir")
        if case.stops == "bench":
            assert done.returncode == 0, done.stdout
            built = done.stdout
            shipped = ROOT / "dist" / "sidecars" / f"case-{case.name}" / "pyinstaller-onedir"
            state = contents(shipped)
            variant = ("--variant", "pyinstaller-onedir")
            done = sidecars.invoke("bench", folder, "--launches", "3", *variant)
            assert done.returncode == 0, done.stdout
            assert contents(shipped) == state, "what ships is byte for byte as it was"
            said = " ".join((built + done.stdout).split())
        else:
            said = " ".join(done.stdout.split())
            assert (done.returncode == 0) is (case.code == 0), done.stdout
    for pattern in case.says:
        assert re.search(pattern, said), f"{pattern}\n{done.stdout}"
    for pattern in case.not_says:
        assert not re.search(pattern, said), f"{pattern}\n{done.stdout}"
    assert "Traceback (most recent call last)" not in done.stdout
    after = contents(folder)
    assert {path: after.get(path) for path in before} == before, (
        "the author's files are as they were"
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but for what git keeps."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }
