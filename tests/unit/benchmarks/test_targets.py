"""What is launched: copies of the variants, and baselines that see what the script sees."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import targets
from benchmarks.targets import PYTHON, PYTHON_ISOLATED
from spike.core.errors import SpikeError
from spike.launch import leftovers
from spike.project.sidecar import Sidecar
from tests.support import sidecars


def test_a_baseline_runs_a_copy_of_the_sources(hello: Sidecar) -> None:
    """In a place of its own; the row still names the original."""
    leftovers.adopt_orphans()
    rows = [each for each in targets.baselines(hello) if each.id in (PYTHON, PYTHON_ISOLATED)]
    with targets.staged(rows) as copies:
        for row, copy in zip(rows, copies, strict=True):
            assert copy.place is not None
            assert copy.script == copy.place.sources / "main.py"
            assert str(copy.script) in copy.argv
            done = copy.judged()
            assert done.ok, done
            first, second = copy.spec(), copy.spec()
            assert first.cwd != second.cwd, "each launch has a working folder of its own"
            assert first.env["HOME"] == str(copy.place.home)
            assert row.as_json()["argv"] != copy.as_json()["argv"]
    assert not any((hello.workspace.build / "places").iterdir())


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("import json\n", ("-I", "-S")),
        ("import helper\n", ("-E", "-s", "-S")),
        ("from parts import one\n", ("-E", "-s", "-S")),
        ("def f():\n    import helper\n", ("-E", "-s", "-S")),
        ("text = 'import helper'\n", ("-I", "-S")),
    ],
    ids=["alone", "module", "package", "later", "text"],
)
def test_a_script_that_imports_its_siblings_sees_them(
    main: str, expected: tuple[str, ...], project: Path
) -> None:
    """``-I`` hides the script's folder; without siblings it is what it was."""
    folder = project / "sidecar"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "one.py").write_text("")
    (folder / "helper.py").write_text("")
    assert targets.isolation(sidecars.hello(folder, main=main)) == expected


def test_on_macos_the_c_program_is_not_static(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its linker refuses that, in these words, and every run of bench would have ended with it."""
    compiler = project / "bin" / "cc"
    compiler.parent.mkdir()
    refuse = "echo \"ld: library 'crt0.o' not found\" >&2; exit 1"
    compiler.write_text(f'#!/bin/sh\ncase "$*" in *-static*) {refuse};; esac\nexec gcc "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(compiler.parent), prepend=":")
    with pytest.raises(SpikeError, match=r"crt0\.o"):
        targets.static_c_program()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert targets.static_c_program().is_file()
