"""What it unpacked: tidied away, damaged, rewritten while it runs."""

from __future__ import annotations

import os
import shutil

from benchmarks.faults.case import case
from benchmarks.faults.cases.artifact.damage import CUTS, judge_damaged
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.late_import import late_import
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    passed,
    stops,
    sweep,
    worst,
)


@case(
    "What it unpacked is tidied away while it runs: it goes on, imports what it has not "
    "imported yet, and stops cleanly.",
    needs=(Need.REMOVAL, Need.PROBE),
)
def unpacked_files_tidied_away(sandbox: Sandbox) -> CaseResult:
    """Cleaners of /tmp remove what was not touched for ten days; a sidecar may run for longer."""
    with sandbox.session(program=sandbox.probe) as session:
        session.until_ready()
        unpacked = list(session.tmp.iterdir())
        for path in unpacked:
            shutil.rmtree(path)
        return late_import(session, nothing="" if unpacked else "unpacks nothing")


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
        results.append(judge_damaged(sandbox.run(conditions), healthy))
        if path.read_bytes() != content:
            path.write_bytes(content)
    return sweep(results, of="truncated files of the cache")


@case(
    "Its unpack cache is rewritten while it runs, by another start: both run and stop cleanly.",
    needs=(Need.BESIDE,),
)
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
