"""The artifact: damaged, replaced, tidied away, and started many times at once."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Conditions, Program, Sandbox, Session, end_all
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    degraded,
    failed,
    passed,
    refuses,
    stops,
    sweep,
    until_lost,
    worst,
)

CUTS = 10
"""Places at which the artifact is cut off, spread evenly over its bytes."""

FLIPS = 100
"""Bits that are flipped, one at a time, at places drawn from the seed."""

DAMAGE = r"corrupt|damage|truncat|checksum|CRC|archive|extract|decompress|unpack|payload|too short"
"""A message names the damage."""


# --- damage ------------------------------------------------------------------------------------


def _place(files: list[Path], at: int) -> tuple[Path, int]:
    """The file, and the place in it, that holds byte ``at`` of all files laid end to end."""
    for path in files:
        size = path.stat().st_size
        if at < size:
            return path, at
        at -= size
    raise ValueError("beyond the end")


def _judge_damaged(observation: Observation, healthy: Observation) -> tuple[str, CaseResult]:
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
        results.append(_judge_damaged(observation, healthy))
        whole.replace(path)
    return sweep(results, of="cuts")


@case(
    "One bit flipped at 100 seeded places: it starts correctly, or refuses and leaves nothing; "
    "never a wrong run in silence."
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
        label, verdict = _judge_damaged(observation, healthy)
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


@case("The exec bit is lost: the system refuses to start it, or it starts.")
def exec_bit_lost(sandbox: Sandbox) -> CaseResult:
    """A zip archive or a file share dropped the rights of every file."""
    program = sandbox.install(sandbox.folder("installed"))
    for path in program.shipped_files():
        path.chmod(0o644)
    observation = sandbox.run(program=program)
    if not observation.started:
        return passed("the system refuses to start it", observation)
    return stops(observation)


@case("The exec bit of its libraries is lost, but not its own: it starts.")
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


# --- what it unpacked --------------------------------------------------------------------------


@case(
    "What it unpacked is tidied away while it runs: it goes on, imports what it has not "
    "imported yet, and stops cleanly.",
    needs=(Need.PROBE,),
)
def unpacked_files_tidied_away(sandbox: Sandbox) -> CaseResult:
    """Cleaners of /tmp remove what was not touched for ten days; a sidecar may run for longer."""
    with sandbox.session(program=sandbox.probe) as session:
        session.until_ready()
        unpacked = list(session.tmp.iterdir())
        for path in unpacked:
            shutil.rmtree(path)
        return _late_import(session, nothing="" if unpacked else "unpacks nothing")


def _late_import(session: Session, *, nothing: str = "") -> CaseResult:
    """Ask the running probe for a late import and its data file, then for a stop."""
    session.running.write_stdin(b"import\n")
    session.running.pump(lambda: bool(session.heard("REPORT ")) or session.running.exited, 30.0)
    answered = bool(session.heard("REPORT "))
    session.stop()
    observation = session.end()
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    if not answered:
        return failed("it no longer answers", observation)
    problems = {name: text for name, text in observation.report.items() if text}
    if problems:
        text = "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))
        return degraded(f"it goes on and stops cleanly, but {text}", observation)
    return passed(nothing or "late import and data file work, clean stop", observation)


@case("A file of its unpack cache was truncated: it starts correctly or refuses.")
def cache_truncated(sandbox: Sandbox) -> CaseResult:
    """A crash or a full disk while the cache was written."""
    home = sandbox.folder("home")
    conditions = Conditions(env={"HOME": str(home)})
    healthy = sandbox.run(conditions)
    cached = [path for path in home.rglob("*") if path.is_file()]
    if not cached:
        return passed("keeps no cache", healthy)
    results = []
    for path in sorted(cached, key=lambda item: -item.stat().st_size)[:CUTS]:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        results.append(_judge_damaged(sandbox.run(conditions), healthy))
        if path.read_bytes() != content:
            path.write_bytes(content)
    return sweep(results, of="truncated files of the cache")


@case("Its unpack cache is rewritten while it runs, by another start: both run and stop cleanly.")
def cache_rewritten_while_running(sandbox: Sandbox) -> CaseResult:
    """An older instance is still running when the cache turns out to be damaged."""
    home = sandbox.folder("home")
    conditions = Conditions(env={"HOME": str(home)})
    with sandbox.session(conditions) as first:
        first.until_ready()
        cached = sorted(
            (path for path in home.rglob("*") if path.is_file()),
            key=lambda item: -item.stat().st_size,
        )
        if not cached:
            first.stop()
            return passed("keeps no cache", first.end())
        changed = next((path for path in cached if not os.access(path, os.X_OK)), cached[-1])
        with changed.open("r+b") as stream:
            stream.truncate(changed.stat().st_size // 2)
        second = sandbox.run(conditions)
        first.stop()
        observation = first.end()
    return worst(
        {"the running one": stops(observation), "the new one": stops(second)},
        pass_detail="both run and stop cleanly",
    )


# --- updates -----------------------------------------------------------------------------------


@case(
    "It is replaced by a newer version while it runs (rename over it): the running one goes "
    "on, imports what it has not imported yet, and stops cleanly.",
    needs=(Need.PROBE,),
)
def replaced_while_running(sandbox: Sandbox) -> CaseResult:
    """An update. The newer version is another program of the same packager, at the same path."""
    program = sandbox.install(sandbox.folder("installed"), sandbox.probe)
    newer = sandbox.install(sandbox.folder("newer"), sandbox.hello)
    with sandbox.session(program=program) as session:
        session.until_ready()
        if program.folder is None:
            newer.artifact.replace(program.artifact)
        else:
            assert newer.folder is not None
            program.folder.rename(program.folder.with_name("older"))
            newer.folder.rename(program.folder)
        return _late_import(session)


@case("It is overwritten in place while it runs: the system refuses, or it goes on unharmed.")
def overwritten_while_running(sandbox: Sandbox) -> CaseResult:
    """Cp over a running program: the kernel's ETXTBSY protects what is being executed."""
    program = sandbox.install(sandbox.folder("installed"))
    with sandbox.session(program=program) as session:
        session.until_ready()
        try:
            with program.artifact.open("r+b") as stream:
                stream.write(b"overwritten")
            refused = False
        except OSError:
            refused = True
        session.stop()
        observation = session.end()
    verdict = stops(observation)
    if verdict.status is Status.PASS and refused:
        return passed("the system refuses to overwrite it", observation)
    return verdict


@case(
    "It is removed while it runs: it goes on, imports what it has not imported yet, and stops "
    "cleanly.",
    needs=(Need.PROBE,),
)
def removed_while_running(sandbox: Sandbox) -> CaseResult:
    """An uninstallation, or an update that deletes first."""
    program = sandbox.install(sandbox.folder("installed"), sandbox.probe)
    with sandbox.session(program=program) as session:
        session.until_ready()
        if program.folder is None:
            program.artifact.unlink()
        else:
            shutil.rmtree(program.folder)
        return _late_import(session)


# --- many at once ------------------------------------------------------------------------------


@case(
    "8 first launches at once, with one home and one TMPDIR, 20 times over: all start and stop, "
    "nothing is left.",
    alone=True,
)
def eight_at_once(sandbox: Sandbox) -> CaseResult:
    """A host with several windows, or a test suite."""
    return _at_once(sandbox, 8, times=20)


@case(
    "32 first launches at once, with one home and one TMPDIR, 8 times over: all start and stop, "
    "nothing is left.",
    alone=True,
)
def thirty_two_at_once(sandbox: Sandbox) -> CaseResult:
    """A build farm."""
    return _at_once(sandbox, 32, times=8)


def _at_once(sandbox: Sandbox, count: int, *, times: int) -> CaseResult:
    """Launch many at once, each time as if for the first time, until one of them fails.

    A race that is lost every third time would make the verdict chance if it were tried once.
    """
    ready_ms: list[float] = []

    def attempt() -> list[tuple[str, CaseResult]]:
        observation = _first_launches(sandbox, count)
        ready_ms.extend(one.ready_ms or 0.0 for one in observation)
        return [_label(one) for one in observation]

    verdict = sweep(until_lost(times, attempt), of="launches")
    return replace(verdict, facts={**verdict.facts, "slowest_ready_ms": round(max(ready_ms), 1)})


def _first_launches(sandbox: Sandbox, count: int) -> list[Observation]:
    home, tmp = sandbox.folder("home"), sandbox.folder("tmp")
    # Sixteen times the usual patience: 32 starts share the processors of one.
    conditions = Conditions(env={"HOME": str(home)}, tmp=tmp, look=(tmp,), ready_timeout_s=120.0)
    with _entered([sandbox.session(conditions) for _ in range(count)]) as sessions:
        for session in sessions:
            session.until_ready()
        for session in sessions:
            session.send(signal.SIGTERM)
        for session in sessions:
            session.until_exit(60.0)
        return end_all(sessions)


def _label(observation: Observation) -> tuple[str, CaseResult]:
    verdict = stops(observation)
    if verdict.status is Status.PASS:
        return "started and stopped", verdict
    return "failed", verdict


@contextlib.contextmanager
def _entered(sessions: list[Session]) -> Iterator[list[Session]]:
    """Start many sessions, and end all of them whatever happens."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(session) for session in sessions]


@case("20 launches one after another: each starts, stops and leaves nothing.")
def twenty_in_a_row(sandbox: Sandbox) -> CaseResult:
    """What one launch leaves must not trip the next."""
    home, tmp = sandbox.folder("home"), sandbox.folder("tmp")
    conditions = Conditions(env={"HOME": str(home)}, tmp=tmp, look=(tmp,))
    return sweep([_label(sandbox.run(conditions)) for _ in range(20)], of="launches")


@case(
    "A neighbour stops while it runs: it goes on, imports what it has not imported yet, and "
    "stops cleanly.",
    needs=(Need.PROBE,),
)
def neighbour_stops(sandbox: Sandbox) -> CaseResult:
    """Two instances of one program; the end of one must not tidy up under the other."""
    home, tmp = sandbox.folder("home"), sandbox.folder("tmp")
    conditions = Conditions(env={"HOME": str(home)}, tmp=tmp, look=(tmp,))
    probe: Program = sandbox.probe
    with sandbox.session(conditions, probe) as session:
        session.until_ready()
        with sandbox.session(conditions, probe) as neighbour:
            neighbour.until_ready()
            neighbour.stop()
            if not neighbour.running.exited:
                raise NotRun("the neighbour did not stop")
        return _late_import(session)
