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
from benchmarks.faults.sandbox import Life, Program, Setting, Trial, end_all
from benchmarks.faults.verdict import (
    Finding,
    NotRun,
    Outcome,
    Seen,
    degraded,
    good,
    refuses,
    stops,
    sweep,
    until_lost,
    worst,
    wrong,
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


def _judge_damaged(seen: Seen, healthy: Seen) -> tuple[str, Finding]:
    """Started correctly, or refused? Anything else is the finding."""
    if seen.hung:
        return "hung", wrong(f"hung: no {seen.hung} in time", seen)
    if seen.processes_left:
        return "left processes", wrong("a process is left", seen)
    if seen.ready:
        same = (seen.boot, seen.shutdown, seen.exit_code) == (
            healthy.boot,
            healthy.shutdown,
            healthy.exit_code,
        )
        if same and not seen.files_left:
            return "started correctly", good("started correctly", seen)
        if seen.exit_code == 0 and not same:
            return "ran wrongly in silence", wrong(
                f"ran on, but differently: {seen.boot} / {seen.shutdown}", seen
            )
        return "failed after READY", degraded(f"{seen.ending} after READY", seen)
    verdict = refuses(seen, cause=DAMAGE)
    if verdict.outcome is Outcome.WRONG:
        return ("left files" if seen.files_left else "exited with 0 unready"), verdict
    if seen.crashed or seen.exit_signal:
        return f"died of {seen.exit_signal}", verdict
    if verdict.outcome is Outcome.AS_EXPECTED:
        return "refused and named the cause", verdict
    return "refused without a cause", verdict


@case(
    "Truncated at 10 places, as by a broken download: it starts correctly, or "
    "refuses, names the damage and leaves nothing."
)
def truncated(trial: Trial) -> Finding:
    """Of a folder, the file is cut that holds the place, and what follows is complete."""
    healthy = trial.run()
    program = trial.install(trial.folder("installed"))
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
        seen = trial.run(program=program)
        results.append(_judge_damaged(seen, healthy))
        whole.replace(path)
    return sweep(results, of="cuts")


@case(
    "One bit flipped at 100 seeded places: it starts correctly, or refuses and leaves nothing; "
    "never a wrong run in silence."
)
def bit_flipped(trial: Trial) -> Finding:
    """Bad memory, a bad disk. Each flip is undone before the next one."""
    healthy = trial.run()
    program = trial.install(trial.folder("installed"))
    files = program.shipped_files()
    total = sum(path.stat().st_size for path in files)
    source = random.Random(trial.seed)
    results = []
    for _ in range(FLIPS):
        path, at = _place(files, source.randrange(total))
        bit = 1 << source.randrange(8)
        _flip(path, at, bit)
        seen = trial.run(program=program)
        label, verdict = _judge_damaged(seen, healthy)
        if verdict.outcome is Outcome.DEGRADED:
            # Nobody promises a message for a single bit: a refusal of any kind is as expected.
            verdict = replace(verdict, outcome=Outcome.AS_EXPECTED)
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
def exec_bit_lost(trial: Trial) -> Finding:
    """A zip archive or a file share dropped the rights of every file."""
    program = trial.install(trial.folder("installed"))
    for path in program.shipped_files():
        path.chmod(0o644)
    seen = trial.run(program=program)
    if not seen.started:
        return good("the system refuses to start it", seen)
    return stops(seen)


@case("The exec bit of its libraries is lost, but not its own: it starts.")
def exec_bit_of_libraries_lost(trial: Trial) -> Finding:
    """A packager of the application set the rights of one file only."""
    program = trial.install(trial.folder("installed"))
    for path in program.shipped_files():
        if path != program.artifact:
            path.chmod(0o644)
    return stops(trial.run(program=program))


@case("The program's files are read-only for everybody: it starts.")
def files_read_only(trial: Trial) -> Finding:
    """A system-wide installation with tight rights."""
    program = trial.install(trial.folder("installed"))
    for path in program.shipped_files():
        path.chmod(0o555)
    return stops(trial.run(program=program))


# --- what it unpacked --------------------------------------------------------------------------


@case(
    "What it unpacked is tidied away while it runs: it goes on, imports what it has not "
    "imported yet, and stops cleanly.",
    needs=(Need.PROBE,),
)
def unpacked_files_tidied_away(trial: Trial) -> Finding:
    """Cleaners of /tmp remove what was not touched for ten days; a sidecar may run for longer."""
    with trial.life(program=trial.probe) as life:
        life.until_ready()
        found = list(life.tmp.iterdir())
        for path in found:
            shutil.rmtree(path)
        return _late_import(life, nothing="" if found else "unpacks nothing")


def _late_import(life: Life, *, nothing: str = "") -> Finding:
    """Ask the running probe for a late import and its data file, then for a stop."""
    life.running.write_stdin(b"import\n")
    life.running.pump(lambda: bool(life.heard("REPORT ")) or life.running.exited, 30.0)
    answered = bool(life.heard("REPORT "))
    life.stop()
    seen = life.end()
    verdict = stops(seen)
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    if not answered:
        return wrong("it no longer answers", seen)
    problems = {name: text for name, text in seen.report.items() if text}
    if problems:
        text = "; ".join(f"{name}: {what}" for name, what in sorted(problems.items()))
        return degraded(f"it goes on and stops cleanly, but {text}", seen)
    return good(nothing or "late import and data file work, clean stop", seen)


@case("A file of its unpack cache was truncated: it starts correctly or refuses.")
def cache_truncated(trial: Trial) -> Finding:
    """A crash or a full disk while the cache was written."""
    home = trial.folder("home")
    setting = Setting(env={"HOME": str(home)})
    healthy = trial.run(setting)
    cached = [path for path in home.rglob("*") if path.is_file()]
    if not cached:
        return good("keeps no cache", healthy)
    results = []
    for path in sorted(cached, key=lambda item: -item.stat().st_size)[:CUTS]:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        results.append(_judge_damaged(trial.run(setting), healthy))
        if path.read_bytes() != content:
            path.write_bytes(content)
    return sweep(results, of="truncated files of the cache")


@case("Its unpack cache is rewritten while it runs, by another start: both run and stop cleanly.")
def cache_rewritten_while_running(trial: Trial) -> Finding:
    """An older instance is still running when the cache turns out to be damaged."""
    home = trial.folder("home")
    setting = Setting(env={"HOME": str(home)})
    with trial.life(setting) as first:
        first.until_ready()
        cached = sorted(
            (path for path in home.rglob("*") if path.is_file()),
            key=lambda item: -item.stat().st_size,
        )
        if not cached:
            first.stop()
            return good("keeps no cache", first.end())
        changed = next((path for path in cached if not os.access(path, os.X_OK)), cached[-1])
        with changed.open("r+b") as stream:
            stream.truncate(changed.stat().st_size // 2)
        second = trial.run(setting)
        first.stop()
        seen = first.end()
    return worst(
        {"the running one": stops(seen), "the new one": stops(second)},
        good_detail="both run and stop cleanly",
    )


# --- updates -----------------------------------------------------------------------------------


@case(
    "It is replaced by a newer version while it runs (rename over it): the running one goes "
    "on, imports what it has not imported yet, and stops cleanly.",
    needs=(Need.PROBE,),
)
def replaced_while_running(trial: Trial) -> Finding:
    """An update. The newer version is another program of the same packager, at the same path."""
    program = trial.install(trial.folder("installed"), trial.probe)
    newer = trial.install(trial.folder("newer"), trial.hello)
    with trial.life(program=program) as life:
        life.until_ready()
        if program.folder is None:
            newer.artifact.replace(program.artifact)
        else:
            assert newer.folder is not None
            program.folder.rename(program.folder.with_name("older"))
            newer.folder.rename(program.folder)
        return _late_import(life)


@case("It is overwritten in place while it runs: the system refuses, or it goes on unharmed.")
def overwritten_while_running(trial: Trial) -> Finding:
    """Cp over a running program: the kernel's ETXTBSY protects what is being executed."""
    program = trial.install(trial.folder("installed"))
    with trial.life(program=program) as life:
        life.until_ready()
        try:
            with program.artifact.open("r+b") as stream:
                stream.write(b"overwritten")
            refused = False
        except OSError:
            refused = True
        life.stop()
        seen = life.end()
    verdict = stops(seen)
    if verdict.outcome is Outcome.AS_EXPECTED and refused:
        return good("the system refuses to overwrite it", seen)
    return verdict


@case(
    "It is removed while it runs: it goes on, imports what it has not imported yet, and stops "
    "cleanly.",
    needs=(Need.PROBE,),
)
def removed_while_running(trial: Trial) -> Finding:
    """An uninstallation, or an update that deletes first."""
    program = trial.install(trial.folder("installed"), trial.probe)
    with trial.life(program=program) as life:
        life.until_ready()
        if program.folder is None:
            program.artifact.unlink()
        else:
            shutil.rmtree(program.folder)
        return _late_import(life)


# --- many at once ------------------------------------------------------------------------------


@case(
    "8 first launches at once, with one home and one TMPDIR, 20 times over: all start and stop, "
    "nothing is left.",
    alone=True,
)
def eight_at_once(trial: Trial) -> Finding:
    """A host with several windows, or a test suite."""
    return _at_once(trial, 8, times=20)


@case(
    "32 first launches at once, with one home and one TMPDIR, 8 times over: all start and stop, "
    "nothing is left.",
    alone=True,
)
def thirty_two_at_once(trial: Trial) -> Finding:
    """A build farm."""
    return _at_once(trial, 32, times=8)


def _at_once(trial: Trial, count: int, *, times: int) -> Finding:
    """Launch many at once, each time as if for the first time, until one of them fails.

    A race that is lost every third time would make the verdict chance if it were tried once.
    """
    ready_ms: list[float] = []

    def attempt() -> list[tuple[str, Finding]]:
        seen = _first_launches(trial, count)
        ready_ms.extend(one.ready_ms or 0.0 for one in seen)
        return [_label(one) for one in seen]

    verdict = sweep(until_lost(times, attempt), of="launches")
    return replace(verdict, facts={**verdict.facts, "slowest_ready_ms": round(max(ready_ms), 1)})


def _first_launches(trial: Trial, count: int) -> list[Seen]:
    home, tmp = trial.folder("home"), trial.folder("tmp")
    # Sixteen times the usual patience: 32 starts share the processors of one.
    setting = Setting(env={"HOME": str(home)}, tmp=tmp, look=(tmp,), ready_timeout_s=120.0)
    with _entered([trial.life(setting) for _ in range(count)]) as lives:
        for life in lives:
            life.until_ready()
        for life in lives:
            life.send(signal.SIGTERM)
        for life in lives:
            life.until_exit(60.0)
        return end_all(lives)


def _label(seen: Seen) -> tuple[str, Finding]:
    verdict = stops(seen)
    if verdict.outcome is Outcome.AS_EXPECTED:
        return "started and stopped", verdict
    return "failed", verdict


@contextlib.contextmanager
def _entered(lives: list[Life]) -> Iterator[list[Life]]:
    """Start many lives, and end all of them whatever happens."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(life) for life in lives]


@case("20 launches one after another: each starts, stops and leaves nothing.")
def twenty_in_a_row(trial: Trial) -> Finding:
    """What one launch leaves must not trip the next."""
    home, tmp = trial.folder("home"), trial.folder("tmp")
    setting = Setting(env={"HOME": str(home)}, tmp=tmp, look=(tmp,))
    return sweep([_label(trial.run(setting)) for _ in range(20)], of="launches")


@case(
    "A neighbour stops while it runs: it goes on, imports what it has not imported yet, and "
    "stops cleanly.",
    needs=(Need.PROBE,),
)
def neighbour_stops(trial: Trial) -> Finding:
    """Two instances of one program; the end of one must not tidy up under the other."""
    home, tmp = trial.folder("home"), trial.folder("tmp")
    setting = Setting(env={"HOME": str(home)}, tmp=tmp, look=(tmp,))
    probe: Program = trial.probe
    with trial.life(setting, probe) as life:
        life.until_ready()
        with trial.life(setting, probe) as neighbour:
            neighbour.until_ready()
            neighbour.stop()
            if not neighbour.running.exited:
                raise NotRun("the neighbour did not stop")
        return _late_import(life)
