"""What a repository of one's own imports: whose modules it gets, and when it is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from packaging_spike import NAMES, TOOL, bring
from packaging_spike.cli import FILES
from spike.core import workspace


def loaded(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a project's folder, as the program that loads its tasks.py does."""
    (folder / "tasks.py").write_text("\n".join(lines), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(TOOL)!r}); import tasks"],
        cwd=folder,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tool_is_where_its_modules_say() -> None:
    """In a checkout as in a wheel."""
    assert TOOL == workspace.TOOL
    assert all((TOOL / name / "__init__.py").is_file() for name in NAMES)


def test_the_tool_comes_before_others(tmp_path: Path) -> None:
    """A project's folder of such a name does not matter, while nobody needs it as a module."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "commands.py").write_text("raise SystemExit('the wrong one')\n")
    done = loaded(
        tmp_path,
        "from packaging_spike import bring",
        "bring(__file__)",
        "from importlib import import_module",
        "print(import_module('benchmarks').__file__, import_module('commands').__file__)",
    )
    found = [Path(path) for path in done.stdout.split()]
    assert found == [TOOL / "benchmarks" / "__init__.py", TOOL / "commands" / "__init__.py"], done


@pytest.mark.parametrize(
    "line", ["import decision", "from decision.x import y", "def f():\n    import decision.z"]
)
def test_a_file_that_needs_another_module_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """It would get the tool's, whatever it meant."""
    file = tmp_path / "tasks.py"
    file.write_text(f"{FILES['tasks.py']}{line}\n", encoding="utf-8")
    before = list(sys.path)
    with pytest.raises(SystemExit) as ended:
        bring(str(file))
    assert ended.value.code == 2
    assert sys.path == before
    told = capsys.readouterr().err
    assert told.startswith("error: tasks.py needs modules of its own")
    assert "decision (tasks.py)" in told
    assert "Try: packaging-spike init" in told


def test_a_module_that_is_there_already_is_named(tmp_path: Path) -> None:
    """By the file that it came from."""
    (tmp_path / "theirs.py").write_text("import importlib; importlib.import_module('spike')\n")
    (tmp_path / "spike.py").write_text("")
    done = loaded(tmp_path, "import theirs", "from packaging_spike import bring", "bring(__file__)")
    assert done.returncode == 2
    assert f"spike ({tmp_path / 'spike.py'})" in done.stderr


@pytest.mark.parametrize(
    "line", ["from . import decision", "import decisions", "from theirs import decision", ""]
)
def test_other_files_are_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """The names stand for themselves alone."""
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "noxfile.py"
    file.write_text(f"{FILES['noxfile.py']}{line}\n", encoding="utf-8")
    bring(str(file))
    assert sys.path == [str(TOOL), "elsewhere"]
    assert sys.dont_write_bytecode


def test_this_repositorys_own_files_may_import_its_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are the tool's, and their bytecode is kept as ever."""
    monkeypatch.setattr(sys, "path", [str(TOOL), "elsewhere"])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    bring(str(TOOL / "tasks.py"))
    assert sys.path == [str(TOOL), "elsewhere"]
    assert not sys.dont_write_bytecode
