"""The first launch beside the plain script: scripts play the part of what a packager has made."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from spike.completeness import first_launch, suspects
from spike.completeness.first_launch import FirstLaunch
from spike.launch.spec import Failure
from spike.packagers.recipe import Shipped
from tests.support import sidecars

pytestmark = pytest.mark.slow

HEAD = """\
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("BOOT sidecar=t pid=%d" % os.getpid(), flush=True)
"""
TAIL = 'print("READY", flush=True)\nsignal.pause()\n'
LOADS = HEAD + "import importlib\nimportlib.import_module('plugins.alpha')\nprint('ALPHA')\n" + TAIL
CHILD = HEAD + "subprocess.Popen(['sleep', '60'])\n" + TAIL


def launched(
    folder: Path,
    script: str,
    program: str,
    *,
    files: Mapping[str, str] | None = None,
    shipped: tuple[str, ...] = (),
    settings: str = "",
    provided: Mapping[str, str] | None = None,
) -> FirstLaunch:
    """Launch a program beside a script."""
    for path, content in (files or {}).items():
        (folder / "sidecar" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sidecar" / path).write_text(content, encoding="utf-8")
    sidecar = sidecars.hello(folder / "sidecar", main=script, settings=settings)
    artifact = folder / "program"
    artifact.write_text(f"#!{sys.executable} -IS\n{program}", encoding="utf-8")
    artifact.chmod(0o755)
    modules = frozenset(path for path in shipped if "." not in path.rpartition("/")[2][1:])
    return first_launch.run(
        sidecar,
        variant="toy-archive",
        artifact=artifact,
        folder=None,
        shipped=Shipped(
            modules=modules, files=frozenset(shipped), tells_standard=provided is not None
        ),
        provided=provided or {},
    )


def test_two_that_are_alike_are_not_spoken_of(project: Path) -> None:
    """Their process ids differ, which means nothing."""
    seen = launched(project, HEAD + TAIL, HEAD + TAIL)
    assert seen.program.ok, seen.program
    assert seen.plain.ok
    assert (seen.gaps, seen.remarks) == ((), ())


def test_what_the_script_has_loaded_and_the_program_has_not_is_named(project: Path) -> None:
    """READY came, and a part is missing."""
    files = {"plugins/__init__.py": "", "plugins/alpha.py": ""}
    seen = launched(project, LOADS, HEAD + TAIL, files=files)
    assert seen.program.ok
    (gap,) = seen.gaps
    assert (gap.key, gap.values, gap.certain) == ("hidden_imports", ("plugins.alpha",), True)
    missing, differs = seen.remarks
    assert 'set hidden_imports = ["plugins.alpha"]' in missing
    assert "'ALPHA' where the program writes nothing" in differs


def test_a_dotenv_is_looked_for_elsewhere_when_packaged(project: Path) -> None:
    """A script that names the file itself finds it in both."""
    read = HEAD + "print(open(os.path.dirname(__file__) + '/.env').read())\n" + TAIL
    script = "try:\n    import dotenv\nexcept ImportError:\n    pass\n" + read
    seen = launched(project, script, HEAD + TAIL, files={".env": "A=1"})
    assert suspects.LOAD_DOTENV in seen.remarks
    seen = launched(project, read, HEAD + TAIL, files={".env": "A=1"})
    assert seen.remarks
    assert suspects.LOAD_DOTENV not in seen.remarks, "pydantic reads such a file, too"
    same = HEAD + "print('A=1')\n" + TAIL
    seen = launched(project, script, same, shipped=("toy/.env",), files={".env": "A=1"})
    assert seen.remarks == ()


def test_metadata_brings_no_module_along(project: Path) -> None:
    """One of Python's own that is missing as well is told at once, and not by the next build."""
    script = f"{HEAD}import wave\nfrom importlib.metadata import version\nversion('pytest')\n{TAIL}"
    seen = launched(project, script, HEAD + TAIL, provided={"pytest": "pytest"})
    values = {gap.key: gap.values for gap in seen.gaps if gap.certain}
    assert values["metadata"] == ("pytest",)
    assert "wave" in values["hidden_imports"]


def test_a_module_with_a_name_of_pythons_own_is_named_when_something_is_amiss(
    project: Path,
) -> None:
    """PyInstaller, for one, has taken Python's before it looks for the program's."""
    script = f"{HEAD}import statistics\nprint(statistics.MINE)\n{TAIL}"
    files = {"statistics.py": "MINE = 7\n"}
    for same in (True, False):
        program = HEAD + ("print(7)\n" if same else "print(8)\n") + TAIL
        seen = launched(project, script, program, files=files, shipped=("statistics",))
        assert any("statistics has the name of" in text for text in seen.remarks) is not same


def test_a_dotenv_that_nobody_reads_is_spoken_of_when_something_is_amiss(project: Path) -> None:
    """Git ignores it, or a setting looks for it in the working folder; both ask for it in vain."""
    script = f"{HEAD}try:\n    import pydantic_settings\nexcept ImportError:\n    pass\n"
    for end, told in (("raise KeyError('A')\n", True), (TAIL, False)):
        seen = launched(project, script + end, HEAD + end, files={".env": "A=1"})
        assert (suspects.UNREAD_DOTENV in seen.remarks) is told


def test_a_file_that_did_not_ship_may_be_needed(project: Path) -> None:
    """Nothing was asked of the program, so that it cannot be known; a smoke command asks."""
    seen = launched(project, HEAD + TAIL, HEAD + TAIL, files={"pages/home.html": "<p>"})
    missing, smoke = seen.remarks
    assert "If the program needs it: in [tool.sidecar] set data = " in missing
    assert "a smoke command would ask" in smoke
    asked = launched(project, HEAD + TAIL, HEAD + TAIL, settings='smoke = ["true"]')
    assert len(asked.remarks) == 1


def test_what_only_the_program_says_on_stderr_is_shown(project: Path) -> None:
    """A library's words about a missing module lead to the key."""
    says = HEAD + "sys.stderr.write('WARNING: hook: No module named \\'json.tool\\'\\n')\n" + TAIL
    (remark,) = launched(project, HEAD + TAIL, says).remarks
    assert 'hidden_imports = ["json.tool"]' in remark


@pytest.mark.parametrize(
    ("script", "program", "failure", "says"),
    [
        (
            HEAD + "raise KeyError('HOME_OF_IT')\n",
            HEAD + "raise KeyError('HOME_OF_IT')\n",
            Failure.EXITED_BEFORE_READY,
            "No fault of the packager: the plain script fails in the same way",
        ),
        (
            HEAD + "raise KeyError('A')\n",
            HEAD + "raise KeyError('B')\n",
            Failure.EXITED_BEFORE_READY,
            "The plain script fails as well: exited with 1 before READY",
        ),
        (
            CHILD,
            CHILD,
            Failure.LEFT_PROCESSES,
            "No fault of the packager: the plain script leaves the same behind",
        ),
        (
            HEAD + "open('settings.json')\n",
            HEAD + "raise SystemExit(3)\n",
            Failure.EXITED_BEFORE_READY,
            "The plain script looks in its working folder as well",
        ),
    ],
    ids=["same", "another", "child", "working folder"],
)
def test_a_script_that_fails_as_well_is_said_to(
    script: str, program: str, failure: Failure, says: str, project: Path
) -> None:
    """Whose fault it is decides where to look."""
    seen = launched(project, script, program)
    assert seen.program.failure is failure
    assert says in seen.program.detail


def test_a_start_that_takes_its_time_is_told_the_key(project: Path) -> None:
    """The plain script is waited for longer, so that it is known how long it takes."""
    slow = HEAD + "import time\ntime.sleep(1.2)\n" + TAIL
    seen = launched(project, slow, slow, settings="ready_timeout_s = 1.0")
    assert seen.program.failure is Failure.READY_TIMEOUT
    assert "Fix: in [tool.sidecar] set ready_timeout_s = 3" in seen.program.detail


def test_a_thread_that_ends_in_both_is_told_of(project: Path) -> None:
    """Nothing differs, READY comes, and a part of the program does nothing."""
    head = HEAD + "import threading\ndef load():\n    {}\n"
    head += "thread = threading.Thread(target=load)\nthread.start()\nthread.join()\n" + TAIL
    for does, says in (("open('a.bin')", "begins at Path(__file__)"), ("1 / 0", "ZeroDivision")):
        seen = launched(project, *[head.format(does)] * 2)
        assert any(says in text for text in seen.remarks)


def test_what_ends_by_a_signal_as_the_script_does_is_compared_all_the_same(project: Path) -> None:
    """As uvicorn does by itself: a failed launch, and one that can be compared."""
    head = HEAD.replace("lambda *_: sys.exit(0)", "signal.SIG_DFL")
    seen = launched(project, head + TAIL, head + TAIL)
    assert (seen.program.failure, seen.plain.failure) == (Failure.UNCLEAN_STOP,) * 2
    assert "No fault of the packager" in seen.program.detail
    assert seen.outcome().plain_ok
    assert seen.outcome().equal
    other = launched(project, head + "print('A')\n" + TAIL, head + TAIL)
    assert "'A' where the program writes nothing" in other.differences[0]
    assert not other.outcome().equal
    ends = launched(project, head + TAIL, head + "raise KeyError('A')\n")
    assert "plain script" not in ends.program.detail, "it came up"
    alone = launched(project, HEAD + TAIL, head + TAIL)
    assert not alone.outcome().equal


def test_what_starts_python_again_is_said_where_the_program_differs(project: Path) -> None:
    """As sphinx-autobuild does: packaged, it starts itself, which fails in words of its own."""
    starts = HEAD + "subprocess.run([sys.executable, '-c', 'pass'])\n" + TAIL
    seen = launched(project, starts, HEAD + "raise SystemExit('wrong arguments')\n")
    assert "Besides, the plain script starts sys.executable with -c pass, " in seen.program.detail
    seen = launched(project, starts, HEAD + "print('A')\n" + TAIL)
    assert "starts sys.executable with -c pass" in seen.differences[-1]
    assert seen.differences[-1] in seen.remarks
    assert launched(project, starts, HEAD + TAIL).differences == (), "it may know what it is"
    # hypercorn: its worker reads the arguments of a child of multiprocessing as its own.
    spawns = HEAD + "import multiprocessing.popen_spawn_posix\n" + TAIL
    wrong = HEAD + "raise SystemExit('wrong arguments')\n"
    assert "freeze_support()" in launched(project, spawns, wrong).program.detail
    knows = spawns + "from multiprocessing import freeze_support\nfreeze_support()\n"
    assert "freeze_support()" not in launched(project, knows, wrong).program.detail


def test_a_program_that_fails_alone_is_not_excused(project: Path) -> None:
    """The script is good."""
    seen = launched(project, HEAD + TAIL, HEAD + "raise KeyError('A')\n")
    assert seen.program.failure is Failure.EXITED_BEFORE_READY
    assert "plain script" not in seen.program.detail


def test_ready_on_stderr_is_heard_of_the_script_too(project: Path) -> None:
    """Its imports are not listed then, since they would go where READY is waited for."""
    tail = 'sys.stderr.write("READY\\n")\nsys.stderr.flush()\nsignal.pause()\n'
    seen = launched(project, HEAD + tail, HEAD + tail, settings='ready_stream = "stderr"')
    assert seen.plain.ok, seen.plain
    assert seen.program.ok, seen.program
