"""Trial runs: what a plain script's imports do is noted, and rewritten modules are run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from spike.faststart import trials
from spike.faststart.rewrite import rewritten
from spike.faststart.statements import candidates
from spike.faststart.trials import Notes, Overlaid
from spike.launch import places
from spike.launch.spec import Launch
from spike.project import sidecar
from tests.support.commands import COVERAGE

MAIN = """
import sys
import lib.api

print("READY", flush=True)
lib.api.late()
sys.stdin.read()
"""
API = "\nfrom lib import near\nimport lib.far as far\n\ndef late():\n    return far.x\n"
SOURCES = {
    "main.py": MAIN,
    "lib/__init__.py": "",
    "lib/api.py": API,
    "lib/near.py": "x = 1\n",
    "lib/far.py": "import lib.near\nlib.near.x = 2\nlib.near.made = []\nx = 1\n",
}


def run(
    tmp_path: Path, *, modules: Mapping[str, str] | None = None, effects: Collection[str] = ()
) -> tuple[Launch, Notes]:
    folder = tmp_path / "program"
    for name, text in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\n[tool.sidecar]\nready_timeout_s = 5.0\n'
    )
    program = sidecar.load(folder)
    files = program.source_files()
    with places.copied(
        tmp_path / "places", folder / "main.py", folder=None, sources=folder, files=files
    ) as (place, copy):
        overlaid = {}
        for name, text in (modules or {}).items():
            file = tmp_path / f"{name}.py"
            file.write_text(text)
            original = place.sources / f"{name.replace('.', '/')}.py"
            overlaid[name] = Overlaid(file=str(original), text=str(file))
        return trials.run(program, place, copy, modules=overlaid, effects=effects)


@pytest.fixture(autouse=True)
def uncovered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What notes the lines of a child imports modules there, such as json."""
    for name in COVERAGE:
        monkeypatch.delenv(name, raising=False)


def test_imports_are_noted_with_their_lines(tmp_path: Path) -> None:
    """Who imports what until READY."""
    launch, notes = run(tmp_path)
    assert launch.ready_ms is not None, launch.stderr_tail
    assert {
        ("__main__", 3, "lib.api"),
        ("lib.api", 2, "lib.near"),
        ("lib.api", 3, "lib.far"),
        ("lib.far", 1, "lib.near"),
    } <= notes.imports
    names = [name for name in notes.modules if name.startswith("lib")]
    assert names == ["lib", "lib.api", "lib.near", "lib.far"]
    assert notes.modules["lib.api"].endswith("lib/api.py")
    assert notes.effects == frozenset()
    # Nothing is in the program because of us.
    assert "json" not in notes.modules


def test_what_an_import_changes_elsewhere_is_noted(tmp_path: Path) -> None:
    """Names of other modules that it binds, but not that packages have parts."""
    _, notes = run(tmp_path, effects=["lib.far"])
    ours = {(one, what) for one, what in notes.effects if one.startswith("lib")}
    assert ours == {("lib.far", "lib.near.x"), ("lib.far", "lib.near.made")}


NEAR_COLLECTED = """
import gc, weakref
gc.set_threshold(300_000)  # what looks makes objects as well
class Ring:
    def __init__(self):
        self.itself = self
made = []
made.append(weakref.ref(Ring(), made.remove))
"""
FAR_COLLECTS = "kept = [[] for _ in range(400_000)]\nx = 1\n"


def test_what_a_collection_of_garbage_takes_away_is_nobodys_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes at some moment, and another one with the next release of a library."""
    monkeypatch.setitem(SOURCES, "lib/near.py", NEAR_COLLECTED)
    monkeypatch.setitem(SOURCES, "lib/far.py", FAR_COLLECTS)
    launch, notes = run(tmp_path, effects=["lib.far"])
    assert launch.ready_ms is not None, launch.stderr_tail
    assert not {what for one, what in notes.effects if one == "lib.far"}


@pytest.mark.parametrize("word", ["disable", "enable"])
def test_whoever_switches_collection_is_still_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Though it is off while we look."""
    monkeypatch.setitem(SOURCES, "lib/far.py", f"import gc\ngc.{word}()\nx = 1\n")
    _, notes = run(tmp_path, effects=["lib.far"])
    assert {what for one, what in notes.effects if one == "lib.far"} >= {"calls"}


def test_rewritten_modules_are_run_and_uses_noted(tmp_path: Path) -> None:
    """Before and after READY, by the line of the statement."""
    source = SOURCES["lib/api.py"].encode()
    text = rewritten(source, candidates(source, module="lib.api")).decode()
    launch, notes = run(tmp_path, modules={"lib.api": text})
    assert launch.ready_ms is not None, launch.stderr_tail
    assert "lib.far" not in notes.modules
    assert notes.used == frozenset()
    assert notes.later == {("lib.api", 3)}


def test_an_object_that_stands_for_another_is_not_woken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As settings of Django are before they are configured: whatever is asked of them fails."""
    lazy = "class Lazy:\n    def __getattribute__(self, name):\n        raise RuntimeError(name)\n"
    monkeypatch.setitem(SOURCES, "lib/near.py", f"{lazy}settings = Lazy()\nx = 1\n")
    changing = "import lib.near\nlib.near.other = lib.near.settings\nx = 1\n"
    monkeypatch.setitem(SOURCES, "lib/far.py", changing)
    launch, notes = run(tmp_path, effects=["lib.far"])
    assert launch.ready_ms is not None, launch.stderr_tail
    assert ("lib.far", "lib.near.other") in notes.effects


@pytest.mark.parametrize("line", ["", "module\tone", "nonsense\tx", "import\ta\t1"])
def test_a_torn_line_is_nothing(line: str) -> None:
    """A program can be killed while it writes."""
    assert trials.read([line]) == Notes(modules={})
