"""The filter of lazy imports in a real Python 3.15: the one that npm has, for node.

It starts no processes and has no threads, so that the profile is taken, the filter made and tried
in interpreters of their own, step by step as a build does it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from spike.core.workspace import TOOL as ROOT
from spike.faststart import choice, lazy, proof, statements, trials
from spike.faststart.tables import Tables

pytestmark = [
    pytest.mark.integration,
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm"),
    pytest.mark.skipif(sys.platform != "linux", reason="paths are those of Linux"),
]

PACKAGE = "pyodide@315.0.0-alpha.2"
RUN = """
import { loadPyodide } from "pyodide";
const python = await loadPyodide();
for (const place of ["/site", "/tools"]) python.FS.mkdirTree(place);
python.FS.mount(python.FS.filesystems.NODEFS, {root: process.argv[2]}, "/site");
python.FS.mount(python.FS.filesystems.NODEFS, {root: process.argv[3]}, "/tools");
python.runPython(process.argv[4]);
"""
LIBRARIES = {
    "lib/__init__.py": "'''Lib.'''\nfrom lib.heavy import work, other as more\n"
    "import big as large\nfrom .early import now\nnow()\ndef f():\n    return work() + large.x\n",
    "lib/heavy.py": "def work():\n    return 1\ndef other():\n    return 2\n",
    "lib/early.py": "def now():\n    return 3\n",
    "big.py": "x = 5\n",
    # Its own statement, and the list of an author, wait whatever the profile says.
    "modern.py": "__lazy_modules__ = {'listed'}\nimport listed\nlazy import said\nimport wave\n",
    "listed.py": "",
    "said.py": "",
    "main.py": "import lib, modern, needed\nneeded.f()\nprint('READY', flush=True)\n",
    "needed.py": "'''Doc.'''\nfrom lib2 import y\ndef f():\n    return y\n",
    "lib2.py": "y = 1\n",
}

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python 3.15 with the libraries; what it wrote to stdout."""
    place = tmp_path_factory.mktemp("python-3.15")
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", PACKAGE], cwd=place, check=True, timeout=300
    )
    (place / "run.mjs").write_text(RUN)
    site = place / "site"
    for name, text in LIBRARIES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    shutil.copytree(ROOT / "spike" / "faststart" / "tools", place / "tools")
    for file in (ROOT / "spike" / "faststart" / "staged").glob("*.py"):
        shutil.copy2(file, place / "tools")

    def run(script: str) -> str:
        done = subprocess.run(
            ["node", "run.mjs", "site", "tools", f"import sys\nsys.path += ['/site']\n{script}"],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    run.site = site  # type: ignore[attr-defined]
    return run


TRIAL = """
import marshal, runpy
sys.path += ["/tools"]
import fast_start_trial
told = {settings!r}
open("/notes", "wb").close()
fast_start_trial.begin({{**told, "notes": "/notes", "staged": "/tools"}})
runpy.run_path("/site/main.py", run_name="__main__")
print(open("/notes").read())
"""
SETTINGS: dict[str, Any] = {
    "modules": {},
    "tables": "",
    "effects": [],
    "quiet": False,
    "ready": "READY",
    "lazy": {},
}


def noted(run: Run, **settings: Any) -> trials.Notes:
    said = run(TRIAL.format(settings={**SETTINGS, **settings}))
    until, _, after = said.partition("\nready\n")
    return trials.read(until.split("\n"), after.split("\n"))


def candidates(run: Run, modules: Iterable[str]) -> dict[str, tuple[statements.Statement, ...]]:
    found = {}
    for name in modules:
        file = run.site / f"{name.replace('.', '/')}.py"  # type: ignore[attr-defined]
        is_package = not file.exists()
        source = (file.with_suffix("") / "__init__.py" if is_package else file).read_bytes()
        each = statements.candidates(source, module=name, is_package=is_package)
        found[name] = lazy.tellable(source, each, module=name, is_package=is_package)
    return found


def test_a_profile_becomes_a_filter_that_python_3_15_obeys(run: Run) -> None:
    """What READY needs is found in a trial and taken back; the rest is not loaded until then."""
    plain = noted(run)
    assert {"lib.heavy", "big", "lib2"} <= plain.modules.keys()
    found = candidates(run, ("lib", "needed"))
    first = lazy.keys(choice.choose(plain, found).statements)
    assert first.keys() == {
        ("lib", "lib.heavy", ("work", "other")),
        ("lib", "big", None),
        ("needed", "lib2", ("y",)),
    }
    tried = noted(run, lazy=first)
    assert tried.used == {("needed", 2)}
    chosen = choice.choose(plain, found, used=tried.used)
    assert chosen.spared == {"lib.heavy", "big"}
    again = noted(run, lazy=lazy.keys(chosen.statements))
    assert again.used == frozenset()
    assert not again.modules.keys() & chosen.spared


PROOF = """
sys.path += ["/tools"]
import marshal, fast_start_proof
open("/settings", "wb").write(marshal.dumps({settings!r}))
fast_start_proof.main("/settings")
print(open("/seen.json").read())
"""


def test_libraries_that_wait_show_what_the_plain_ones_show(run: Run) -> None:
    """Each name is loaded as it is looked at; without threads and children, which it has not."""
    settings: dict[str, Any] = {
        "before": ["lib", "lib.early"],
        "after": ["lib.heavy", "big"],
        "rewritten": ["lib"],
        "modules": {},
        "put_off": [],
        "staged": "/tools",
        "tables": "",
        "patience_s": 1.0,
        "result": "/seen.json",
        "lazy": [],
    }
    keys = list(lazy.keys(candidates(run, ("lib",))))
    plain, again, fast = (
        json.loads(run(PROOF.format(settings={**settings, "lazy": each})).splitlines()[-1])
        for each in ([], [], keys)
    )
    assert plain["modules"]["lib"]["large"] == "module big"
    assert proof.differences(plain, again, fast) == ()
    other = {**fast, "modules": {**fast["modules"], "lib": {**fast["modules"]["lib"], "f": "x"}}}
    assert proof.differences(plain, again, other) != ()


def test_what_ships_asks_for_nothing_but_the_profile(run: Run) -> None:
    """Names load when they are used; a lazy statement and an author's list count as ever."""
    keys = lazy.keys(candidates(run, ("lib",)))
    text = Tables(lazy=tuple(keys)).module().replace(repr(sys.version), "sys.version", 1)
    said = run(
        f"exec({text!r}, {{'__name__': 'sidecar_fast_tables', '__builtins__': __builtins__}})\n"
        "import json, lib, modern\n"
        "names = ('lib.heavy', 'big', 'listed', 'said', 'wave')\n"
        "there = [[n for n in names if n in sys.modules]]\n"
        "value = lib.f()\n"
        "there += [[n for n in ('lib.heavy', 'big') if n in sys.modules]]\n"
        "print(json.dumps([there, value, lib.more(), sys.get_lazy_imports()]))\n"
    )
    there, value, more, mode = json.loads(said.splitlines()[-1])
    assert there == [["wave"], ["lib.heavy", "big"]]
    assert (value, more, mode) == (6, 2, "all")
    eager = run("import lib\nprint('big' in sys.modules)")
    assert eager.strip() == "True"


def test_a_program_with_a_filter_of_its_own_keeps_it(run: Run) -> None:
    """Whoever has decided before is not overruled."""
    said = run(
        "sys.path += ['/tools']\nimport sidecar_fast_tables as t\n"
        "own = lambda *asked: False\nsys.set_lazy_imports_filter(own)\n"
        "t.wait([('lib', 'big', None)])\n"
        "print(sys.get_lazy_imports_filter() is own, sys.get_lazy_imports())"
    )
    assert said.split() == ["True", "normal"]
