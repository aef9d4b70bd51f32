"""What a program does first: garbage collection held off until READY, and given back."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from spike.packagers import VARIANTS
from spike.packagers.analysis import prologue
from spike.packagers.recipe import STAGED
from spike.project import sidecar
from spike.project.entry import with_first

DEFAULT = f"{gc.get_threshold()[0]} 0"
"""700 up to Python 3.12, 2000 from 3.13 on."""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nx = 1\n", "import M; import os\nx = 1\n"),
        ('"""Doc."""\n\nimport os\n', '"""Doc."""; import M\n\nimport os\n'),
        ('"""Döc,\nlong."""  # note\nx = 1\n', '"""Döc,\nlong."""; import M  # note\nx = 1\n'),
        (
            "from __future__ import annotations\nimport os\n",
            "from __future__ import annotations; import M\nimport os\n",
        ),
        ('"""D."""\ndef f():\n    pass\n', '"""D."""; import M\ndef f():\n    pass\n'),
        ("# hello\nimport os\n", "# hello\nimport M; import os\n"),
        (
            "#!/usr/bin/python\ndef f():\n    pass\n",
            "#!/usr/bin/python\nimport M\ndef f():\n    pass\n",
        ),
        ("@a\ndef f():\n    pass\n", "import M\n@a\ndef f():\n    pass\n"),
        ("", "import M\n"),
    ],
)
def test_the_import_comes_first_and_no_line_moves(source: str, expected: str) -> None:
    """Behind what Python wants first, in front of everything else."""
    assert with_first(source.encode(), "import M").decode() == expected
    compile(expected, "x", "exec")


def run(tmp_path: Path, program: str, ready: str = "READY") -> list[str]:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\n'
        f'[tool.sidecar]\nready = "{ready}"\ndefer_gc = true\n'
    )
    (folder / "main.py").write_text(program)
    staged = prologue.files(sidecar.load(folder))
    for path, text in staged.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    done = subprocess.run(
        [sys.executable, str(tmp_path / STAGED / "main.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


SHOW = "print(gc.get_threshold()[0], len(gc.callbacks))"


@pytest.mark.parametrize(
    "say", ["print('UP', flush=True)", "sys.stdout.write('UP\\n')", "print('x\\nUP')"]
)
def test_the_thresholds_come_back_with_the_ready_line(tmp_path: Path, say: str) -> None:
    """Held before READY, as usual afterwards, with nothing left in the way."""
    lines = run(tmp_path, f"import gc, sys\n{SHOW}\n{say}\n{SHOW}\nprint(vars(sys.stdout))\n", "UP")
    lines = [line for line in lines if line not in ("UP", "x")]
    assert lines == ["200000 1", DEFAULT, "{'mode': 'w'}"]


def test_the_thresholds_come_back_at_the_first_collection(tmp_path: Path) -> None:
    """A program that never says READY, or says it past sys.stdout, is not left without."""
    lines = run(tmp_path, f"import gc\nkept = [[] for _ in range(200_100)]\n{SHOW}\n")
    assert lines == [DEFAULT]


def test_a_collector_that_was_switched_off_stays_off(tmp_path: Path) -> None:
    """Somebody meant it."""
    lines = run(
        tmp_path, f"import gc\ngc.disable()\nprint('READY')\n{SHOW}\nprint(gc.isenabled())\n"
    )
    assert lines == ["READY", DEFAULT, "False"]


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "pyinstaller-spec"])
def test_every_packager_takes_the_option(name: str) -> None:
    """It is staged with the sources, so no packager has to know about it."""
    variant = VARIANTS[name]
    held = dataclasses.replace(sidecar.load(), defer_gc=True)
    files = variant.packager.recipe(held, variant.mode.name).files
    assert files[STAGED / "main.py"].count("import sidecar_defer_gc") == 1
    assert STAGED / "sidecar_defer_gc.py" in files
