"""A program can be a script, a function or a module; packagers get a script that does the same."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.core.workspace import PROJECT_VARIABLE
from spike.project import copies, entry, sidecar

CLI = """
import sys
from . import store
def main():
    print("RAN", store.NAME, len(sys.argv))
    return 3
class App:
    @staticmethod
    def run():
        return main()
"""


def project(folder: Path, manifest: str = "", files: dict[str, str] | None = None) -> Path:
    written = {
        "pyproject.toml": f'[project]\nname = "notes"\nversion = "1"\n{manifest}\n',
        "src/notes/__init__.py": "",
        "src/notes/cli.py": CLI,
        "src/notes/store.py": 'NAME = "notes"\n',
        **(files or {}),
    }
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8", newline="\n")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the command is for a POSIX shell here")
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("main.py", "PLAIN 2"),
        ("notes.cli:main", "RAN notes 2"),
        ("notes.cli:App.run", "RAN notes 2"),
        ("-m notes", "RAN notes 2"),
    ],
)
def test_the_command_that_a_message_names_starts_the_plain_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, said: str
) -> None:
    """Also in a folder whose name a shell takes apart, and with the arguments of every launch."""
    files = {
        "main.py": 'import sys\nprint("PLAIN", len(sys.argv))\n',
        "src/notes/__main__.py": "from notes.cli import main\nmain()\n",
    }
    place = tmp_path / "My $Project (ö)"
    folder = project(place, f'[tool.sidecar]\nentry = "{entry}"\nargs = ["--heartbeat"]', files)
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    command = copies.by_hand(sidecar.load(folder))
    command = re.sub("(^|(?<= ))python ", f"{sys.executable} ", command, count=1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == said, done.stderr


def ran(folder: Path, place: Path) -> tuple[str, int]:
    """Stage a project and run what is packaged, as a plain script."""
    script = copies.stage(sidecar.load(folder), place)
    done = subprocess.run(
        [sys.executable, "-E", "-s", str(script)], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout.strip(), done.returncode


@pytest.mark.parametrize(
    "manifest",
    [
        '[project.scripts]\nnotes = "notes.cli:main"',
        '[project.gui-scripts]\nnotes = "notes.cli:main"',
        '[project.scripts]\nnotes = "notes.cli:main [extra]"',
        '[project.scripts]\na = "notes.cli:main"\nb = "gone:x"\n[tool.sidecar]\nentry = "a"',
        '[tool.sidecar]\nentry = "notes.cli:main"',
        '[tool.sidecar]\nentry = "notes.cli:App.run"',
    ],
)
def test_a_function_is_called_as_its_command_does(tmp_path: Path, manifest: str) -> None:
    """Its result is the exit code; the user's folder gets nothing."""
    folder = project(tmp_path / "p", manifest)
    before = sorted(folder.rglob("*"))
    assert ran(folder, tmp_path / "copy") == ("RAN notes 1", 3)
    assert [path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts] == before


@pytest.mark.parametrize("named", ["src/notes", "src/notes/"])
def test_a_folder_that_can_be_started_is_told_how(tmp_path: Path, named: str) -> None:
    """And what is told is right."""
    manifest = f'[tool.sidecar]\nentry = "{named}"'
    folder = project(tmp_path, manifest, {"src/notes/__main__.py": "print('RAN')\n"})
    with pytest.raises(SidecarError, match='Try: entry = "-m notes"'):
        sidecar.load(folder)
    project(tmp_path, manifest.replace(named, "-m notes"))
    assert ran(folder, tmp_path / "copy") == ("RAN", 0)


MAIN = '''
"""Doc."""
from __future__ import annotations
import os.path
from .cli import (
    main,
)
from . import store
if __name__ == "__main__":
    above = os.path.dirname(os.path.dirname(__file__))
    print(os.path.relpath(__file__, above).replace(os.sep, "/"), __package__)
    main()
'''


@pytest.mark.parametrize(
    "manifest",
    [
        '[tool.sidecar]\nentry = "-m notes"',
        '[tool.sidecar]\nentry = "-m notes.__main__"',
        '[tool.sidecar]\nentry = "src/notes/__main__.py"',
        "",
    ],
)
def test_a_module_runs_as_python_m_does(tmp_path: Path, manifest: str) -> None:
    """With its name, its file and its package, though it is a script now."""
    folder = project(tmp_path / "p", manifest, {"src/notes/__main__.py": MAIN})
    place = tmp_path / "copy"
    assert ran(folder, place) == ("notes/__main__.py notes\nRAN notes 1", 0)
    text = (place / "src" / entry.SCRIPT_NAME).read_text().splitlines()
    assert len(text) == len(MAIN.splitlines()), "no line moves"


def test_a_script_in_a_package_that_imports_relatively_is_a_module(tmp_path: Path) -> None:
    """As a script it could never run."""
    files = {"src/notes/serve.py": "from .cli import main\nmain()\n"}
    folder = project(tmp_path / "p", '[tool.sidecar]\nentry = "src/notes/serve.py"', files)
    found = sidecar.load(folder)
    assert (found.module, found.entry) == ("notes.serve", "src/sidecar_start.py")
    assert ran(folder, tmp_path / "copy") == ("RAN notes 1", 0)


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("from api.routes import x\n", "api.main"),
        ("import api.routes\nimport logging\n", "api.main"),
        ("from api.routes import x\nimport routes\n", ""),
        ("import routes\n", ""),
    ],
)
def test_a_script_that_imports_the_package_it_lies_in_is_a_module(
    tmp_path: Path, text: str, module: str
) -> None:
    """It is run from above; ``logging.py`` beside it is not the standard library's then."""
    files = {"web/api/main.py": text, "web/api/routes.py": "x = 1\n", "web/api/logging.py": ""}
    folder = project(tmp_path, '[tool.sidecar]\nentry = "web/api/main.py"', files)
    found = sidecar.load(folder)
    assert found.module == module
    assert found.entry == ("web/sidecar_start.py" if module else "web/api/main.py")


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "latin-1"])
def test_a_script_keeps_its_encoding(tmp_path: Path, coding: str) -> None:
    """A mark of the byte order, or a ``coding`` line; more than one import on a line."""
    first = f"# coding: {coding}\n" if coding == "latin-1" else ""
    text = (
        f"{first}e = 'é'; from . import a; from . import b\nprint(len(e), a.x, b.x, __file__[:0])\n"
    )
    made = entry.as_script(text.encode(coding), "pkg.__main__")
    (tmp_path / "start.py").write_bytes(made)
    for name, content in {"__init__": "", "a": "x = 1\n", "b": "x = 2\n"}.items():
        (tmp_path / "pkg").mkdir(exist_ok=True)
        (tmp_path / "pkg" / f"{name}.py").write_text(content)
    for script in (made, entry.as_utf8(entry.with_first(made, "import sys")).encode()):
        (tmp_path / "start.py").write_bytes(script)
        argv = [sys.executable, str(tmp_path / "start.py")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("1 1 2 \n", "")


def test_main_py_is_the_program_when_nothing_else_is_said(tmp_path: Path) -> None:
    """A command beside it changes nothing that was right before."""
    manifest = '[project.scripts]\nnotes = "notes.cli:main"'
    found = sidecar.load(project(tmp_path, manifest, {"main.py": "x = 1\n"}))
    assert (found.entry, found.module, found.script()) == ("main.py", "", b"x = 1\n")


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("notes.store", "-m notes.store"),  # as an author writes a module
        ("serve", "serve.py"),
        ("Serve.py", "serve.py"),
        ("store.py", "src/notes/store.py"),
        ("lib/serve.py", "serve.py"),
        ("gone.py", "serve.py"),  # the only one that looks as if it were started
    ],
)
def test_an_entry_that_is_nothing_names_what_is_there(
    tmp_path: Path, named: str, meant: str
) -> None:
    """What is said to try is there, and works."""
    files = {"serve.py": 'if __name__ == "__main__":\n    print("RAN")\n'}
    folder = project(tmp_path, f'[tool.sidecar]\nentry = "{named}"', files)
    if (folder / named).is_file():
        pytest.skip("names do not differ by case here")
    with pytest.raises(SidecarError) as caught:
        sidecar.load(folder)
    assert f'entry = "{meant}"' in str(caught.value)
    assert sidecar.load(project(tmp_path, f'[tool.sidecar]\nentry = "{meant}"', files))


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("", "is not set, there is no main.py"),
        (
            '[project.scripts]\na = "notes.cli:main"\nb = "notes.cli:main"',
            r"several commands \(a, b\)",
        ),
        ('[project.scripts]\na = "nonsense"', "not module:function"),
        ('[tool.sidecar]\nentry = "notes.gone:main"', "no module 'notes.gone'"),
        ('[tool.sidecar]\nentry = "-m notes"', "no module 'notes.__main__'"),
        ('[tool.sidecar]\nentry = "-m"', "names no module"),
        ('[tool.sidecar]\nentry = "gone.py"', "names 'gone.py'"),
        ('[tool.sidecar]\nentry = "../main.py"', "not inside the sidecar's folder"),
        ("[tool.sidecar]\nentry = 3", "not a text"),
        ('[tool.sidecar]\nentry = "cells.ipynb"', "names 'cells.ipynb', a notebook"),
    ],
)
def test_what_cannot_be_started_is_said(tmp_path: Path, manifest: str, says: str) -> None:
    """With the forms that can."""
    with pytest.raises(SidecarError, match=says) as caught:
        sidecar.load(project(tmp_path, manifest, {"cells.ipynb": "{}"}))
    assert caught.value.try_next


def test_a_script_of_windows_without_a_console_is_named(tmp_path: Path) -> None:
    folder = project(tmp_path, "", {"tray.pyw": "print('RAN')\n"})
    with pytest.raises(SidecarError, match=r'entry = "tray\.pyw"'):
        sidecar.load(folder)


@pytest.mark.parametrize(
    ("named", "tries"),
    [
        ("-m server", 'main.py with "from server.__main__ import main; main()"'),
        ("server.cli:App.run", 'main.py with "from server.cli import App; App.run()"'),
        ("server", 'entry = "package.module:function"'),  # smoke.py is no program
    ],
)
def test_a_dependency_is_started_by_a_script_of_ones_own(
    tmp_path: Path, named: str, tries: str
) -> None:
    """Nothing of it is here before a build."""
    folder = project(tmp_path, f'[tool.sidecar]\nentry = "{named}"', {"smoke.py": "x = 1\n"})
    with pytest.raises(SidecarError) as caught:
        sidecar.load(folder)
    assert str(caught.value.try_next).startswith(tries)


def test_data_lies_where_the_package_finds_it(tmp_path: Path) -> None:
    """Relative to the import root, since that is what ``__file__`` of a module is relative to."""
    files = {"src/notes/templates/a.html": ""}
    manifest = '[tool.sidecar]\nentry = "notes.cli:main"\ndata = ["src/notes/templates"]'
    found = sidecar.load(project(tmp_path, manifest, files))
    assert found.data_targets() == (("src/notes/templates", "notes/templates"),)


def test_a_script_of_a_package_without_init_that_imports_relatively_is_a_module(
    tmp_path: Path,
) -> None:
    files = {"app/main.py": "from .words import X\nprint(X)\n", "app/words.py": "X = 'RAN'\n"}
    folder = project(tmp_path / "p", '[tool.sidecar]\nentry = "app/main.py"', files)
    assert ran(folder, tmp_path / "copy") == ("RAN", 0)
