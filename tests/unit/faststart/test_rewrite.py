"""Rewritten modules, executed: whatever one can see of them is as it was."""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import re
import subprocess
import sys
import textwrap
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from spike.faststart import rewrite
from spike.faststart.rewrite import rewritten
from spike.faststart.statements import Statement, candidates

HELPER = Path(rewrite.__file__).with_name("staged")

Make = Callable[..., types.ModuleType]


@pytest.fixture(name="make")
def _make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """What writes a module, rewritten where it can be, and imports it."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(HELPER))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(source: str, name: str = "fs_lib", *, rewrite: bool = True) -> types.ModuleType:
        text = textwrap.dedent(source).encode()
        if rewrite:
            found = candidates(text, module=name)
            assert found
            text = rewritten(text, found)
        (tmp_path / f"{name}.py").write_bytes(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in set(sys.modules) - before:
        if name.startswith(("fs_", "sidecar_fast_start")):
            del sys.modules[name]


OTHER = """
    class Thing:
        pass
    def work(x):
        return x + 1
"""


def both(make: Make, source: str) -> types.ModuleType:
    make(OTHER, "fs_other", rewrite=False)
    del sys.modules["fs_other"]
    return make(source)


def test_a_function_loads_what_it_needs(make: Make) -> None:
    """When it is called, and not before."""
    lib = both(make, "\nimport fs_other\n\ndef f(x):\n    return fs_other.work(x)\n")
    assert "fs_other" not in sys.modules
    assert lib.f(1) == 2
    assert lib.__dict__["fs_other"] is sys.modules["fs_other"]


def test_others_see_the_attribute(make: Make) -> None:
    """With getattr, hasattr and ``from lib import name``."""
    lib = both(make, "\nfrom fs_other import Thing, work\n\ndef f():\n    return Thing, work\n")
    assert hasattr(lib, "work")
    space: dict[str, Any] = {}
    exec("from fs_lib import Thing", space)
    assert space["Thing"] is sys.modules["fs_other"].Thing
    assert lib.f() == (space["Thing"], lib.work)


def test_what_is_not_there_is_told_as_always(make: Make) -> None:
    """By the words of Python itself, with what its suggestions need."""
    lib = both(make, "\nimport fs_other\n\ndef f():\n    return fs_other\n")
    with pytest.raises(AttributeError) as ours:
        lib.fs_othr  # noqa: B018
    plain = types.ModuleType("fs_lib")
    with pytest.raises(AttributeError) as usual:
        plain.fs_othr  # noqa: B018
    assert str(ours.value) == str(usual.value)
    assert ours.value.name == "fs_othr"
    assert ours.value.obj is lib
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'fs_lib'"):
        exec("from fs_lib import nothing")
    assert "fs_other" not in sys.modules


@pytest.mark.parametrize("said", ["", "__all__ = ['work']\n"])
def test_a_star_takes_what_it_always_took(make: Make, said: str) -> None:
    """With and without ``__all__``."""
    lib = both(make, f"\nfrom fs_other import Thing, work\n\ndef f():\n    return Thing\n{said}")
    space: dict[str, Any] = {}
    exec("from fs_lib import *", space)
    expected = {"work"} if said else {"Thing", "work", "f"}
    assert {name for name in space if not name.startswith("__")} == expected
    assert space["work"] is lib.work


def test_dir_shows_what_the_original_has(make: Make) -> None:
    """And nothing of ours."""
    source = "\nimport fs_other\n\ndef f():\n    return fs_other\n"
    lib = both(make, source)
    usual = {"__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__name__"}
    assert set(dir(lib)) == usual | {"__package__", "__spec__", "f", "fs_other"}


def test_what_is_set_from_outside_counts(make: Make) -> None:
    """Before and after the import, and after it was taken back."""
    lib = both(make, "\nfrom fs_other import Thing, work\n\ndef f():\n    return Thing, work\n")
    lib.Thing = 1  # type: ignore[attr-defined]
    assert lib.f() == (1, sys.modules["fs_other"].work)
    with mock.patch("fs_lib.work", 2):
        assert lib.f() == (1, 2)
    assert lib.f() == (1, sys.modules["fs_other"].work)
    del lib.work
    with pytest.raises(AttributeError):
        lib.f()


def test_a_patch_before_the_first_use_is_taken_back(make: Make) -> None:
    """``mock.patch`` looks for what it replaces in the module's own names."""
    lib = both(make, "\nfrom fs_other import work\n\ndef f():\n    return work\n")
    with mock.patch("fs_lib.work", 2):
        assert lib.f() == 2
    assert lib.f() is sys.modules["fs_other"].work


def test_a_module_is_read_again(make: Make, tmp_path: Path) -> None:
    """``importlib.reload`` binds anew what the module imports."""
    lib = both(make, "\nfrom fs_other import work\n\ndef f():\n    return work\n")
    first = lib.f()
    importlib.reload(sys.modules["fs_other"])
    assert lib.f() is first
    importlib.reload(lib)
    assert lib.f() is sys.modules["fs_other"].work is not first


def test_an_import_runs_on_its_own_line(make: Make) -> None:
    """In tracebacks, and in warnings that name who imports."""
    source = "\nimport fs_bad\n\ndef f():\n    return fs_bad\n"
    lib = make(source)
    with pytest.raises(ModuleNotFoundError) as caught:
        lib.f()
    last = [frame for frame in traceback.extract_tb(caught.tb) if frame.filename == lib.__file__]
    assert [frame.lineno for frame in last] == [5, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make("import warnings\nwarnings.warn('old', stacklevel=2)\n", "fs_old", rewrite=False)
    del sys.modules["fs_old"]
    lib = make("\n\nimport fs_old\n\ndef f():\n    return fs_old\n", "fs_lib2")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        lib.f()
    assert [(str(each.filename), each.lineno) for each in said] == [(lib.__file__, 3)]


def test_functions_stand_where_they_stood(make: Make) -> None:
    """Behind imports of several lines, too."""
    source = (
        '"""Docs."""\nfrom fs_other import (\n    Thing,\n    work,\n)\n\ndef f():\n    1 / 0\n'
    )
    lib = both(make, source + "\ndef g():\n    return Thing, work\n")
    assert lib.__doc__ == "Docs."
    assert lib.f.__code__.co_firstlineno == 7
    with pytest.raises(ZeroDivisionError) as caught:
        lib.f()
    assert traceback.extract_tb(caught.tb)[-1].lineno == 8


def test_classes_are_pickled_by_their_names(make: Make) -> None:
    """What a module only passes on is found there by pickle."""
    lib = both(make, "\nfrom fs_other import Thing\n\ndef f():\n    return Thing\n")
    text = b"\x80\x02cfs_lib\nThing\nq\x00."
    assert pickle.loads(text) is lib.f()


def test_threads_that_come_at_once_get_the_same(make: Make) -> None:
    """The import runs once."""
    make("import time\ntime.sleep(0.05)\nclass Thing: ...\n", "fs_slow", rewrite=False)
    del sys.modules["fs_slow"]
    lib = make("\nfrom fs_slow import Thing\n\ndef f():\n    return Thing\n")
    barrier = threading.Barrier(8)
    found: list[object] = []

    def ask() -> None:
        barrier.wait()
        found.append(lib.f())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_threads_that_wait_for_each_other_go_on(make: Make) -> None:
    """One holds our lock and wants a module, the other loads that module and wants our lock."""
    gate = types.ModuleType("fs_gate")
    gate.inside, gate.asked = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    sys.modules["fs_gate"] = gate
    make("\nimport fs_other\n\ndef get():\n    return fs_other\n", "fs_user")
    make(OTHER, "fs_other", rewrite=False)
    del sys.modules["fs_other"]
    lib = make("\nimport fs_shared\n\ndef f():\n    return fs_shared.value\n", "fs_first")
    shared = Path(lib.__file__ or "").with_name("fs_shared.py")
    shared.write_text(
        "import fs_gate\nfs_gate.inside.set()\nfs_gate.asked.wait(5)\n"
        "import fs_user\nvalue = fs_user.get()\n"
    )
    importlib.invalidate_caches()
    results: list[object] = []
    direct = threading.Thread(target=lambda: results.append(__import__("fs_shared").value))
    direct.start()
    gate.inside.wait(5)
    ours = threading.Thread(target=lambda: results.append(lib.f()))
    ours.start()
    threading.Event().wait(0.1)
    gate.asked.set()
    for thread in (direct, ours):
        thread.join(10)
        assert not thread.is_alive()
    assert results == [sys.modules["fs_other"]] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_does_not_wait_for_its_parents_thread(make: Make) -> None:
    """A lock that was held when it was forked is nobody's there."""
    lib = both(make, "\nfrom fs_other import work\n\ndef f(x):\n    return work(x)\n")
    helper = sys.modules["sidecar_fast_start"]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        lock = helper._lock
        lock.acquire()
        held.set()
        done.wait(10)
        lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    child = multiprocessing.get_context("fork").Process(target=lib.f, args=(1,))
    child.start()
    child.join(10)
    done.set()
    thread.join()
    assert child.exitcode == 0


def test_a_child_that_begins_anew_loads_what_it_needs(make: Make) -> None:
    """What it is to do comes by its name, from a rewritten module."""
    lib = both(make, "\nfrom fs_other import work\n\ndef f(x):\n    assert work(x) == 2\n")
    for number, code in ((1, 0), (2, 1)):
        child = multiprocessing.get_context("spawn").Process(target=lib.f, args=(number,))
        child.start()
        child.join(60)
        assert child.exitcode == code


def test_a_module_that_is_not_in_the_list_of_modules_works(make: Make, tmp_path: Path) -> None:
    """As ``runpy`` executes it."""
    both(make, "\nfrom fs_other import work\n\ndef f(x):\n    return work(x)\n")
    space: dict[str, Any] = {"__name__": "fs_nowhere"}
    exec((tmp_path / "fs_lib.py").read_bytes(), space)
    assert space["f"](1) == 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '"""D."""\nimport a\n\ndef f():\n    return a, a.b\n',
            '"""D."""; PRELUDE("a",)\ndef _fast_start_1(): import a; return {"a": a}\n\n'
            "def f():\n    return HERE.a, HERE.a.b\n",
        ),
        (
            "# said\n\nfrom a import (\n    b,\n)\ndef f(): b()\n",
            '# said\nPRELUDE("b",)\ndef _fast_start_1(): from a import b; return {"b": b}\n\n\n'
            "def f(): HERE.b()\n",
        ),
        (
            "x = 1  # one\nimport a  # two\nf = lambda: a\n",
            'x = 1; PRELUDE("a",)  # one\ndef _fast_start_1(): import a; return {"a": a}\n'
            "f = lambda: HERE.a\n",
        ),
        (
            "#!/bin/sh\n# -*- x -*-\n# here\nimport a\ndef f(): a\n",
            '#!/bin/sh\n# -*- x -*-\nPRELUDE("a",)  # here\n'
            'def _fast_start_1(): import a; return {"a": a}\ndef f(): HERE.a\n',
        ),
    ],
)
def test_the_text(source: str, expected: str) -> None:
    """Byte for byte the same, each time."""
    text = rewritten(source.encode(), candidates(source.encode(), module="m")).decode()
    again = rewritten(source.encode(), candidates(source.encode(), module="m")).decode()
    said = re.compile(
        r"from sidecar_fast_start import put_off as _fast_start_0; _fast_start_here = "
        r"_fast_start_0\(globals\(\), \{\"_fast_start_1\": \('(\w+)',\)\}\)"
    )
    assert text == again
    assert said.sub(r'PRELUDE("\1",)', text).replace("_fast_start_here", "HERE") == expected


def test_nothing_put_off_is_nothing_changed() -> None:
    """The text stays the same object."""
    source = b"import a\n"
    assert rewritten(source, ()) is source


@pytest.mark.parametrize(
    "wrong",
    [
        {"uses": ()},  # a use is forgotten
        {"uses": ((5, 16), (6, 17))},  # a local variable is taken for it
        {"uses": ((5, 16), (5, 4))},  # something else is changed
        {"names": ("b",)},  # a name is confused
        {"line": 3, "end_line": 3},  # a line is confused
    ],
)
def test_a_mistake_is_found(wrong: dict[str, Any]) -> None:
    """The comparison with the original knows nothing of how the text was made."""
    source = b"\n\nimport a\nimport c\ndef f(): return a\ndef g(a): return a\n"
    right: dict[str, Any] = {
        "line": 3,
        "end_line": 3,
        "code": "import a",
        "names": ("a",),
        "targets": ("a",),
        "uses": ((5, 16),),
    }
    rewritten(source, [Statement(**right)])
    changed = {"line": 4, "end_line": 4} if "line" in wrong else wrong
    with pytest.raises(ValueError, match=r"\w+"):
        rewritten(source, [Statement(**(right | changed))])


@pytest.mark.slow
def test_what_was_put_off_is_loaded_when_the_program_is_idle(tmp_path: Path) -> None:
    """While it works, nothing is; a module that cannot be loaded stops no other."""
    helper = (HELPER / "sidecar_fast_start.py").read_text().replace("IDLE = False", "IDLE = True")
    assert "IDLE = True" in helper
    (tmp_path / "sidecar_fast_start.py").write_text(helper)
    library = (
        '"""A library."""\n'
        + "import fs_missing\nimport fs_late\n\ndef f():\n    return fs_missing, fs_late\n"
    )
    found = candidates(library.encode(), module="fs_lib")
    assert len(found) == 2
    (tmp_path / "fs_lib.py").write_bytes(rewritten(library.encode(), found))
    (tmp_path / "fs_late.py").write_text("x = 1\n")
    program = """
        import sys, time
        import fs_lib
        began = time.monotonic()
        while time.monotonic() - began < 1.0:
            pass
        print("fs_late" in sys.modules, flush=True)
        while "fs_late" not in sys.modules:
            time.sleep(0.05)
        print(fs_lib.fs_late.x)
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, "program.py"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=30,
    )
    assert done.stdout.split() == ["False", "1"]
