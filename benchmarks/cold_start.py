"""Cold start: launch to READY in named states of the caches, each state proved before the launch.

Two caches decide how long a start takes. The page cache holds the program's files or does not. And
some programs keep what they unpack, in a cache of their own, or find it empty. Every target is
launched in every state that it has, all of them in each round, in an order drawn anew.

"Cold" means: before the launch not one page of the program's own files was in memory, read back
with mincore(2). A program's own files are its artifact, the folder that ships with it, what it has
unpacked into its cache, and for the interpreter's rows the interpreter and the modules that the
script imports. Libraries of the system (libc, the loader) are evicted too where the kernel lets go
of them; other processes use them, so they usually stay, as they would on a user's machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cache_states import (
    Scouted,
    State,
    prepare,
    scout,
    shortfall,
    states,
    with_cache,
)
from benchmarks.recording import recorded
from benchmarks.reliability import as_sample
from benchmarks.targets import Target
from benchmarks.wording import counted, ends, variants_in
from spike.core import statistics
from spike.core.progress import progress, shuffled_rounds
from spike.core.tables import NOT_MEASURED, milliseconds, table
from spike.core.workspace import project
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.launch.spec import Launch
from spike.measure import pagecache, results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "cold_start"

COMPARED = (Metric(field="ready_ms", by="state"),)

ATTEMPTS = 3
"""Tries at a state before a launch: under memory pressure a page may leave right after it came."""


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch every target ``launches`` times in each of its states.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    with (
        recorded(
            NAME, sidecar, targets, settings={"launches": launches, "seed": seed}, partial=partial
        ) as (recorder, copies),
        _scratch() as scratch,
    ):
        scouted = {target.id: scout(target, scratch) for target in copies}
        cells = {
            f"{name} {state.id}": (found, state)
            for name, found in scouted.items()
            for state in states(keeps_unpacked=found.unpack_cache is not None)
        }
        with progress("cold start", launches * len(cells)) as step:
            for number, (round_number, cell) in enumerate(
                shuffled_rounds(list(cells), launches, seed)
            ):
                found, state = cells[cell]
                recorder.add(
                    found.target.id,
                    {
                        "order": number,
                        "round": round_number,
                        "state": state.id,
                        **one_launch(found, state, scratch),
                    },
                )
                step(cell)
    return recorder.result()


def one_launch(found: Scouted, state: State, scratch: Path) -> dict[str, Any]:
    """Bring the caches into a state, prove it, and launch.

    Returns:
        The launch as a sample, with ``reached``: whether the state was proved; ``why``: why it was
        not; ``pages`` and ``pages_resident`` of the program's own files, and the same two of the
        system's, just before the launch; ``read_bytes``: what storage had to deliver until READY.
    """
    cache = _cache_for(found, state, scratch)
    files = [*found.files, *pagecache.regular_files([cache])]
    why = pagecache.unavailable()
    own = system = pagecache.Residency(files=0, pages=0, resident=0)
    if not why:
        try:
            for _ in range(ATTEMPTS):
                prepare(files, found.system_files, state.page_cache)
                own = pagecache.residency(files)
                why = shortfall(own, state.page_cache)
                if not why:
                    break
            system = pagecache.residency(found.system_files)
        except OSError as error:
            why = f"{error.filename or 'a file'}: {error.strerror}"
    read: list[int] = []

    def look(running: Running) -> None:
        amount = storage_bytes(running.mark)
        if amount is not None:
            read.append(amount)

    done: Launch = launch(with_cache(found.target, cache), inspect=leftovers.inspect, at_ready=look)
    if state.unpack_cache == "empty":
        shutil.rmtree(cache, ignore_errors=True)
    return {
        "page_cache": state.page_cache,
        "unpack_cache": state.unpack_cache,
        "reached": not why,
        "why": why,
        "files": own.files,
        "pages": own.pages,
        "pages_resident": own.resident,
        "system_pages": system.pages,
        "system_pages_resident": system.resident,
        "read_bytes": read[0] if read else None,
        **as_sample(done),
    }


def storage_bytes(mark: str) -> int | None:
    """Bytes that a launch's living processes had fetched from storage (proc_pid_io(5))."""
    total = None
    for member in leftovers.survivors(mark):
        try:
            text = Path(f"/proc/{member.pid}/io").read_text(encoding="ascii")
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("read_bytes:"):
                total = (total or 0) + int(line.split()[1])
    return total


def _cache_for(found: Scouted, state: State, scratch: Path) -> Path:
    if state.unpack_cache == "filled" and found.unpack_cache is not None:
        return found.unpack_cache
    return Path(tempfile.mkdtemp(dir=scratch))


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder on the disk that the artifacts are on: a memory file system is never cold."""
    base = project() / "build"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cold-start-", dir=base) as name:
        yield Path(name)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One target in one state, derived from the raw samples.

    Attributes:
        target: A variant's id or a baseline's name.
        state: The state's name, or ``first launch after the build``.
        launches: Launches in this state.
        failed: Those that failed.
        proved: Those before which the state was proved.
        why: Why it was not; empty when it always was.
        ready: Launch to READY, in milliseconds; None when no launch came that far.
        to_warm: This state's median over that of the warm state, with its interval.
        read_bytes: Median of what storage delivered; None when not known.
    """

    target: str
    state: str
    launches: int
    failed: int
    proved: int
    why: str
    ready: statistics.Distribution | None
    to_warm: statistics.Interval | None
    read_bytes: float | None

    @property
    def title(self) -> str:
        """The state as a table may call it: only what was proved before every launch has a name."""
        if self.state == FIRST or self.proved == self.launches:
            return self.state.replace("+", " page cache, ") + (
                " unpack cache" if "+" in self.state else ""
            )
        return f"{self.state}: not reached"


FIRST = "first launch after the build"


def summarise(result: results.Result) -> list[Row]:
    """Every target in each of its states, and its first launch after the build."""
    rows = []
    for name, facts in result.targets.items():
        samples = result.of(name)
        by_state: dict[str, list[Mapping[str, Any]]] = {}
        for sample in samples:
            by_state.setdefault(str(sample["state"]), []).append(sample)
        warm_state = next((state for state in ("warm", "warm+filled") if state in by_state), "")
        warm = by_round(by_state.get(warm_state, ()))
        build = facts.get("build") or {}
        if build.get("cold_start_ms") is not None:
            value = float(build["cold_start_ms"])
            rows.append(
                Row(
                    target=name,
                    state=FIRST,
                    launches=1,
                    failed=int(build.get("first_launch") != "ready"),
                    proved=0,
                    why="the build has just written the files; nothing was evicted",
                    ready=statistics.distribution([value]),
                    to_warm=None,
                    read_bytes=None,
                )
            )
        for state, taken in sorted(by_state.items(), reverse=True):  # warm, then cold
            here = by_round(taken)
            rounds = sorted(set(here) & set(warm))
            reasons = [str(sample["why"]) for sample in taken if sample["why"]]
            rows.append(
                Row(
                    target=name,
                    state=state,
                    launches=len(taken),
                    failed=sum(sample["failure"] is not None for sample in taken),
                    proved=sum(bool(sample["reached"]) for sample in taken),
                    why=reasons[0] if reasons else "",
                    ready=statistics.distribution(list(here.values())),
                    to_warm=None
                    if state == warm_state
                    else statistics.ratio_of_medians(
                        [here[number] for number in rounds], [warm[number] for number in rounds]
                    ),
                    read_bytes=statistics.median(
                        [
                            float(sample["read_bytes"])
                            for sample in taken
                            if sample.get("read_bytes") is not None
                        ]
                    ),
                )
            )
    return rows


def cold_ready_ms(result: results.Result) -> dict[str, float]:
    """Median launch to READY from a proved cold page cache, by target, in milliseconds.

    Of a program that keeps an unpack cache it is the launch that finds that empty as well: the
    first one on a user's machine.
    """
    return {
        row.target: row.ready.median
        for row in summarise(result)
        if row.state in ("cold", "cold+empty") and row.ready and row.proved == row.launches
    }


def by_round(samples: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Launch to READY of each round that came to READY, in milliseconds."""
    return {
        int(sample["round"]): float(sample["ready_ms"])
        for sample in samples
        if sample["ready_ms"] is not None
    }


def times(result: results.Result) -> dict[str, list[float]]:
    """Launch to READY in milliseconds, of each target in each state: what should not differ."""
    found: dict[str, list[float]] = {}
    for sample in result.samples:
        if sample["ready_ms"] is not None:
            name = f"{sample['target']} ({sample['state']})"
            found.setdefault(name, []).append(float(sample["ready_ms"]))
    return found


def summary(result: results.Result) -> str:
    """The cold starts in one sentence."""
    variants = variants_in(result)
    cold = {name: ms for name, ms in cold_ready_ms(result).items() if name in variants}
    launches = max((row.launches for row in summarise(result)), default=0)
    return (
        f"From a cold page cache READY comes after {ends(cold, milliseconds)}, medians of "
        f"{launches} launches; that the cache was cold is proved for {len(cold)} of "
        f"{counted(len(variants), 'variant')}."
    )


def render(result: results.Result) -> str:
    """The cold-start table, and why a state was not reached."""
    rows = summarise(result)
    text = table(
        [
            "variant",
            "caches before the launch",
            "state proved",
            "READY, median",
            "fastest to slowest",
            "times the warm median, 95 % interval",
            "read from storage",
        ],
        [
            [
                row.target,
                row.title,
                "not controlled" if row.state == FIRST else f"{row.proved} of {row.launches}",
                milliseconds(row.ready.median if row.ready else None),
                f"{milliseconds(row.ready.minimum)} to {milliseconds(row.ready.maximum)}"
                if row.ready and row.ready.count > 1
                else NOT_MEASURED,
                interval_text(row.to_warm),
                NOT_MEASURED if row.read_bytes is None else f"{row.read_bytes / 1e6:.1f} MB",
            ]
            for row in rows
        ],
        numeric=3,
    )
    missed = [
        f"- {row.target}, {row.state}: not reached in {row.launches - row.proved} of "
        f"{row.launches} launches: "
        f"{row.why}."
        for row in rows
        if row.state != FIRST and row.proved < row.launches
    ]
    return "\n\n".join(part for part in (text, "\n".join(missed)) if part)


def interval_text(interval: statistics.Interval | None) -> str:
    """``1.83 (1.71 to 1.95)``."""
    if interval is None:
        return NOT_MEASURED
    return f"{interval.estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"
