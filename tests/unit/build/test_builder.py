"""Building: what is published, what is said when it fails, and what is not built again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from spike.build import builder, buildinfo, timings
from spike.build.failure import FAILURE_NAME
from spike.core.errors import (
    EXIT_CANNOT,
    BuildFailedError,
    BusyError,
    MissingToolError,
    StorageError,
)
from spike.core.process import Child
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.launch import launcher
from spike.packagers import Variant
from spike.packagers.recipe import Tool, Workload
from spike.project.sidecar import Sidecar
from tests.support import sidecars, toy
from tests.support.windows_launcher import Threads

pytestmark = pytest.mark.slow

VARIANT = toy.variant()


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_build_is_launched_published_and_described(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """The artifact with its build.json and its log; the first launch is part of the build."""
    info = builder.build(VARIANT, hello)
    said = capsys.readouterr().out
    assert "toy-archive: first launch " in said
    assert "ms to READY" in said
    assert buildinfo.read(VARIANT.folder(hello) / buildinfo.FILE_NAME, remedy="") == info
    artifact = hello.workspace.root / info.artifact
    assert info.sha256 == buildinfo.file_sha256(artifact)
    assert info.size_bytes == artifact.stat().st_size
    assert (info.packager, info.mode, info.sidecar) == ("toy", "archive", "hello")
    assert info.first_launch == "ready"
    assert info.cold_start_ms is not None
    assert buildinfo.LOG_NAME in files(VARIANT.folder(hello))
    assert not (hello.workspace.build / VARIANT.id / "work").exists(), "the scratch is gone"


def test_a_build_is_published_when_windows_launches_it(
    hello: Sidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each was thrown away there after it had succeeded: nothing could launch it."""
    # A stop is the end of stdin there.
    (hello.folder / "main.py").write_text(
        "import sys\nprint('READY', flush=True)\nsys.stdin.read()\n"
    )
    monkeypatch.setattr(launcher, "Running", Threads)
    launched: list[Sequence[str]] = []
    start = Threads._start

    def noted(self: Threads, argv: Sequence[str], environment: Mapping[str, str]) -> Child:
        launched.append(argv)
        return start(self, argv, environment)

    monkeypatch.setattr(Threads, "_start", noted)
    info = builder.build(VARIANT, hello)
    assert (info.first_launch, info.first_detail) == ("ready", "")
    assert any(argv[0].endswith("program") for argv in launched), launched
    assert buildinfo.read(VARIANT.folder(hello) / buildinfo.FILE_NAME, remedy="") == info


def test_what_has_not_changed_is_not_built_again(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless it is forced to, or the sources or the artifact are not what they were."""
    first = builder.build(VARIANT, hello)
    capsys.readouterr()
    assert builder.build(VARIANT, hello) == first
    assert "up to date" in capsys.readouterr().out
    builder.build(VARIANT, hello, force=True)
    assert "up to date" not in capsys.readouterr().out
    (hello.workspace.root / first.artifact).write_bytes(b"another program")
    builder.build(VARIANT, hello)
    assert "up to date" not in capsys.readouterr().out
    with (hello.folder / "main.py").open("a") as stream:
        stream.write("# changed\n")
    changed = builder.build(VARIANT, hello)
    assert "up to date" not in capsys.readouterr().out
    assert changed.fingerprint != first.fingerprint


def test_another_lock_is_another_build(hello: Sidecar, tmp_path: Path) -> None:
    """The requirements of the packager's environment are part of what comes out."""
    lock = tmp_path / "toy.txt"
    lock.write_text("toy==1")
    first = builder.build(VARIANT, hello, lock=lock)
    assert first.locks == {"toy.txt": buildinfo.file_sha256(lock)}
    assert builder.build(VARIANT, hello, lock=lock) == first
    lock.write_text("toy==2")
    again = builder.build(VARIANT, hello, lock=lock)
    assert again.fingerprint != first.fingerprint
    assert again.locks == {"toy.txt": buildinfo.file_sha256(lock)}


@pytest.mark.parametrize(
    ("broken", "step", "said"),
    [
        (toy.variant(module="no_such_module"), "toy itself", "No module named no_such_module"),
        (toy.variant(makes="absent"), "looking for dist/toy-archive/absent", ""),
    ],
    ids=["fails", "makes nothing"],
)
def test_a_failed_build_says_at_which_step_and_keeps_the_earlier_one(
    broken: Variant, step: str, said: str, hello: Sidecar
) -> None:
    """The end of the log is in the message, the facts lie in build/, an entry is drafted."""
    builder.build(VARIANT, hello)
    before = files(VARIANT.folder(hello))
    with pytest.raises(BuildFailedError) as caught:
        builder.build(broken, hello, force=True)
    assert f"the build failed at this step: {step}" in str(caught.value)
    assert said in str(caught.value)
    assert "nothing was published" in str(caught.value)
    assert files(VARIANT.folder(hello)) == before
    facts = json.loads((hello.workspace.build / VARIANT.id / FAILURE_NAME).read_text())
    assert facts["step"] == step
    (entry,) = hello.workspace.issues.glob("*.md")
    assert f"- Variant: {VARIANT.id}" in entry.read_text()


@pytest.mark.parametrize(("draft", "entries"), [(None, 0), (True, 1)])
def test_the_failure_of_another_sidecar_is_drafted_when_that_is_asked_for(
    draft: bool | None, entries: int, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The issue log is its people's; the facts are kept for whoever asks later."""
    other = sidecars.hello(project / "elsewhere", name="other")
    with pytest.raises(BuildFailedError):
        builder.build(toy.variant(module="no_such_module"), other, draft=draft)
    assert len(list(other.workspace.issues.glob("*.md"))) == entries
    assert (other.workspace.build / VARIANT.id / FAILURE_NAME).exists()
    said = capsys.readouterr().out
    assert ("invoke issue --draft --sidecar elsewhere" in said) is not bool(draft)


@pytest.mark.parametrize(
    ("ends", "how", "kept"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", "ended by SIGTERM", False),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL", True),
        ("sys.exit(130)", "ended by SIGINT", False),
        ("sys.exit(143)", "ended by SIGTERM", False),
        ("raise KeyboardInterrupt", "ended by SIGINT", False),
        (
            "sys.exit('FATAL: Nuitka-Scons: User interrupted scons build.')",
            "ended by SIGINT",
            False,
        ),
        ("sys.exit('Aborted by user request.')", "ended by SIGINT", False),
        ("sys.exit('except KeyboardInterrupt: is no valid syntax')", "exit code 1", True),
        ("sys.exit(1)", "exit code 1", True),
    ],
)
def test_a_build_that_somebody_ended_is_no_finding(
    ends: str, how: str, kept: bool, hello: Sidecar
) -> None:
    """Nor is one that the system killed drafted, though its facts are kept."""
    ended = toy.variant(pack=f"import os, signal, sys\n{ends}\n")
    with pytest.raises(BuildFailedError, match=re.escape(f"({how})")):
        builder.build(ended, hello, draft=True)
    drafted = list(hello.workspace.issues.glob("*.md"))
    assert len(drafted) == (1 if how.startswith("exit code") else 0)
    assert (hello.workspace.build / VARIANT.id / FAILURE_NAME).exists() is kept


def test_a_good_build_takes_back_what_was_kept_of_a_failed_one(hello: Sidecar) -> None:
    """The rules read failures from build/: what builds now has none."""
    with pytest.raises(BuildFailedError):
        builder.build(toy.variant(module="no_such_module"), hello)
    builder.build(VARIANT, hello)
    assert not (hello.workspace.build / VARIANT.id / FAILURE_NAME).exists()


def test_a_program_that_does_not_start_is_said_to_with_its_cause(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The packager was content; the first launch was not."""
    broken = sidecars.hello(project / "sidecar", main="raise SystemExit('the disk is on fire')\n")
    info = builder.build(VARIANT, broken)
    said = capsys.readouterr().out
    assert "its first launch failed" in said
    assert "the disk is on fire" in said
    assert info.first_launch == "exited_before_ready"
    assert info.cold_start_ms is None


@pytest.mark.parametrize(
    ("lacking", "remedy"),
    [
        (toy.variant(distribution="no-such-distribution"), "nox -s build_toy"),
        (
            toy.variant(
                tools=(
                    Tool(
                        anyone_of=("no-such-tool", "nor-this"),
                        purpose="compiles",
                        install="apt-get install toy",
                    ),
                )
            ),
            "apt-get install toy",
        ),
    ],
    ids=["packager", "tool"],
)
def test_what_is_missing_is_named_before_anything_is_done(
    lacking: Variant, remedy: str, hello: Sidecar
) -> None:
    """With the command that brings it."""
    with pytest.raises(MissingToolError) as caught:
        builder.build(lacking, hello)
    assert remedy in str(caught.value)
    assert not hello.workspace.build.exists()


def test_two_builds_of_one_variant_at_once_are_refused(hello: Sidecar) -> None:
    """They would write into each other's scratch."""
    fcntl = pytest.importorskip("fcntl")
    scratch = hello.workspace.build / VARIANT.id
    scratch.mkdir(parents=True)
    with (scratch / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="Another build of toy-archive is running"):
            builder.build(VARIANT, hello)
    builder.build(VARIANT, hello)


@pytest.mark.parametrize("place", ["build", "dist"])
def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(
    place: str, hello: Sidecar
) -> None:
    """Here a file is where the folder has to be."""
    (hello.workspace.root / place).write_text("")
    with pytest.raises(StorageError) as caught:
        builder.build(VARIANT, hello)
    assert "check the" in caught.value.try_next


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "There is no packager 'nosuch'"),
        (["pyinstaller", "--mode", "single"], "pyinstaller has no mode 'single'"),
        (["pyinstaller", "--sidecar", "/nowhere"], "There is no folder /nowhere"),
        (["cx_freeze"], "cx_freeze is not installed in this Python"),
    ],
    ids=["packager", "mode", "folder", "environment"],
)
def test_the_command_line_answers_mistakes_in_a_sentence(
    words: list[str], said: str, hello: Sidecar
) -> None:
    """Exit code 2 and a remedy, never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "spike.build", *words],
        cwd=TOOL,
        env={**os.environ, PROJECT_VARIABLE: str(hello.workspace.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_CANNOT
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


def test_a_long_compilation_is_announced_by_what_builds_took_here(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build leaves its figures, and the next one of the same is judged by them."""
    work = Workload(modules=1000, source_bytes=50_000_000)
    long = toy.variant(compiles=work)
    builder.build(long, hello)
    first = capsys.readouterr().out
    assert re.search(
        r"toy-archive: 1000 modules are compiled, which takes about \d+ minutes "
        r"\(by builds elsewhere, on \d+ processors\)",
        first,
    )
    (kept,) = timings.load(hello.workspace.root)
    assert (kept.sidecar, kept.variant, kept.modules) == ("hello", "toy-archive", 1000)
    assert (kept.source_bytes, kept.fresh) == (50_000_000, True)
    assert 0 <= kept.elapsed_s < 60
    builder.build(long, hello, force=True)
    assert "are compiled" not in capsys.readouterr().out, "the last time it took a moment"
    assert len(timings.load(hello.workspace.root)) == 2


def test_who_compiles_nothing_leaves_no_times(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does it speak of C."""
    builder.build(VARIANT, hello)
    assert "compiled" not in capsys.readouterr().out
    assert timings.load(hello.workspace.root) == ()
