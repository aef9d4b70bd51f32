"""What is known of each variant, from the results: a sidecar's own, else the hello sidecar's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import cold_start, complexity, host_latency, reliability, size
from benchmarks.faults import report as faults
from benchmarks.faults.counts import cells as cells_of
from benchmarks.faults.targets import is_ours
from benchmarks.faults.verdict import Status
from benchmarks.registry import CHECKLIST
from benchmarks.targets import PYTHON_ISOLATED
from decision import criteria
from decision.evidence import Evidence, usable
from decision.recommend.choice import (
    HELLO,
    OWN,
    Answer,
    Faults,
    Leftovers,
    Standing,
    decide,
)
from spike.measure.results import Result


def answer(evidence: Evidence) -> Answer:
    """The one answer that is known of a sidecar on this machine."""

    def build_command(variant: str) -> str:
        packager, _, mode = variant.partition("-")
        return evidence.sidecar.nox_command(packager, mode)

    return decide(
        standings(evidence),
        criteria.proposal(evidence),
        option=evidence.sidecar.option,
        build_command=build_command,
    )


def standings(evidence: Evidence) -> list[Standing]:
    """Gather what is known of each variant that has launches."""
    launches = usable(evidence, reliability.NAME)
    if launches is None:
        return []
    summaries = {item.target: item for item in reliability.summarise(launches)}
    baseline = summaries.get(PYTHON_ISOLATED)
    cold = _cold(evidence)
    tried = _faults(evidence)
    launchers = _launchers(evidence)
    found = []
    for name, item in summaries.items():
        if item.kind != "variant":
            continue
        build = evidence.builds.get(name, {})
        sizes = _sample(usable(evidence, size.NAME), name)
        rows = _rows(evidence, name)
        launcher_ms, launcher_whose = launchers.get(name, (None, OWN))
        found.append(
            Standing(
                variant=name,
                ready_ms=item.ready_ms,
                cold_ms=cold.get(name),
                versus_python=item.ready_ms / baseline.ready_ms
                if baseline and baseline.ready_ms and item.ready_ms is not None
                else None,
                launches=item.launches,
                failed=item.failed,
                rate_high=item.rate_high,
                shipped_bytes=sizes.get("shipped_bytes")
                or build.get("folder_bytes")
                or build.get("size_bytes"),
                package_bytes=sizes.get("package_bytes"),
                failed_rows=tuple(row for row, status in rows.items() if status == "fail"),
                checked=bool(rows),
                folder=bool(build.get("folder")),
                config_lines=len(
                    complexity.configuration(
                        build["argv"], build["env"], folder=bool(build.get("folder"))
                    )
                )
                if build
                else None,
                launcher_ms=launcher_ms,
                launcher_whose=launcher_whose,
                faults=tried.get(name),
                leftovers=_leftovers(evidence, name),
            )
        )
    return found


def _sources(evidence: Evidence, benchmark: str) -> list[tuple[str, Result]]:
    """The sidecar's own result, then that of the hello sidecar, with whose they are."""
    both = ((OWN, usable(evidence, benchmark)), (HELLO, evidence.hello.get(benchmark)))

    return [(whose, result) for whose, result in both if result is not None]


def _faults(evidence: Evidence) -> dict[str, Faults]:
    found: dict[str, Faults] = {}
    for whose, result in _sources(evidence, faults.NAME):
        cells = [cell for cell in cells_of(result) if not is_ours(cell.target)]
        of = len({cell.case for cell in cells})
        for name in dict.fromkeys(cell.target for cell in cells):
            run = [
                cell for cell in cells if cell.target == name and cell.status is not Status.NOT_RUN
            ]
            if run and name not in found:
                found[name] = Faults(
                    failed={cell.case: cell.status is Status.FAIL for cell in run},
                    degraded=sum(cell.status is Status.DEGRADED for cell in run),
                    of=of,
                    whose=whose,
                )
    return found


def _leftovers(evidence: Evidence, variant: str) -> Leftovers | None:
    for whose, result in _sources(evidence, complexity.NAME):
        if sample := _sample(result, variant):
            after = sample["after_kill"]
            return Leftovers(
                processes=int(sample["processes"]),
                signals=_signals(sample),
                left_processes=int(after["processes"]),
                left_files=int(after["files"]),
                outlives=int(after.get("after_stdin_end") or 0),
                whose=whose,
            )
    return None


def _launchers(evidence: Evidence) -> dict[str, tuple[float, str]]:
    """What the launcher of each folder build adds, in milliseconds, and whose evidence that is."""
    launches = usable(evidence, reliability.NAME)
    here = launches.provenance.get("checkout") if launches else None
    found: dict[str, tuple[float, str]] = {}
    for whose, result in _sources(evidence, host_latency.NAME):
        if result.provenance.get("checkout") != here:
            continue  # milliseconds of another machine do not add up with these
        for item in host_latency.summarise(result):
            if item.through_ms is not None:
                found.setdefault(item.variant, (item.launcher_adds_ms, whose))
    return found


def _cold(evidence: Evidence) -> dict[str, float]:
    """Median launch to READY from a cold page cache, where it was proved to be cold."""
    result = usable(evidence, cold_start.NAME)
    return cold_start.cold_ready_ms(result) if result else {}


def _sample(result: Result | None, variant: str) -> Mapping[str, Any]:
    samples = result.of(variant) if result else []
    return samples[-1] if samples else {}


def _rows(evidence: Evidence, variant: str) -> dict[str, str]:
    result = usable(evidence, CHECKLIST)
    return {str(row["row"]): str(row["status"]) for row in (result.of(variant) if result else [])}


def _signals(asks: Mapping[str, Any]) -> str:
    arrived = [complexity.arrival(name, seen) == "yes" for name, seen in asks["signals"].items()]
    return f"{sum(arrived)} of {len(arrived)}"
