"""How launches are judged, and what is found though READY came: real builds, a user's commands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from tests.support import sidecars

pytestmark = pytest.mark.integration

SAY = """
import os, signal, subprocess, sys, threading
from pathlib import Path

halt = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: halt.set())

def life():
    print("READY", flush=True)
    while not halt.wait(0.1):
        pass
    print("SHUTDOWN reason=signal signal=SIGTERM", flush=True)

print("BOOT sidecar=launched version=1.0.0", flush=True)
"""
BESIDE = SAY + '(Path(__file__).parent / "notes.db").write_text("x")\nlife()\n'
STANDS = SAY + 'Path("service.log").write_text("x")\nlife()\n'
CHILD = SAY + 'subprocess.Popen(["sleep", "300"])\nlife()\n'
SIBLING = "import helper\n" + SAY + "print(helper.VALUE, flush=True)\nlife()\n"
PLUGINS = (
    "import importlib, pkgutil\nimport plugins\n"
    + SAY
    + "names = sorted(one.name for one in pkgutil.iter_modules(plugins.__path__))\n"
    "for name in names:\n    importlib.import_module('plugins.' + name)\n"
    "print('PLUGINS', *names, flush=True)\nlife()\n"
)
LOGGED = (
    "import importlib, logging\n" + SAY + "try:\n    importlib.import_module('hooks.audit')\n"
    "except Exception as error:\n    logging.warning('hook is off: %s', error)\nlife()\n"
)
LAZY = (
    SAY + "def page():\n    return (Path(__file__).parent / 'pages' / 'home.html').read_text()\n"
    "life()\n"
)
OWN_TEXT = "import inspect, words\ninspect.getsource(words.en)\n" + SAY + "life()\n"
WORDS = {"words.py": "def en():\n    return 1\n"}
WORKER = (
    "import multiprocessing\n"
    + SAY
    + """
def work():
    print("WORK", flush=True)

if __name__ == "__main__":
    FREEZE
    depth = int(os.environ.get("DEPTH", "0"))
    os.environ["DEPTH"] = str(depth + 1)
    if depth < 2:  # without an end it would start the machine's last process
        multiprocessing.get_context("spawn").Process(target=work, daemon=True).start()
    life()
"""
)
EXECUTABLE = (
    SAY
    + """
depth = int(os.environ.get("DEPTH", "0"))
os.environ["DEPTH"] = str(depth + 1)
if depth < 2:
    subprocess.run([sys.executable, "-m", "json.tool", "--help"], capture_output=True)
life()
"""
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A sidecar and what its build has to say.

    Attributes:
        name: The test's name.
        main: The entry script.
        says: Patterns that the build's output has to match.
        silent: Patterns that it must not match.
        files: Further files, with their content.
        settings: Lines of ``[tool.sidecar]``.
        good: Whether the build ends with 0.
        packager: Who packages it.
    """

    name: str
    main: str
    says: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    good: bool = True
    packager: str = "cx_freeze"


MISSING = ("did not ship", "the plain script", "Fix:", "If the program needs it")
PLUGIN_FILES = {"plugins/__init__.py": "", "plugins/alpha.py": "", "plugins/beta.py": ""}

CASES = [
    Case(
        name="stands",
        main=STANDS,
        says=(r"writes where it stands: service\.log\..*Program Files",),
        silent=MISSING,
    ),
    Case(
        name="child",
        main=CHILD,
        says=(r"first launch failed: 1 left: sleep 300.*the plain script leaves the same behind",),
        good=False,
    ),
    Case(
        name="plugins",
        main=PLUGINS,
        files=PLUGIN_FILES,
        says=(
            r'loads plugins\.alpha, plugins\.beta.*collect = \["plugins"\]',
            r"the plain script writes 'PLUGINS alpha beta' where the program writes 'PLUGINS'",
        ),
    ),
    Case(
        name="plugins-pyinstaller",
        main=PLUGINS,
        files=PLUGIN_FILES,
        says=(r'collect = \["plugins"\]',),
        packager="pyinstaller",
    ),
    Case(
        name="plugins-named",
        main=PLUGINS,
        files=PLUGIN_FILES,
        settings='hidden_imports = ["plugins.alpha", "plugins.beta"]',
        silent=MISSING,
    ),
    Case(
        name="by-name",
        main="for name in ('en', 'de'):\n    __import__(f'words_{name}')\n" + SAY + "life()\n",
        files={"words_en.py": "", "words_de.py": ""},
        says=(r"cannot import 'words_en'.* hidden_imports = \[\"words_de\", \"words_en\"\]",),
        good=False,
    ),
    Case(
        name="own-text",
        main=OWN_TEXT,
        files=WORDS,
        says=(r"the text of its own code .* data = \[\"words.py\"\]",),
        good=False,
    ),
    Case(
        name="own-text-shipped",
        main=OWN_TEXT,
        files=WORDS,
        settings='data = ["words.py"]',
        silent=MISSING,
    ),
    Case(
        name="hook",
        main=LOGGED,
        files={"hooks/__init__.py": "", "hooks/audit.py": ""},
        says=(r'hidden_imports = \["hooks\.audit"\]',),
    ),
    Case(
        name="lazy",
        main=LAZY,
        files={"pages/home.html": "<p>"},
        says=(
            r'pages did not ship.*If the program needs it: .* data = \["pages"\]',
            r"Nothing was asked of the program after READY",
        ),
    ),
    Case(
        name="lazy-listed",
        main=LAZY,
        files={"pages/home.html": "<p>", "README.md": "about it", "tests/test_it.py": ""},
        settings='data = ["pages"]',
        silent=MISSING,
    ),
    Case(
        name="starts-again",
        main=WORKER.replace("FREEZE", "pass"),
        says=(r"first launch failed: .*multiprocessing\.freeze_support\(\) first",),
        good=False,
        packager="pyinstaller",
    ),
    Case(
        name="worker",
        main=WORKER.replace("FREEZE", "multiprocessing.freeze_support()"),
        silent=MISSING,
        packager="pyinstaller",
    ),
    Case(
        name="executable",
        main=EXECUTABLE,
        settings="ready_timeout_s = 4.0",
        says=(r"no line 'READY' within 4 s: sys\.executable is the program itself",),
        good=False,
    ),
]


def write(folder: Path, case: Case) -> Path:
    """Write the case's sidecar."""
    name = f"sidecar-launch-{case.name}"
    sidecars.write(folder, name=name, main=case.main, settings=case.settings)
    for path, content in case.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_build_says_what_its_first_launch_has_shown(case: Case, tmp_path: Path) -> None:
    """What is wrong is named with its remedy, and what is right is not spoken of."""
    folder = write(tmp_path, case)
    mode = "onefile" if case.packager == "pyinstaller" else "onedir"
    before = contents(folder)
    with sidecars.cleaned(f"sidecar-launch-{case.name}"):
        built = sidecars.nox(f"build_{case.packager}", folder, "--mode", mode)
    said = " ".join(built.stdout.split())
    assert (built.returncode == 0) == case.good, built.stdout
    for pattern in case.says:
        assert re.search(pattern, said), built.stdout
    for pattern in case.silent:
        assert not re.search(pattern, said), built.stdout
    assert "Traceback" not in said
    assert contents(folder) == before, "the sources are as they were"


def test_launches_change_neither_what_ships_nor_the_sources(tmp_path: Path) -> None:
    """A database beside the program lands in a copy of it, and is named in the bench as well."""
    folder = write(tmp_path, Case(name="beside", main=BESIDE))
    name = "sidecar-launch-beside"
    with sidecars.cleaned(name):
        built = sidecars.nox("build_pyinstaller", folder, "--mode", "onedir")
        assert built.returncode == 0, built.stdout
        shipped = contents(ROOT / "dist" / "sidecars" / name)
        benched = sidecars.invoke("bench", folder, "--launches", "2")
        assert contents(ROOT / "dist" / "sidecars" / name) == shipped
        assert not list((ROOT / "build" / name / "places").iterdir()), "the copies are gone"
    for output in (built.stdout, benched.stdout):
        said = " ".join(output.split())
        assert re.search(r"writes beside itself: \S*notes\.db\..*/usr and Program Files", said)
    assert benched.returncode == 0, benched.stdout
    assert set(contents(folder)) == {"main.py", "pyproject.toml"}


def test_a_baseline_sees_its_siblings_and_decides_nothing(tmp_path: Path) -> None:
    """A script that cannot run here says why in its row, and the bench is about the variants."""
    folder = write(
        tmp_path, Case(name="sibling", main=SIBLING, files={"helper.py": "VALUE = 'HELP'\n"})
    )
    name = "sidecar-launch-sibling"
    with sidecars.cleaned(name):
        assert sidecars.nox("build_cx_freeze", folder).returncode == 0
        benched = sidecars.invoke("bench", folder, "--launches", "2")
    assert benched.returncode == 0, benched.stdout
    assert "exited" not in benched.stdout, "every baseline has run"


def test_a_failed_first_launch_is_kept_and_said_again(tmp_path: Path) -> None:
    """By the next build, which is up to date, and by the bench, whose row says who else fails."""
    folder = write(tmp_path, Case(name="marked", main=CHILD))
    name = "sidecar-launch-marked"
    with sidecars.cleaned(name):
        assert sidecars.nox("build_cx_freeze", folder).returncode != 0
        again = sidecars.nox("build_cx_freeze", folder)
        benched = sidecars.invoke("bench", folder, "--launches", "2")
    assert again.returncode != 0
    assert "up to date" in again.stdout
    assert "1 left: sleep 300" in again.stdout
    assert "the plain script leaves the same behind" in again.stdout
    assert benched.returncode == 1
    assert "2 (2 left_processes), as the plain script does" in benched.stdout
    assert "its first launch after the build failed (left_processes)" in benched.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
