"""Projects as people have them: packaged and launched by what a user types, with nothing else said.

One of each kind is tried on every change, all of them every night.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from spike.project.sidecar import load
from tests.support import sidecars
from tests.support.commands import nox

LIFE = """
import os, signal, sys, threading
halt = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: halt.set())
def life(line="READY"):
    print(line, flush=True)
    halt.wait()
"""
MAIN = f"{LIFE}\nlife()\n"
PROJECT = '[project]\nname = "{name}"\nversion = "1.0.0"\n'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project, and what its build has to say.

    Attributes:
        name: Name of the sidecar.
        files: Its files; ``pyproject.toml`` may be left out.
        says: A pattern that the build's output has.
        good: Whether the build ends with 0.
        lock: Whether its dependencies are locked first.
    """

    name: str
    files: dict[str, str]
    says: str = r"first launch [\d.]+ ms"
    good: bool = True
    lock: bool = False


MINE = [
    Case(
        name="own-namespace",
        files={"main.py": f"from company import core\n{MAIN}", "company/core.py": "X = 1\n"},
    ),
    Case(
        name="own-vendored",
        files={
            "main.py": "import sys\nfrom pathlib import Path\n"
            "sys.path.insert(0, str(Path(__file__).resolve().parent / 'vendor'))\n"
            f"import tiny\n{MAIN}",
            "vendor/tiny.py": "X = 1\n",
        },
    ),
    Case(
        name="own-packaging",
        files={
            "main.py": f"from packaging import version\nprint(version.MINE)\n{MAIN}",
            "packaging/__init__.py": "",
            "packaging/version.py": "MINE = 1\n",
        },
    ),
    Case(
        name="own-optional",
        files={
            "main.py": "import contextlib, sys\n"
            "with contextlib.suppress(ImportError):\n    import module_not_here\n"
            f"if sys.platform == 'nope':\n    import helper\n{MAIN}",
            "helper.py": "import module_of_another_platform\n",
        },
    ),
    Case(
        name="own-in-doubt",
        files={"main.py": f"def late():\n    import module_not_here\n{MAIN}"},
        says=r"warning: .*main\.py:2 imports 'module_not_here', which no dependency.*"
        r"first launch [\d.]+ ms",
    ),
]
CLI = f"{LIFE}\nfrom . import store\ndef main():\n    print(store.NAME)\n    life()\n"
PACKAGE = {"src/notes/__init__.py": "", "src/notes/cli.py": CLI, "src/notes/store.py": "NAME=1\n"}
SAID = [
    Case(
        name="said-script",
        files={**PACKAGE, "pyproject.toml": PROJECT + '[project.scripts]\nx = "notes.cli:main"\n'},
    ),
    Case(
        name="said-module",
        files={
            **PACKAGE,
            "src/notes/__main__.py": "from .cli import main\nmain()\n",
            "pyproject.toml": PROJECT + '[tool.sidecar]\nentry = "-m notes"\n',
        },
    ),
    Case(
        name="said-dynamic",
        lock=True,
        files={
            "main.py": f"import click\n{MAIN}",
            "requirements.txt": "click>=8\n",
            "pyproject.toml": '[project]\nname = "{name}"\nversion = "1"\n'
            'dynamic = ["dependencies"]\n[tool.setuptools.dynamic]\n'
            'dependencies = {{ file = ["requirements.txt"] }}\n',
        },
    ),
    Case(
        name="said-no-package",
        lock=True,
        files={
            "main.py": f"import click\n{MAIN}",
            "pyproject.toml": '[tool.poetry]\nname = "{name}"\nversion = "1"\n'
            'package-mode = false\n[tool.poetry.dependencies]\npython = "^3.11"\n'
            'click = "^8"\n[build-system]\nrequires = ["poetry-core"]\n'
            'build-backend = "poetry.core.masonry.api"\n',
        },
    ),
    Case(
        name="said-poetry-without-name-and-backend",
        lock=True,
        files={
            "main.py": f"import click\n{MAIN}",
            "pyproject.toml": "[tool.poetry]\npackage-mode = false\n"
            '[tool.poetry.dependencies]\npython = "^3.11"\nclick = "^8"\n',
        },
    ),
    Case(
        name="said-run-from-above",
        files={
            "app/main.py": f"from app.routes import X\nimport logging\nlogging.root\n{MAIN}",
            "app/routes.py": "X = 1\n",
            "app/logging.py": "",
            "pyproject.toml": PROJECT + '[tool.sidecar]\nentry = "app/main.py"\n',
        },
        says=r"first launch [\d.]+ ms to READY(?!.* Fix:)",
    ),
    Case(
        name="said-ready-text",
        files={
            "main.py": f"{LIFE}\nsys.stderr.write('INFO: running on x\\n')\nhalt.wait()\n",
            "pyproject.toml": PROJECT + "[tool.sidecar]\n"
            'ready_pattern = "running on"\nready_stream = "stderr"\n',
        },
    ),
    Case(
        name="said-url",
        files={
            "main.py": "import http.server, signal, sys\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])),\n"
            "    http.server.SimpleHTTPRequestHandler)\n"
            "server.serve_forever()\n",
            "pyproject.toml": PROJECT + "[tool.sidecar]\n"
            'args = ["{{free_port}}"]\nready_url = "http://127.0.0.1:{{free_port}}/"\n',
        },
    ),
]
INSTALLED = Case(
    name="said-installed",
    files={
        "src/shop/__init__.py": "",
        "src/shop/cli.py": f"{LIFE}\nfrom importlib.metadata import entry_points, version\n"
        "def main():\n    assert version('sidecar-said-installed') == '1.0.0'\n"
        "    (found,) = entry_points(group='shop.tills')\n    life(found.load()())\n",
        "src/shop/tills/paper.py": "def ready():\n    return 'READY'\n",
        "pyproject.toml": PROJECT + '[project.scripts]\nshop = "shop.cli:main"\n'
        '[project.entry-points."shop.tills"]\npaper = "shop.tills.paper:ready"\n',
    },
)
"""Its name is that of every packager's test, since it is asked for in the sources."""
SAID.append(INSTALLED)
ENDED = [
    Case(
        name="ended-elsewhere",
        good=False,
        files={
            "main.py": "import sys\nfrom pathlib import Path\n"
            "(Path(sys.executable).parent / 'words.txt').read_text()\n",
            "words.txt": "x",
            "pyproject.toml": PROJECT + '[tool.sidecar]\ndata = ["words.txt"]\n',
        },
        says=r"where it did not ship to: it lies at lib/words\.txt",
    ),
    Case(
        name="ended-folder",
        good=False,
        files={
            "main.py": "from pathlib import Path\n"
            "list((Path(__file__).parent / 'models').iterdir())\n",
            "models/a.bin": "x",
        },
        says=r"cannot find its folder 'models'.*set data = \[\"models\"\]",
    ),
    Case(
        name="ended-handled",
        good=False,
        files={
            "main.py": "import logging\ntry:\n    import module_not_here\n"
            "except ImportError:\n    logging.exception('slower without')\n"
            "raise RuntimeError('no licence')\n"
        },
        says=r"ends with: RuntimeError: no licence \(main\.py:6\)\. No fault of the packager",
    ),
    Case(
        name="ended-buffered",
        good=False,
        files={
            "main.py": f"{LIFE}\nprint('READY')\nhalt.wait()\n",
            "pyproject.toml": PROJECT + "[tool.sidecar]\nready_timeout_s = 3\n",
        },
        says=r"'READY' came only when the program was stopped",
    ),
    Case(
        name="ended-exit",
        good=False,
        files={"main.py": MAIN + "exit(0)\n"},
        says=r"calls exit\(\), which the module site puts there",
    ),
]
QUICK = {"own-vendored", "said-script", "ended-elsewhere"}


def write(case: Case, folder: Path) -> str:
    """Write a project's files and return its name."""
    name = f"sidecar-{case.name}"
    for path, text in {"pyproject.toml": PROJECT, **case.files}.items():
        content = text.format(name=name) if path == "pyproject.toml" else text
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(textwrap.dedent(content), encoding="utf-8")
    return name


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.integration if case.name in QUICK else pytest.mark.nightly,
            id=case.name,
        )
        for case in (*MINE, *SAID, *ENDED)
    ],
)
def test_a_project_is_judged_as_it_is(case: Case, tmp_path: Path) -> None:
    """What works is built and says READY; what does not is told with its own cause."""
    name = write(case, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with sidecars.cleaned(name):
        if case.lock:
            assert nox("lock", "--sidecar", str(tmp_path)).returncode == 0
            before.append(tmp_path / "requirements.lock")
        done = nox("build_cx_freeze", "--sidecar", str(tmp_path))
    said = " ".join(done.stdout.split())
    assert (done.returncode == 0) is case.good, done.stdout
    assert re.search(case.says, said), done.stdout
    assert "Traceback" not in done.stdout
    assert sorted(tmp_path.rglob("*")) == sorted(before), "the author's folder is as it was"


@pytest.mark.integration
def test_its_own_environment_knows_the_project_too(tmp_path: Path) -> None:
    """``tauri dev`` starts the script where it lies; of two versions the last one counts."""
    name = write(INSTALLED, tmp_path)
    manifest = tmp_path / "pyproject.toml"
    with sidecars.cleaned(name):
        for version in ("1.0.0", "1.1.0"):
            text = manifest.read_text(encoding="utf-8").replace("1.0.0", version)
            manifest.write_text(text, encoding="utf-8")
            assert nox("sidecar_env", "--sidecar", str(tmp_path)).returncode == 0
            python = load(tmp_path).python
            assert python is not None
            ask = f"import importlib.metadata as m; print(m.version({name!r}))"
            done = subprocess.run(
                [python, "-c", ask], capture_output=True, text=True, check=True, timeout=60
            )
            assert done.stdout.strip() == version


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("packager", "modes"),
    [
        ("nuitka", ("onefile", "standalone", "standalone-lean")),
        ("pyinstaller", ("onefile", "onedir", "onefile-lean")),
        ("cpython", ("folder",)),
    ],
)
def test_a_program_knows_what_an_installer_would_of_its_project(
    packager: str, modes: tuple[str, ...], tmp_path: Path
) -> None:
    """Its version, and the plug-ins that it declares; the quick packager's row is above."""
    name = write(INSTALLED, tmp_path)
    words = [word for mode in modes for word in ("--mode", mode)]
    with sidecars.cleaned(name):
        done = nox(f"build_{packager}", *words, "--sidecar", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"first launch [\d.]+ ms to READY", done.stdout)) == len(modes)
    assert "Fix:" not in done.stdout
