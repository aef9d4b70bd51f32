"""Many launches: at once, one after another, side by side."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.late_import import late_import
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.session import Session, end_all
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    stops,
    sweep,
    until_lost,
)


@case(
    "8 first launches at once, with one home and one TMPDIR, 20 times over: all start and stop, "
    "nothing is left.",
    alone=True,
    needs=(Need.BESIDE,),
)
def eight_at_once(sandbox: Sandbox) -> CaseResult:
    """A host with several windows, or a test suite."""
    return _at_once(sandbox, 8, times=20)


@case(
    "32 first launches at once, with one home and one TMPDIR, 8 times over: all start and stop, "
    "nothing is left.",
    alone=True,
    needs=(Need.BESIDE,),
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
        return late_import(session)
