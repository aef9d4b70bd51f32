"""Damage: cut off, bits flipped, rights lost."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    Status,
    degraded,
    failed,
    passed,
    refuses,
    stops,
    sweep,
)

CUTS = 10
"""Places at which the artifact is cut off, spread evenly over its bytes."""

FLIPS = 100
"""Bits that are flipped, one at a time, at places drawn from the seed."""

DAMAGE = r"corrupt|damage|truncat|checksum|CRC|archive|extract|decompress|unpack|payload|too short"
"""A message names the damage."""


def _place(files: list[Path], at: int) -> tuple[Path, int]:
    """The file, and the place in it, that holds byte ``at`` of all files laid end to end."""
    for path in files:
        size = path.stat().st_size
        if at < size:
            return path, at
        at -= size
    raise ValueError("beyond the end")


def judge_damaged(observation: Observation, healthy: Observation) -> tuple[str, CaseResult]:
    """Started correctly, or refused? Anything else is a failure."""
    if observation.hung:
        return "hung", failed(f"hung: no {observation.hung} in time", observation)
    if observation.processes_left:
        return "left processes", failed("a process is left", observation)
    if observation.ready:
        same = (observation.boot, observation.shutdown, observation.exit_code) == (
            healthy.boot,
            healthy.shutdown,
            healthy.exit_code,
        )
        if same and not observation.files_left:
            return "started correctly", passed("started correctly", observation)
        if observation.exit_code == 0 and not same:
            return "ran wrongly in silence", failed(
                f"ran on, but differently: {observation.boot} / {observation.shutdown}", observation
            )
        return "failed after READY", degraded(f"{observation.ending} after READY", observation)
    verdict = refuses(observation, cause=DAMAGE)
    if verdict.status is Status.FAIL:
        return ("left files" if observation.files_left else "exited with 0 unready"), verdict
    if observation.crashed or observation.exit_signal:
        return f"died of {observation.exit_signal}", verdict
    if verdict.status is Status.PASS:
        return "refused and named the cause", verdict
    return "refused without a cause", verdict


@case(
    "Truncated at 10 places, as by a broken download: it starts correctly, or "
    "refuses, names the damage and leaves nothing."
)
def truncated(sandbox: Sandbox) -> CaseResult:
    """Of a folder, the file is cut that holds the place, and what follows is complete."""
    healthy = sandbox.run()
    program = sandbox.install(sandbox.folder("installed"))
    files = program.shipped_files()
    total = sum(path.stat().st_size for path in files)
    results = []
    for number in range(CUTS):
        path, at = _place(files, total * number // CUTS)
        whole = path.with_name(path.name + ".whole")
        path.rename(whole)
        # A new file each time: the one that ran may still be mapped.
        with whole.open("rb") as source, path.open("wb") as target:
            target.write(source.read(at))
        shutil.copymode(whole, path)
        observation = sandbox.run(program=program)
        results.append(judge_damaged(observation, healthy))
        whole.replace(path)
    return sweep(results, of="cuts")


@case(
    "One bit flipped at 100 seeded places: it starts correctly, or refuses and leaves nothing; "
    "never a wrong run in silence.",
    needs=(Need.PROTOCOL,),
)
def bit_flipped(sandbox: Sandbox) -> CaseResult:
    """Bad memory, a bad disk. Each flip is undone before the next one."""
    healthy = sandbox.run()
    program = sandbox.install(sandbox.folder("installed"))
    files = program.shipped_files()
    total = sum(path.stat().st_size for path in files)
    source = random.Random(sandbox.seed)
    results = []
    for _ in range(FLIPS):
        path, at = _place(files, source.randrange(total))
        bit = 1 << source.randrange(8)
        _flip(path, at, bit)
        observation = sandbox.run(program=program)
        label, verdict = judge_damaged(observation, healthy)
        if verdict.status is Status.DEGRADED:
            # Nobody promises a message for a single bit: a refusal of any kind passes.
            verdict = replace(verdict, status=Status.PASS)
        results.append((label, verdict))
        _flip(path, at, bit)
    return sweep(results, of="flips")


def _flip(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ bit]))


@case("The exec bit is lost: the system refuses to start it, or it starts.", needs=(Need.RIGHTS,))
def exec_bit_lost(sandbox: Sandbox) -> CaseResult:
    """A zip archive or a file share dropped the rights of every file."""
    program = sandbox.install(sandbox.folder("installed"))
    for path in program.shipped_files():
        path.chmod(0o644)
    observation = sandbox.run(program=program)
    if not observation.started:
        return passed("the system refuses to start it", observation)
    return stops(observation)


@case("The exec bit of its libraries is lost, but not its own: it starts.", needs=(Need.RIGHTS,))
def exec_bit_of_libraries_lost(sandbox: Sandbox) -> CaseResult:
    """A packager of the application set the rights of one file only."""
    program = sandbox.install(sandbox.folder("installed"))
    for path in program.shipped_files():
        if path != program.artifact:
            path.chmod(0o644)
    return stops(sandbox.run(program=program))


@case("The program's files are read-only for everybody: it starts.")
def files_read_only(sandbox: Sandbox) -> CaseResult:
    """A system-wide installation with tight rights."""
    program = sandbox.install(sandbox.folder("installed"))
    for path in program.shipped_files():
        path.chmod(0o555)
    return stops(sandbox.run(program=program))
