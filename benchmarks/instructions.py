"""Instructions to READY, counted by valgrind's callgrind: they repeat where times do not.

Every process of a launch runs under callgrind. When READY has come they wait for the stop, and each
is told to write down what it has counted so far; the sum is the figure. Two runs of the same
program differ by well under 0.5 % (what varies: the address layout, process ids, the names of
temporary folders). Instructions are not time: they know nothing of storage, caches and waiting, and
the kernel's own are not among them.

A process that replaces itself by another program (execve) is counted from there on: PyInstaller's
folder launcher does so once, early.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.recording import recorded
from benchmarks.targets import PYTHON_ISOLATED, Target
from benchmarks.wording import counted, ends, variants_in
from spike.core import process
from spike.core.progress import progress
from spike.core.statistics import median
from spike.core.tables import NOT_MEASURED, table
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.measure import results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "instructions"

TOLERANCE = 0.005
"""Largest difference between two counts of the same program, as a fraction."""

COMPARED = (Metric(field="instructions", tolerance=TOLERANCE),)

SLOWDOWN = 200.0
"""How much longer a program may take to READY under callgrind; 40 to 100 was seen."""

_TOTALS = re.compile(rb"^totals: (\d+)$", re.MULTILINE)


def unavailable() -> str:
    """Why nothing can be counted here; empty when it can."""
    if sys.platform != "linux":
        return f"callgrind does not count on {sys.platform}"
    for tool in ("valgrind", "vgdb"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed (apt-get install valgrind)"
    return ""


def count(target: Target) -> dict[str, Any]:
    """Count one launch of a target.

    Returns:
        ``instructions``: of all processes, None when it did not come to READY; ``program`` and
        ``launcher``: of the process that said BOOT, and of the others; ``processes``: how many were
        counted; ``problem``: why there is no count; empty otherwise.
    """
    spec = target.spec(smoke=())
    with tempfile.TemporaryDirectory(prefix="spike-callgrind-") as name:
        folder = Path(name)
        argv = (
            str(shutil.which("valgrind")),
            "--tool=callgrind",
            "--trace-children=yes",
            f"--callgrind-out-file={folder}/counts.%p",
            f"--log-file={folder}/log.%p",
            f"--vgdb-prefix={folder}/vgdb",
            *spec.argv,
        )
        running = Running(
            replace(
                spec,
                argv=argv,
                # Hashing of texts differs from run to run otherwise, and with it the work.
                env={**spec.env, "PYTHONHASHSEED": "0"},
                ready_timeout_s=spec.ready_timeout_s * SLOWDOWN,
            )
        )
        try:
            with running:
                if not running.wait_ready():
                    return _nothing(f"{running.detail}: {' '.join(running.result().stderr_tail)}")
                return _read(folder, running)
        finally:
            leftovers.end(leftovers.survivors(running.mark))
            if running.tmp is not None:
                shutil.rmtree(running.tmp, ignore_errors=True)


def _read(folder: Path, running: Running) -> dict[str, Any]:
    alive = [member.pid for member in leftovers.survivors(running.mark)]
    for pid in alive:
        process.capture(
            ["vgdb", f"--vgdb-prefix={folder}/vgdb", f"--pid={pid}", "dump"], timeout_s=60.0
        )
    counts: dict[int, int] = {}
    for path in folder.glob("counts.*"):
        pid = int(path.name.split(".")[1])
        found = _TOTALS.search(path.read_bytes())
        if found:
            counts[pid] = counts.get(pid, 0) + int(found[1])
    missing = [pid for pid in alive if pid not in counts]
    if missing or not counts:
        return _nothing(f"{len(missing)} of {len(alive)} processes did not tell their count")
    # A program that does not say its pid is the one that was started.
    said = running.fields().get("pid", "")
    program = int(said) if said.isdigit() and int(said) in counts else running.pid
    own = counts.get(program or 0, 0)
    total = sum(counts.values())
    return {
        "instructions": total,
        "program": own,
        "launcher": total - own,
        "processes": len(counts),
        "problem": "",
    }


def _nothing(problem: str) -> dict[str, Any]:
    return {
        "instructions": None,
        "program": None,
        "launcher": None,
        "processes": 0,
        "problem": problem,
    }


def run(
    sidecar: Sidecar, targets: Sequence[Target], *, runs: int, partial: bool = False
) -> results.Result:
    """Count every target ``runs`` times, as many side by side as there are CPUs.

    Raises:
        MissingToolError: valgrind is not there.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    from spike.core.errors import MissingToolError

    why = unavailable()
    if why:
        raise MissingToolError(
            f"Instructions cannot be counted: {why}.", try_next="invoke doctor --with-deps"
        )
    with (
        recorded(
            NAME, sidecar, targets, settings={"runs": runs, "valgrind": version()}, partial=partial
        ) as (recorder, copies),
        progress("instructions", runs * len(targets)) as step,
        ThreadPoolExecutor(max_workers=os.cpu_count()) as workers,
    ):
        for target in copies:
            # What a program keeps for its next launches is there from now on: a count of two, one
            # of which unpacks, would be of neither.
            launch(target.spec(smoke=()))
        jobs = [target for _ in range(runs) for target in copies]
        try:
            for target, facts in zip(jobs, workers.map(count, jobs), strict=True):
                recorder.add(target.id, facts)
                step(target.id)
        except BaseException:
            workers.shutdown(wait=True, cancel_futures=True)
            raise
    return recorder.result()


def version() -> str:
    """Valgrind's version, since another one may count otherwise."""
    return process.capture(["valgrind", "--version"]).output.strip().removeprefix("valgrind-")


def spread(samples: Sequence[Mapping[str, Any]]) -> float | None:
    """Largest over smallest count, less one; None with fewer than two counts."""
    values = [int(sample["instructions"]) for sample in samples if sample["instructions"]]
    return max(values) / min(values) - 1 if len(values) > 1 else None


def summary(result: results.Result) -> str:
    """The counts in one sentence."""
    rows = {name: result.of(name) for name in variants_in(result)}
    totals = {name: median(_values(samples, "instructions")) for name, samples in rows.items()}
    apart = max((spread(samples) or 0.0 for samples in rows.values()), default=0.0)
    return (
        f"A launch to READY executes {ends(totals, lambda count: f'{_millions(count)} million')} "
        f"instructions; two counts of the same of {counted(len(rows), 'variant')} differ by at "
        f"most {apart * 100:.2f} %."
    )


def render(result: results.Result) -> str:
    """The instruction table: millions of instructions, and against ``python -I -S``."""
    baseline = median(_values(result.of(PYTHON_ISOLATED), "instructions"))
    rows = []
    problems = []
    for name in result.targets:
        samples = result.of(name)
        total = median(_values(samples, "instructions"))
        difference = spread(samples)
        rows.append(
            [
                name,
                _millions(total),
                _millions(median(_values(samples, "launcher"))),
                _millions(median(_values(samples, "program"))),
                f"{total / baseline:.2f}" if total and baseline else NOT_MEASURED,
                NOT_MEASURED if difference is None else f"{difference:.3%}",
            ]
        )
        problems += [f"- {name}: {sample['problem']}" for sample in samples if sample["problem"]]
    text = table(
        [
            "variant",
            "instructions to READY, millions",
            "of them launcher processes",
            "the program's process",
            "times python -I -S",
            "difference between runs",
        ],
        rows,
        numeric=1,
    )
    return "\n\n".join(part for part in (text, "\n".join(problems)) if part)


def _values(samples: Sequence[Mapping[str, Any]], field: str) -> list[float]:
    return [float(sample[field]) for sample in samples if sample[field] is not None]


def _millions(value: float | None) -> str:
    if value is None:
        return NOT_MEASURED
    return f"{value / 1e6:.2f}" if value < 10e6 else f"{value / 1e6:.1f}"
