"""What was met while the hello sidecar was packaged, each as a command that shows it again.

    python -m benchmarks.faults.findings --list
    python -m benchmarks.faults.findings nuitka-onefile-sigterm

Exit 0: it reproduces on this machine. Exit 1: it does not (any more): the entry in ``issues/``
that names it can be closed. Exit 2: it could not be tried.

Each works on the real frozen binary in ``dist/``. The launch has a temporary folder of its own,
and its stdin is held open, as a host holds it, unless the finding is about its end.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spike.build import buildinfo, sessions
from spike.build.buildinfo import Built
from spike.core import process, workspace
from spike.core.command_line import run_command_line
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, SpikeError, UsageError
from spike.launch import leftovers
from spike.launch.places import environment_without, remove_tree
from spike.launch.running import Running
from spike.launch.spec import STOP_TIMEOUT_S, Launch, LaunchSpec
from spike.launch.stopping import stop
from spike.packagers import variant_named
from spike.project import sidecar

PATIENCE_S = 5.0
"""How long an orphan is watched. Nuitka's own check of its parent runs each second."""

REPRODUCTIONS = workspace.TOOL / "issues" / "reproductions"
"""Minimal cases that need a program of their own."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a finding's command saw.

    Attributes:
        reproduced: Whether it is as the finding says.
        lines: What was seen, a line each.
    """

    reproduced: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was met.

    Attributes:
        name: What the command line calls it.
        variant: The variant it is about.
        claim: What it says, in one sentence.
        check: Shows it on a built variant.
        folder: The sidecar that is packaged, when it is not the hello sidecar.
    """

    name: str
    variant: str
    claim: str
    check: Callable[[Built], Observation]
    folder: Path | None = None


@contextlib.contextmanager
def _launched(built: Built, *, wait_ready: bool = True) -> Iterator[Running]:
    """A launched program; whatever it leaves is ended and removed afterwards."""
    leftovers.adopt_orphans()
    running = Running(
        LaunchSpec(argv=(str(built.artifact), *built.sidecar.args), env=built.sidecar.env)
    )
    try:
        with running:
            if wait_ready and not running.wait_ready():
                raise SpikeError(
                    f"{built.info.variant} did not say READY: {running.detail}.",
                    try_next=f"invoke bench --variant {built.info.variant}",
                )
            yield running
    finally:
        leftovers.end(leftovers.survivors(running.mark))
        if running.tmp is not None:
            remove_tree(running.tmp)


def _last_line(running: Running) -> str:
    running.watch(0.2)
    return running.lines[-1].text if running.lines else "(no output)"


def _left_in(running: Running) -> tuple[list[str], int]:
    """Top-level names in the launch's temporary folder, and the number of files below them."""
    if running.tmp is None:
        return [], 0
    names = sorted(path.name for path in running.tmp.iterdir())
    return names, sum(path.is_file() for path in leftovers.paths_below(running.tmp))


def _sigterm_as(built: Built) -> Observation:
    with _launched(built) as running:
        running.send(signal.SIGTERM)
        running.wait_exit(STOP_TIMEOUT_S)
        said = _last_line(running)
        return Observation(
            reproduced=said == "SHUTDOWN reason=signal signal=SIGINT",
            lines=(
                "sent SIGTERM to the process that was started",
                f"the program said: {said}",
                f"exit code {running.exit_code}",
            ),
        )


def _hangup(built: Built) -> Observation:
    with _launched(built) as running:
        running.send(signal.SIGHUP)
        running.wait_exit(STOP_TIMEOUT_S)
        exited_ms = running.now_ms()
        alive = len(leftovers.survivors(running.mark))
        leftovers.wait_until_gone(running.mark, PATIENCE_S)
        gone_ms = running.now_ms()
        said = _last_line(running)
        names, count = _left_in(running)
        return Observation(
            reproduced=running.exit_signal == "SIGHUP" and alive > 0 and count > 0,
            lines=(
                "sent SIGHUP to the process that was started",
                f"it ended by {running.exit_signal or running.exit_code}, "
                f"{alive} process still running",
                f"that one was gone {gone_ms - exited_ms:.0f} ms later and said: {said}",
                f"left in the temporary folder: {', '.join(names) or 'nothing'} ({count} files)",
            ),
        )


def _orphan(built: Built) -> Observation:
    with _launched(built) as running:
        running.send(signal.SIGKILL)
        running.wait_exit(STOP_TIMEOUT_S)
        left = leftovers.wait_until_gone(running.mark, PATIENCE_S)
        commands = [_shown(leftovers.command_line(found)) for found in left]
        running.watch(0.0)
        still_open = running.open_streams()
        running.close_stdin()
        after = leftovers.wait_until_gone(running.mark, PATIENCE_S)
        return Observation(
            reproduced=bool(left) and "stdout" in still_open,
            lines=(
                "sent SIGKILL to the process that was started, stdin held open",
                f"after {PATIENCE_S:g} s still running: " + (", ".join(commands) or "nothing"),
                f"pipes without an end of file: {', '.join(still_open) or 'none'}",
                f"still running after the end of stdin: {len(after)}",
            ),
        )


def _shown(command: str) -> str:
    return workspace.display_path(Path(command))


def _temp_left(built: Built) -> Observation:
    with _launched(built) as running:
        running.send(signal.SIGKILL)
        running.wait_exit(STOP_TIMEOUT_S)
        running.close_stdin()
        left = leftovers.wait_until_gone(running.mark, PATIENCE_S)
        names, count = _left_in(running)
        return Observation(
            reproduced=not left and count > 0,
            lines=(
                "sent SIGKILL to the process that was started, then closed stdin",
                f"still running after {PATIENCE_S:g} s: {len(left)}",
                f"left in the temporary folder: {', '.join(names) or 'nothing'} ({count} files)",
            ),
        )


def _stopped_while_unpacking(built: Built) -> tuple[Launch, list[str], int]:
    """SIGTERM as soon as the first unpacked file is there; what was said and left."""
    with _launched(built, wait_ready=False) as running:
        while not _left_in(running)[1] and not running.exited:
            running.watch(0.0)
        running.send(signal.SIGTERM)
        running.wait_exit(STOP_TIMEOUT_S)
        running.watch(0.2)
        leftovers.wait_until_gone(running.mark, PATIENCE_S)
        names, count = _left_in(running)
        return running.result(), names, count


def _eager_inspect(built: Built) -> Observation:
    done = process.capture(
        [str(built.artifact)],
        env={"PYTHONVERBOSE": "1", "SIDECAR_EXIT_ON_EOF": "1"},
        stdin=b"",
    )
    traced = [line for line in done.errors.splitlines() if line.startswith("import ")]
    imports = [line for line in traced if line.startswith(("import inspect", "import 'inspect'"))]
    names = {line.split()[1].strip("'") for line in traced}
    return Observation(
        reproduced=bool(imports),
        lines=(
            "started with PYTHONVERBOSE=1; the program imports no inspect",
            f"modules imported until it stopped: {len(names)}",
            f"of inspect: {imports[0] if imports else 'nothing'}",
        ),
    )


def _unpack_leaves(built: Built) -> Observation:
    result, names, count = _stopped_while_unpacking(built)
    return Observation(
        reproduced=result.ready_ms is None and count > 0,
        lines=(
            "sent SIGTERM when the first unpacked file was there",
            f"it ended by {result.exit_signal or result.exit_code}, before READY",
            f"left in the temporary folder: {', '.join(names) or 'nothing'} ({count} files)",
        ),
    )


def _unpack_misleads(built: Built) -> Observation:
    result, _names, count = _stopped_while_unpacking(built)
    said = result.stderr_tail[-1] if result.stderr_tail else "(nothing)"
    folder, _, name = said.partition("/onefile_")
    return Observation(
        reproduced=result.exit_code == 2 and "for writing" in said,
        lines=(
            "sent SIGTERM when the first unpacked file was there",
            f"exit code {result.exit_code}, files left: {count}",
            "stderr: " + (folder.rpartition("/")[0] + "/…/onefile_" + name if name else said),
        ),
    )


def _library_path(built: Built) -> Observation:
    name = "LD_LIBRARY_PATH"
    if sys.platform != "linux":
        raise UsageError(f"{name} is Linux's, and so is /proc, which shows it.")
    base = environment_without([name])
    running = Running(LaunchSpec(argv=(str(built.artifact),), env=built.sidecar.env, base_env=base))
    with running:
        running.wait_ready()
        raw = Path(f"/proc/{running.pid}/environ").read_bytes()
        environment = dict(
            item.split("=", 1) for item in raw.decode(errors="replace").split("\0") if "=" in item
        )
        pid = running.fields().get("pid")
        stop(running)
    if running.tmp is not None:
        remove_tree(running.tmp)
    value = environment.get(name, "")
    return Observation(
        # /proc/PID/environ is what the last exec was given; it is not what we passed.
        reproduced=bool(value) and pid == str(running.pid),
        lines=(
            f"launched without {name}, process {'is' if pid == str(running.pid) else 'is not'} "
            "the one that was started",
            f"its environment has {name}={workspace.display_path(Path(value)) if value else ''}",
        ),
    )


def _other_python(built: Built) -> Observation:
    with _launched(built) as running:
        said = running.fields().get("python", "")
        stop(running)
    return Observation(
        reproduced=said != built.info.python_version,
        lines=(
            f"the packager ran in Python {built.info.python_version}",
            f"the packaged program says python={said}",
        ),
    )


def _deaf_to_parent(built: Built) -> Observation:
    with _launched(built) as running:
        running.send(signal.SIGKILL)
        running.wait_exit(STOP_TIMEOUT_S)
        left = leftovers.wait_until_gone(running.mark, PATIENCE_S)
        return Observation(
            reproduced=bool(left),
            lines=(
                "sent SIGKILL to the onefile parent of a program that waits in signal.sigwait",
                f"after {PATIENCE_S:g} s still running: {len(left)} "
                "(the hello sidecar, which does not use sigwait, is gone after about 1 s)",
            ),
        )


FINDINGS: Mapping[str, Finding] = {
    finding.name: finding
    for finding in (
        Finding(
            name="nuitka-onefile-sigterm",
            variant="nuitka-onefile",
            claim="Nuitka's onefile parent passes SIGTERM on as SIGINT",
            check=_sigterm_as,
        ),
        Finding(
            name="nuitka-onefile-sighup",
            variant="nuitka-onefile",
            claim="SIGHUP ends Nuitka's onefile parent alone and leaves the unpacked files",
            check=_hangup,
        ),
        Finding(
            name="nuitka-onefile-temp-left",
            variant="nuitka-onefile",
            claim="SIGKILL of Nuitka's onefile parent leaves the unpacked files",
            check=_temp_left,
        ),
        Finding(
            name="nuitka-onefile-unpack-sigterm",
            variant="nuitka-onefile",
            claim="SIGTERM while Nuitka's onefile unpacks is reported as a file that cannot be "
            "written, with exit code 2",
            check=_unpack_misleads,
        ),
        Finding(
            name="nuitka-onefile-sigwait",
            variant="nuitka-onefile",
            claim="A program that waits in signal.sigwait outlives Nuitka's onefile parent",
            check=_deaf_to_parent,
            folder=REPRODUCTIONS / "sigwait",
        ),
        Finding(
            name="nuitka-eager-inspect",
            variant="nuitka-standalone",
            claim="A Nuitka program imports inspect at its start, whether it is used or not",
            check=_eager_inspect,
        ),
        Finding(
            name="pyinstaller-onefile-orphan",
            variant="pyinstaller-onefile",
            claim="SIGKILL of PyInstaller's onefile launcher leaves Python running and the pipes "
            "open",
            check=_orphan,
        ),
        Finding(
            name="pyinstaller-onefile-temp-left",
            variant="pyinstaller-onefile",
            claim="SIGKILL of PyInstaller's onefile launcher leaves the unpacked files",
            check=_temp_left,
        ),
        Finding(
            name="pyinstaller-onefile-unpack-sigterm",
            variant="pyinstaller-onefile",
            claim="SIGTERM while PyInstaller's onefile unpacks leaves the unpacked files",
            check=_unpack_leaves,
        ),
        Finding(
            name="pyinstaller-onedir-library-path",
            variant="pyinstaller-onedir",
            claim="PyInstaller's onedir launcher executes itself again and leaves LD_LIBRARY_PATH "
            "in the environment",
            check=_library_path,
        ),
        Finding(
            name="cx-freeze-other-python",
            variant="cx_freeze-onedir",
            claim="cx_Freeze packages another Python than the one that runs it",
            check=_other_python,
        ),
    )
}


def find(name: str) -> Finding:
    """Look a finding up.

    Raises:
        UsageError: There is none of that name; the message lists those that exist.
    """
    try:
        return FINDINGS[name]
    except KeyError:
        raise UsageError(
            f"There is no finding {name!r}.",
            why=f"Known are: {', '.join(FINDINGS)}.",
            try_next="python -m benchmarks.faults.findings --list",
        ) from None


def built_for(finding: Finding) -> Built:
    """The binary that a finding is shown on; a minimal case is built when it is not there.

    Raises:
        SpikeError: The hello sidecar's variant is not built, or the minimal case does not build.
    """
    variant = variant_named(finding.variant)
    if finding.folder is None:
        return buildinfo.find(variant, sidecar.load())
    case = sidecar.load(finding.folder)
    argv = sessions.command(case, [variant.packager.name], mode=variant.mode.name)
    done = process.capture(argv, cwd=workspace.project(), timeout_s=900)
    if not done.ok:
        raise SpikeError(
            f"The minimal case of {finding.name} could not be built.",
            why=done.errors.strip()[-400:],
            try_next=process.shown(["nox", *argv[3:]]),
        )
    return buildinfo.find(variant, case)


def main(arguments: list[str]) -> int:
    """Command line; see the module's text for the exit codes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults.findings", allow_abbrev=False
    )
    parser.add_argument("name", nargs="?", help="the finding to show")
    parser.add_argument("--list", action="store_true", help="say which there are")
    options = parser.parse_args(arguments)
    if options.list or not options.name:
        for finding in FINDINGS.values():
            _say(f"{finding.name}: {finding.claim}.")
        return EXIT_OK
    finding = find(options.name)
    seen = finding.check(built_for(finding))
    started = time.strftime("%Y-%m-%d")
    _say(f"{finding.claim}: {'reproduced' if seen.reproduced else 'not reproduced'} ({started}).")
    for line in seen.lines:
        _say(f"  {line}")
    return EXIT_OK if seen.reproduced else EXIT_GOAL_MISSED


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command line


if __name__ == "__main__":
    run_command_line(main)
