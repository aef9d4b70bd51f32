"""What a real Python notes while it runs: everything that it uses, and nothing of it changes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from spike.completeness import used
from spike.completeness.used import Used


def ran(
    folder: Path, script: str, *, path: str = ""
) -> tuple[Used, subprocess.CompletedProcess[str]]:
    """Run a script in a folder of its own and read its notes."""
    main = folder / "main.py"
    main.write_text(script, encoding="utf-8")
    with used.notebook(path) as (env, file):
        done = subprocess.run(
            [sys.executable, str(main)],
            env={**os.environ, **env},
            cwd=folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return used.read(file).below(folder), done


def test_modules_files_and_folders_are_noted(tmp_path: Path) -> None:
    """Also those that are named when the program runs; code that is read again is no file."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "alpha.py").write_text("", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "words.txt").write_text("a", encoding="utf-8")
    (tmp_path / "pages").mkdir()
    script = """
import importlib, os, pathlib
importlib.import_module("plugins.alpha")
here = pathlib.Path(__file__).parent
print((here / "data" / "words.txt").read_text(), os.listdir(here / "pages"))
"""
    seen, done = ran(tmp_path, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a []\n", "")
    assert "plugins/alpha.py" in seen.modules
    assert seen.files == {"data/words.txt"}
    assert seen.folders == {"pages"}
    assert seen.has("data/words.txt")
    assert seen.has("pages/home.html")
    assert not seen.has("data/other.txt")


def test_plugins_are_looked_for_by_code_that_names_their_group(tmp_path: Path) -> None:
    """Whole, or by what it begins with; ``pytest11`` of anyio is for nobody who is here."""
    code = 'GROUP = "shop.codecs"\nname = f"telemetry_{1}"\n# pytest11, "distutils." "distutils"'
    (tmp_path / "api.py").write_text(code, encoding="utf-8")
    (tmp_path / "fast.so").write_bytes(b"\x7fELF\x00keys.backends\x00")
    files = [str(tmp_path / name) for name in ("api.py", "fast.so", "gone.py")]
    groups = ("pytest11", "shop.codecs", "telemetry_tracer", "keys.backends", "distutils.commands")
    assert used.named(files, groups) == {"shop.codecs", "telemetry_tracer", "keys.backends"}


def test_a_plugin_that_is_loaded_from_its_file_is_a_file(tmp_path: Path) -> None:
    """Only a name on the module path makes it one that a packager can put into an archive."""
    (tmp_path / "addons").mkdir()
    for name in ("addons/a.py", "addons/b.py", "c.py"):
        (tmp_path / name).touch()
    script = """
from importlib.util import find_spec, module_from_spec, spec_from_file_location
place = __file__.replace("main.py", "addons/a.py")
for spec in (spec_from_file_location("a", place), find_spec("addons.b"), find_spec("c")):
    spec.loader.exec_module(module_from_spec(spec))
"""
    seen, done = ran(tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert seen.files == {"addons/a.py"}
    assert seen.modules == {"addons/b.py", "c.py"}


def test_data_that_a_loader_reads_is_a_file(tmp_path: Path) -> None:
    """``pkgutil.get_data`` has it read by what loads the package's modules."""
    (tmp_path / "shop/assets").mkdir(parents=True)
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/assets/a.json").write_text("{}", encoding="utf-8")
    seen, done = ran(tmp_path, "import pkgutil\nprint(pkgutil.get_data('shop', 'assets/a.json'))")
    assert (done.returncode, done.stdout) == (0, "b'{}'\n")
    assert seen.files == {"shop/assets/a.json"}


def test_bytecode_stands_for_its_source(tmp_path: Path) -> None:
    """The second run of a program reads the cache."""
    (tmp_path / "helper.py").write_text("", encoding="utf-8")
    for _ in range(2):
        seen, _done = ran(tmp_path, "import helper")
        assert seen.modules == {"helper.py"}


def test_a_child_is_noted_as_well_and_a_sudden_end_loses_nothing(tmp_path: Path) -> None:
    """Children of multiprocessing do the work of many a program."""
    (tmp_path / "helper.py").write_text("", encoding="utf-8")
    script = """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", "import helper"], cwd=os.path.dirname(__file__), check=True)
open(__file__ + ".txt", "w").close()
os._exit(3)
"""
    seen, done = ran(tmp_path, script)
    assert done.returncode == 3
    assert seen.modules == {"helper.py"}
    assert seen.files == {"main.py.txt"}


def test_the_environment_keeps_a_module_of_that_name(tmp_path: Path) -> None:
    """Ours stands in front of it, and hands on; the path is then as it would be."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("print('own')", encoding="utf-8")
    script = "import sitecustomize, sys\nprint([p for p in sys.path if 'watched' in p])"
    _seen, done = ran(tmp_path, script, path=str(tmp_path / "own"))
    assert (done.stdout, done.stderr) == ("own\n[]\n", "")


def test_an_exception_looks_as_it_does_without(tmp_path: Path) -> None:
    """No frame of ours stands in a traceback."""
    _seen, done = ran(tmp_path, "import json\njson.loads('{')")
    assert "watched" not in done.stderr
    assert done.stderr.startswith("Traceback (most recent call last):\n  File")


@pytest.mark.parametrize(
    "name",
    ["{0}/a b%.db", "file:{0}/a%20b%25.db?mode=ro", "file://localhost{0}/a%20b%25.db#x", "rel"],
)
def test_a_database_is_noted_however_it_is_named(tmp_path: Path, name: str) -> None:
    """SQLite opens it by itself, and by a URI where a program wants it read only."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a b%.db")) as store, store:
        store.execute("create table t (x)")
    place = "os.chdir(os.path.dirname(__file__)); " if name == "rel" else ""
    named = "a b%.db" if name == "rel" else name.format(tmp_path)
    script = f"import os, sqlite3; {place}sqlite3.connect({named!r}, uri=True).execute('select 1')"
    seen, done = ran(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert seen.files == {"a b%.db"}


def test_code_that_is_read_as_a_text_is_a_file(tmp_path: Path) -> None:
    """Also when it is run from there; a module whose source a traceback shows is none."""
    (tmp_path / "helper.py").write_text("def fail():\n    raise ValueError\n", encoding="utf-8")
    for name in ("page.py", "other.py"):
        (tmp_path / name).write_text("print('page')", encoding="utf-8")
    script = """
import helper, pathlib, runpy, traceback
here = pathlib.Path(__file__).parent
exec((here / "page.py").read_text())
runpy.run_path(str(here / "other.py"))
try:
    helper.fail()
except ValueError:
    traceback.print_exc()
"""
    seen, done = ran(tmp_path, script)
    assert done.stdout == "page\npage\n"
    # The traceback shows the script, too; it is what is packaged, and no file of it.
    assert seen.files - {"main.py"} == {"page.py", "other.py"}
    assert seen.modules == {"helper.py"}
