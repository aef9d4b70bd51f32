"""Libraries: which glibc it needs, and what it takes from the system."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    degraded,
    failed,
    passed,
)

OLDEST_GLIBC = (2, 35)
"""Ubuntu 22.04's: the oldest system with the libwebkit2gtk-4.1 that Tauri 2 itself needs."""

GLIBC_LIBRARIES = frozenset(
    {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libdl.so.2"}
    | {"libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libnsl.so.1"}
    | {"libcrypt.so.1", "linux-vdso.so.1"}
)
"""What every system with glibc has; everything else has to be shipped."""


ELF_MAGIC = b"\x7fELF"


def _elf_files(sandbox: Sandbox, program: Program) -> tuple[list[Path], Observation]:
    """Every ELF file that ships or is unpacked, as copies; and the session that unpacked."""
    kept = sandbox.folder("unpacked")
    with sandbox.session(program=program) as session:
        session.until_ready()
        shutil.copytree(session.tmp, kept, dirs_exist_ok=True, symlinks=True)
        session.stop()
        observation = session.end()
    candidates = [*program.shipped_files(), *(path for path in kept.rglob("*") if path.is_file())]
    return [path for path in candidates if _is_elf(path)], observation


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == ELF_MAGIC


@case(
    "It runs on glibc 2.35 (Ubuntu 22.04, the oldest that Tauri 2 runs on): no file asks for a "
    "newer symbol.",
    needs=(Need.LINUX, Need.READELF),
)
def oldest_glibc(sandbox: Sandbox) -> CaseResult:
    """The newest GLIBC_x.y among the version references of all ELF files, unpacked ones too."""
    files, observation = _elf_files(sandbox, sandbox.hello)
    newest, culprit = (0, 0), ""
    for path in files:
        completed = sandbox.tool("readelf", "--version-info", "--wide", str(path))
        for match in re.finditer(r"Name: GLIBC_(\d+)\.(\d+)", completed.output):
            version = (int(match[1]), int(match[2]))
            if version > newest:
                newest, culprit = version, path.name
    if newest == (0, 0):
        return passed(f"none of its {len(files)} ELF files asks for glibc", observation)
    text = f"{newest[0]}.{newest[1]}"
    if newest > OLDEST_GLIBC:
        return degraded(f"needs glibc {text} (by {culprit})", observation, glibc=text)
    return passed(
        f"needs glibc {text} (by {culprit}), {len(files)} ELF files", observation, glibc=text
    )


@case(
    "All shared libraries but glibc's own are shipped: the closure by ldd stays inside.",
    needs=(Need.LINUX, Need.LDD),
)
def library_closure(sandbox: Sandbox) -> CaseResult:
    """A library taken from the system is missing on the next machine."""
    files, observation = _elf_files(sandbox, sandbox.hello)
    shipped = {path.name for path in files}
    inside = str(sandbox.hello.folder or sandbox.hello.artifact)
    outside: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for path in files:
        completed = sandbox.tool("ldd", str(path))
        for line in completed.output.splitlines():
            match = re.match(r"\s*(\S+) => (not found|\S+)", line)
            if match is None:
                continue
            name, target = Path(match[1]).name, match[2]
            if name in GLIBC_LIBRARIES:
                continue
            # The program itself is loaded by the system: only its own run path counts. What it
            # loads later it finds by name in the folder that it unpacked or brought.
            if name in shipped and path != sandbox.hello.artifact:
                continue
            if target.startswith(inside):
                continue
            if target == "not found":
                lacking[name] = path.name
            elif target.startswith("/"):
                outside[name] = path.name
    if lacking:
        name, by = next(iter(sorted(lacking.items())))
        return failed(f"{len(lacking)} libraries are nowhere: {name} (needed by {by})", observation)
    if outside:
        names = ", ".join(f"{name} (by {by})" for name, by in sorted(outside.items()))
        return degraded(f"taken from the system: {names}", observation)
    return passed(f"{len(files)} ELF files need glibc alone", observation)
