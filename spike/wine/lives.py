"""Every built variant behind the supervisor on Windows: stopped, and killed in each way.

    python -m spike.wine.lives --programs FOLDER [--times 20] [--sidecar DIR] [--variant NAME]

FOLDER has the supervisor's smallest host (``examples/supervise.exe``) and the launcher. A life is
good when it was ready, ended as it should, and no process and no file of it is left. Whoever comes
from a start is in the job of that start, whatever its parent is: so nothing is overlooked.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core import process, windows
from spike.core.command_line import run_command_line, say
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, UnsuitableError
from spike.core.tables import table
from spike.core.workspace import HELLO
from spike.host import staging
from spike.launch import procs_windows
from spike.project.sidecar import load

WAYS = ("stopped", "its first process killed", "its host killed")
READY_S = 60.0
END_S = 30.0
GONE_S = 10.0

NO_START = "os error 1359"
"""What a start under Wine now and then ends with: the new process died before Wine had set it up.

That is STATUS_INTERNAL_ERROR, which Wine 8 has for a process that is gone without an exit code by
then; nothing of the program has run. Such a start is made again, once, and said. Windows has no
such thing, and nothing is made again there.
"""


def main(arguments: list[str]) -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(prog="lives", allow_abbrev=False)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--sidecar", default=HELLO)
    parser.add_argument("--variant", action="append", default=[], metavar="NAME")
    options = parser.parse_args(arguments)
    if os.name != "nt":
        raise UnsuitableError("This is about jobs of Windows.", try_next="nox -s windows")
    supervise = options.programs / "examples" / "supervise.exe"
    rows, good = [], True
    for built in buildinfo.find_all(load(options.sidecar), tuple(options.variant)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            program = installed(built, options.programs / "sidecar-launcher.exe", Path(folder))
            for way in WAYS:
                problems = [life(supervise, program, way) for _ in range(options.times)]
                bad = [problem for problem in problems if problem]
                good = good and not bad
                count = f"{options.times - len(bad)} of {options.times}"
                rows.append([built.info.variant, way, count, bad[0] if bad else ""])
                say(f"{built.info.variant}, {way}: {count} good")
    say(table(["variant", "way", "nothing left", "first problem"], rows))
    say(f"{'every' if good else 'NOT every'} life ended with nothing left")
    return EXIT_OK if good else EXIT_GOAL_MISSED


def installed(built: Built, launcher: Path, folder: Path) -> Path:
    """The program as a host ships it: a folder build has the launcher in front of it."""
    if built.folder is None:
        return built.artifact
    inner = folder / "sidecar.d"
    shutil.copytree(built.folder, inner)
    return staging.behind_launcher(launcher, inner, built.artifact.relative_to(built.folder))


def life(supervise: Path, program: Path, way: str) -> str:
    """One life: what was wrong with it; empty when nothing was."""
    problem = one(supervise, program, way)
    if NO_START in problem and windows.emulator():
        say(f"Wine did not start it, so once more: {problem}")
        problem = one(supervise, program, way)
    return problem


def one(supervise: Path, program: Path, way: str) -> str:
    """One attempt at it; see :func:`life`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            **dict.fromkeys(("TEMP", "TMP", "TMPDIR"), folder),
            "SIDECAR_EXIT_ON_EOF": "1",
        }
        child = process.spawn(
            [str(supervise), str(program)], env=environment, stderr=subprocess.STDOUT
        )
        job = windows.job_of(child)
        assert job is not None
        procs_windows.remember(folder, job)
        try:
            problem = _led(child, program.name, folder, way)
        finally:
            job.end()
            child.wait()
        if problem:
            return problem
        if way == WAYS[2]:
            # What a killed host leaves is removed by the next one.
            process.capture([str(supervise), "--sweep"], env=environment)
        files = sorted(path.name for path in Path(folder).iterdir())
        return f"files are left: {files}" if files else ""


def _led(child: process.Popen, name: str, mark: str, way: str) -> str:
    said: list[str] = []
    if not _ready(_lines(child), said):
        return f"it did not become ready; it said {' / '.join(said[-6:]) or 'nothing'}"
    # A console is a process as well, and none of the sidecar's.
    children = (item for item in windows.listed() if item.parent == child.pid)
    first = next((item.pid for item in children if item.name.lower() == name.lower()), None)
    if first is None:
        return "the host has no sidecar"
    assert child.stdin is not None
    if way == WAYS[0]:
        child.stdin.close()
    else:
        windows.Opened(first if way == WAYS[1] else child.pid).end()
    try:
        code = child.wait(END_S)
    except subprocess.TimeoutExpired:
        return "its host did not end"
    # A sidecar that dies is a failure, which the host says.
    if (code == 0) is not (way == WAYS[0]):
        return f"its host ended with {code}"
    until = time.monotonic() + GONE_S
    while left := procs_windows.of_job(mark):
        if time.monotonic() > until:
            return f"left: {[item.name() for item in left]}"
        time.sleep(0.02)
    return ""


def _lines(child: process.Popen) -> queue.Queue[bytes]:
    """What it prints, read by a thread until its end; an empty line is that end."""
    lines: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        assert child.stdout is not None
        for line in os.fdopen(child.stdout.fileno(), "rb", closefd=False):
            lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    return lines


def _ready(lines: queue.Queue[bytes], said: list[str]) -> bool:
    """Wait for READY; what was said until then is added to a list."""
    until = time.monotonic() + READY_S
    while (left := until - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            return False
        if line.strip() == b"READY":
            return True
        if not line:
            return False
        said.append(line.decode("utf-8", "replace").rstrip())
    return False


if __name__ == "__main__":
    run_command_line(main)
