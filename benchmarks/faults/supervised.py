"""The variants behind the supervisor or the real host, and folder builds behind the launcher.

There the expectation is strict, whatever the packager does by itself: nothing is left, no process
and no file. After SIGKILL of the supervisor the next start of one removes the files, as a host's
does; so that step belongs to it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.faults.program import Program
from benchmarks.faults.verdict import CaseResult, Status
from spike.build.buildinfo import Built
from spike.core import process
from spike.core.errors import MissingToolError, SpikeError
from spike.core.workspace import command_path, display_path, project
from spike.host import application, sources, staging
from spike.host.staging import Launching
from spike.launch.ready import Ready
from spike.project.sidecar import Sidecar

BUILD_TIMEOUT_S = 900.0


def supervise() -> Path:
    """The smallest host, without a window."""
    return sources.release() / "examples" / f"supervise{sources.SUFFIX}"


def chaos() -> Path:
    """The program that leads random lives."""
    return sources.release() / "examples" / f"chaos{sources.SUFFIX}"


def launcher() -> Path:
    """The launcher of folder builds."""
    return sources.release() / f"sidecar-launcher{sources.SUFFIX}"


def build() -> None:
    """Compile the supervisor's examples and the launcher; quick when nothing has changed.

    Raises:
        MissingToolError: There is no Rust.
        SpikeError: They do not compile.
    """
    if sources.compiled():
        return
    host = sources.sync()
    for words in (
        ("-p", "sidecar-supervisor", "--examples"),
        ("-p", "sidecar-launcher"),
    ):
        argv = ("cargo", "build", "--release", "--locked", *words)
        if shutil.which("cargo") is None:
            raise MissingToolError("cargo is not on PATH.", try_next="invoke doctor")
        completed = process.capture(argv, cwd=host, timeout_s=BUILD_TIMEOUT_S)
        if not completed.ok:
            raise SpikeError(
                f"{process.shown(argv)} fails in {display_path(host)}.",
                why=completed.errors.strip()[-1500:],
                try_next=f"cd {command_path(host)} && {process.shown(argv)}",
            )


def behind_launcher(program: Program, folder: Path) -> Program:
    """A folder build as the host ships it: the launcher in front of ``<name>.d``.

    Args:
        program: A program with a folder.
        folder: An empty folder to install both in.
    """
    assert program.folder is not None
    inner = folder / "sidecar.d"
    shutil.copytree(program.folder, inner, symlinks=True)
    entry = program.artifact.relative_to(program.folder)
    front = staging.behind_launcher(launcher(), inner, entry)
    return replace(program, artifact=front, folder=folder)


def behind_supervisor(program: Program) -> Program:
    """A program behind the smallest host, without a window."""
    sweep = (str(supervise()), "--sweep")
    if program.protocol:
        return replace(program, before=(str(supervise()),), sweep=sweep)
    options = ready_options(program.ready, timeout_s=program.ready_timeout_s)
    return replace(
        program,
        before=(str(supervise()), *options, "--tell-ready"),
        sweep=sweep,
        env={"SIDECAR_EXIT_ON_EOF": "1", **program.env},
        ready=TOLD_READY,
    )


TOLD_READY = Ready(pattern="^(supervise|sidecar-host): the sidecar is ready$", stream="stderr")
"""What our own code says of a sidecar whose own READY its reader cannot see or tell."""


def ready_options(ready: Ready, *, timeout_s: float) -> tuple[str, ...]:
    """What means ready, as options of the supervisor's examples."""
    limit = ("--ready-timeout-ms", str(round(timeout_s * 1000)))
    if ready.url:
        return ("--ready-url", staging.address(ready.url), *limit)
    said = ("--ready-pattern", ready.pattern) if ready.pattern else ("--ready", ready.line)
    return (*said, "--ready-stream", ready.stream, *limit)


@contextlib.contextmanager
def in_host(built: Sequence[Built]) -> Iterator[dict[str, Program]]:
    """The real application with each variant packaged inside, by variant, on a display of its own.

    With ``--follow`` it prints what the sidecar prints, so that the same cases judge it.

    Raises:
        MissingToolError: Something that the application needs is missing.
        BuildFailedError: It cannot be built or packaged.
    """
    application.check_tools()
    front = application.build_launcher() if any(item.folder for item in built) else None
    area = project() / "build" / "faults" / "host"
    packages = {
        item.info.variant: application.package(
            staging.stage(item, front, Launching()), area / item.info.variant
        )
        for item in built
    }
    try:
        with application.display() as screen:
            yield {
                item.info.variant: Program(
                    artifact=package.host,
                    folder=None,
                    env={
                        "SIDECAR_EXIT_ON_EOF": "1",
                        **item.sidecar.env,
                        **application.desktop(screen),
                    },
                    ready=_followed(item.sidecar),
                    ready_timeout_s=item.sidecar.ready_timeout_s,
                    protocol=item.sidecar.is_hello,
                    after=("--follow", "--"),
                    sweep=(
                        *(str(package.host), "--sweep", "--sidecar-config"),
                        str(package.resources / staging.CONFIG_NAME),
                    ),
                )
                for item, package in zip(built, packages.values(), strict=True)
            }
    finally:
        shutil.rmtree(area, ignore_errors=True)


def _followed(sidecar: Sidecar) -> Ready:
    """What says READY where the host prints what the sidecar prints: stdout as it is."""
    ready = Ready.of(sidecar)
    return TOLD_READY if ready.url or ready.stream != "stdout" else ready


def strict(result: CaseResult) -> CaseResult:
    """Judge by one question: is anything left, or does anything hang?

    Whatever else a case asks, such as the name under which a signal arrives, is the packager's.
    """
    if result.processes_left or result.files_left or result.counts.get("left files"):
        return replace(result, status=Status.FAIL)
    if result.status is Status.DEGRADED:
        return replace(result, status=Status.PASS)
    return result
