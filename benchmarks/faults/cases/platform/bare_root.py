"""A root folder with next to nothing in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.cases.platform.libraries import GLIBC_LIBRARIES
from benchmarks.faults.conditions import Conditions, quoted
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.sandbox import Sandbox, copies
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Status,
    degraded,
    failed,
    passed,
    stops,
)

BASE_LIBRARIES = GLIBC_LIBRARIES | {"libz.so.1", "libgcc_s.so.1"}
"""What the smallest installation of a common distribution has: dpkg and rpm need zlib, and glibc's
pthread_exit needs libgcc_s. Without the latter a thread that meets the end of the interpreter
aborts the process, by chance."""


@case(
    "It starts in a fresh root with nothing but glibc, /tmp, /proc and /dev/null.",
    needs=(Need.CHROOT, Need.LDD),
)
def bare_root(sandbox: Sandbox) -> CaseResult:
    """The minimum of a container image."""
    return _in_bare_root(sandbox, sandbox.hello, proc=True, libraries=GLIBC_LIBRARIES)


@case(
    "It starts in such a root with zlib and libgcc added, which every common distribution has.",
    needs=(Need.CHROOT, Need.LDD),
)
def bare_root_with_zlib(sandbox: Sandbox) -> CaseResult:
    """The minimum of Debian, Ubuntu and Fedora, where the package manager needs zlib itself."""
    return _in_bare_root(sandbox, sandbox.hello, proc=True)


@case("It starts in such a root without /proc and /dev, or refuses.", needs=(Need.CHROOT, Need.LDD))
def bare_root_without_proc(sandbox: Sandbox) -> CaseResult:
    """A chroot as ftp servers make it."""
    return _in_bare_root(sandbox, sandbox.hello, proc=False)


@case(
    "The probe's C extensions that work here work in a bare root as well: they are shipped whole.",
    needs=(Need.CHROOT, Need.LDD, Need.PROBE),
)
def bare_root_extensions(sandbox: Sandbox) -> CaseResult:
    """What needs files of the system by its nature (time zones, /bin/echo, names) is left out."""
    here = sandbox.ask("extensions")
    left_out = {"zoneinfo", "asyncio", "socket"}
    left_out |= {name for name, problem in here.report.items() if problem}
    root, program = _bare_root(sandbox, sandbox.probe)
    with sandbox.namespace(*_mounts(root, proc=True)) as space:
        conditions = Conditions(
            wrap=(*space.wrap, _chroot(), str(root)),
            name=str(program.artifact),
            tmp=Path("/tmp"),
            look=(root / "tmp",),
        )
        observation = sandbox.ask("extensions", conditions=conditions)
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    if observation.exit_code != 0:
        return degraded(
            f"{observation.ending}: {observation.last_words or 'no message'}", observation
        )
    problems = {
        name: text for name, text in observation.report.items() if text and name not in left_out
    }
    if problems:
        text = "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))
        return failed(text, observation)
    return passed(f"{len(set(observation.report) - left_out)} work", observation)


def _in_bare_root(
    sandbox: Sandbox,
    program: Program,
    *,
    proc: bool,
    libraries: frozenset[str] = BASE_LIBRARIES,
) -> CaseResult:
    root, inside = _bare_root(sandbox, program, libraries)
    with sandbox.namespace(*_mounts(root, proc=proc)) as space:
        conditions = Conditions(
            wrap=(*space.wrap, _chroot(), str(root)),
            name=str(inside.artifact),
            tmp=Path("/tmp"),
            look=(root / "tmp",),
        )
        observation = sandbox.run(conditions)
    verdict = stops(observation)
    if (
        verdict.status is Status.DEGRADED
        and not proc
        and not observation.crashed
        and observation.last_words
    ):
        return passed(f"refuses: {observation.last_words}", observation)
    return verdict


def _bare_root(
    sandbox: Sandbox, program: Program, libraries: frozenset[str] = BASE_LIBRARIES
) -> tuple[Path, Program]:
    """A root folder with some libraries and the program; the program as it is called inside."""
    from dataclasses import replace

    root = sandbox.folder("root")
    for name in ("tmp", "proc", "dev", "app"):
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "dev" / "null").touch()
    copies(_system_files(sandbox, libraries), root)
    _check_bare_root(sandbox, root)
    copy = sandbox.install(root / "app", program)
    inside = replace(
        copy,
        artifact=Path("/") / copy.artifact.relative_to(root),
        folder=Path("/") / copy.folder.relative_to(root) if copy.folder else None,
    )
    return root, inside


def _check_bare_root(sandbox: Sandbox, root: Path) -> None:
    """A program that needs glibc alone has to run there: else the root is at fault."""
    control = shutil.which("env") or "/usr/bin/env"
    shutil.copy2(control, root / "app" / "control")
    completed = sandbox.tool(_chroot(), str(root), "/app/control", "--version")
    if not completed.ok:
        raise NotRun(f"the bare root cannot run {control}: {completed.errors.strip()}")
    (root / "app" / "control").unlink()


def _system_files(sandbox: Sandbox, libraries: frozenset[str]) -> list[Path]:
    """The loader, and libraries of the system from where ``ldd`` finds glibc's own."""
    completed = sandbox.tool("ldd", shutil.which("env") or "/usr/bin/env")
    paths = [Path(match) for match in re.findall(r"(/\S+)", completed.output)]
    folders = {path.parent for path in paths if path.name == "libc.so.6"}
    files = [path for path in paths if path.name in libraries]
    for folder in folders:
        files += [folder / name for name in sorted(libraries) if (folder / name).exists()]
    if not folders:
        raise NotRun("ldd does not show where glibc lies")
    return list(dict.fromkeys(files))


def _mounts(root: Path, *, proc: bool) -> tuple[str, ...]:
    if not proc:
        return ()
    return (
        f"mount -t proc none {quoted(root / 'proc')}",
        f"mount --bind /dev/null {quoted(root / 'dev' / 'null')}",
    )


def _chroot() -> str:
    return shutil.which("chroot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "chroot"
