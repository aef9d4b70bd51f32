"""Footprint: what a running sidecar costs beside time, at READY and on the disk.

Memory is that of the whole process tree: PSS shares a page among all who map it, so it adds up;
RSS counts it for each. What a launch writes is found in a temporary folder and a cache folder of
its own, and in the kernel's counters of the processes.
"""

from __future__ import annotations

import stat
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cache_states import CACHE_VARIABLE
from benchmarks.recording import recorded
from benchmarks.reliability import as_sample
from benchmarks.targets import Target
from benchmarks.wording import counted, ends, number_of, variants_in
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import median
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, table
from spike.launch import judgement, leftovers
from spike.launch.running import Running
from spike.launch.spec import TEMPORARY
from spike.measure import elf, pagecache, results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "footprint"

COMPARED = (
    Metric(field="pss_bytes", tolerance=0.05),
    Metric(field="peak_temporary_bytes", tolerance=0.02),
)

_POLL_S = 0.002


class DiskWatch:
    """Polls how much disk some folders take, and remembers the most. A context manager."""

    def __init__(self, *folders: Path) -> None:
        self.peak_bytes = 0
        self.files: set[str] = set()
        self._folders = folders
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def add(self, folder: Path) -> None:
        """Watch one more folder."""
        self._folders = (*self._folders, folder)

    def look(self) -> None:
        """Take one reading now."""
        size_bytes = 0
        for folder in self._folders:
            for path in leftovers.paths_below(folder):
                try:
                    status = path.lstat()
                except OSError:
                    continue  # gone while we were looking
                if not stat.S_ISDIR(status.st_mode):
                    self.files.add(str(path))
                    # What the disk gives, not what the file claims: st_blocks counts 512 bytes.
                    # Windows does not tell.
                    blocks = getattr(status, "st_blocks", None)
                    size_bytes += status.st_size if blocks is None else blocks * 512
        self.peak_bytes = max(self.peak_bytes, size_bytes)

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            self.look()

    def __enter__(self) -> DiskWatch:
        """Start to poll."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop polling."""
        self._over.set()
        self._thread.join()


def tree_facts(mark: str) -> dict[str, Any]:
    """Count the living processes of a launch and what they hold.

    Returns:
        ``processes``, ``threads``, ``rss_bytes``; ``pss_bytes`` (None where the system does not
        tell); ``written_bytes``: bytes they have handed to write(2), ended children included.
    """
    processes = threads = rss = 0
    pss: int | None = 0
    written: int | None = 0
    for survivor in leftovers.survivors(mark):
        try:
            member = psutil.Process(survivor.pid)
            with member.oneshot():
                processes += 1
                threads += member.num_threads()
                rss += member.memory_info().rss
                full = member.memory_full_info()
                share = getattr(full, "pss", None)
                pss = None if pss is None or share is None else pss + share
                counters = member.io_counters() if hasattr(member, "io_counters") else None
                amount = getattr(counters, "write_chars", None)
                written = None if written is None or amount is None else written + amount
        except psutil.Error:
            continue
    return {
        "processes": processes,
        "threads": threads,
        "rss_bytes": rss,
        "pss_bytes": pss,
        "written_bytes": written,
    }


def measure(target: Target) -> dict[str, Any]:
    """Launch a target once and count.

    Returns:
        The launch as a sample; :func:`tree_facts`; ``written_files`` and ``peak_temporary_bytes``
        from the spawn to READY; ``kept_bytes`` and ``kept_files``: what stays in cache and
        temporary folder after the stop; and of all native code, shipped or unpacked:
        ``native_files``, ``glibc``, ``glibc_file``, ``system_libraries``.
    """
    facts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="spike-footprint-") as name:
        home = Path(name)
        cache = home / "cache"
        temporary = home / "tmp"
        cache.mkdir()
        temporary.mkdir()

        spec = target.spec()
        # Home and working folder begin empty; below the home lies the usual place of a cache.
        watched = [] if target.place is None or spec.cwd is None else [target.place.home, spec.cwd]
        with DiskWatch(cache, temporary, *watched) as disk:

            def look(running: Running) -> None:
                disk.look()
                facts.update(tree_facts(running.mark))
                shipped = shipped_files(target)
                unpacked = pagecache.regular_files([cache, temporary])
                needs = elf.needs([*shipped, *unpacked])
                facts.update(
                    native_files=needs.native_files,
                    glibc=needs.glibc,
                    glibc_file=needs.glibc_file,
                    system_libraries=list(needs.libraries),
                )

            done = judgement.judge(
                replace(
                    spec,
                    env={
                        **spec.env,
                        CACHE_VARIABLE: str(cache),
                        **dict.fromkeys(TEMPORARY, str(temporary)),
                    },
                    private_tmp=False,
                ),
                place=target.place,
                at_ready=look,
            )
        kept = pagecache.regular_files([cache, temporary])
        return {
            **facts,
            "written_files": len(disk.files),
            "peak_temporary_bytes": disk.peak_bytes,
            "kept_files": len(kept),
            "kept_bytes": sum(path.stat().st_size for path in kept),
            **as_sample(done),
        }


def shipped_files(target: Target) -> list[Path]:
    """The files that ship as this target, without what we keep beside them."""
    from benchmarks.size import OURS

    if target.built is None:
        return [Path(target.argv[0]).resolve()]
    if target.built.folder is None:
        return [target.built.artifact]
    return [
        path for path in pagecache.regular_files([target.built.folder]) if path.name not in OURS
    ]


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    seed: int = 1,
    partial: bool = False,
) -> results.Result:
    """Measure every target ``launches`` times.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    with (
        recorded(
            NAME, sidecar, targets, settings={"launches": launches, "seed": seed}, partial=partial
        ) as (recorder, copies),
        progress("footprint", launches * len(targets)) as step,
    ):
        by_id = {target.id: target for target in copies}
        for number, (round_number, name) in enumerate(shuffled_rounds(list(by_id), launches, seed)):
            recorder.add(name, {"order": number, "round": round_number, **measure(by_id[name])})
            step(name)
    return recorder.result()


def middle(samples: Sequence[Mapping[str, Any]], field: str) -> float | None:
    """Median of a field over the launches that have it."""
    return median([float(item[field]) for item in samples if item.get(field) is not None])


def summary(result: results.Result) -> str:
    """Memory and files in one sentence."""
    rows = {name: result.of(name) for name in variants_in(result)}
    memory = {name: middle(samples, "pss_bytes") for name, samples in rows.items()}
    written = {name: middle(samples, "written_files") for name, samples in rows.items()}
    return (
        f"At READY all processes of a variant hold {ends(memory, megabytes)} of memory (PSS), and "
        f"a launch writes {ends(written, lambda count: f'{count:g} files')}; medians of "
        f"{number_of([len(samples) for samples in rows.values()])} launches of each of "
        f"{counted(len(rows), 'variant')}."
    )


def render(result: results.Result) -> str:
    """Two tables: what runs, and what it asks of disk and system."""
    running = []
    asking = []
    for name, facts in result.targets.items():
        samples = result.of(name)
        if not samples:
            continue
        last = samples[-1]
        running.append(
            [
                name,
                _count(middle(samples, "processes")),
                _count(middle(samples, "threads")),
                megabytes(middle(samples, "pss_bytes")),
                megabytes(middle(samples, "rss_bytes")),
                _count(middle(samples, "written_files")),
                megabytes(middle(samples, "written_bytes")),
                megabytes(middle(samples, "peak_temporary_bytes")),
                milliseconds(middle(samples, "stop_ms")),
            ]
        )
        if facts["kind"] != "variant":
            continue
        kept = middle(samples, "kept_bytes") or 0
        shipped = float(facts["size_bytes"])
        systems = elf.runs_on(str(last.get("glibc", "")))
        libraries = last.get("system_libraries", [])
        asking.append(
            [
                name,
                megabytes(shipped),
                megabytes(shipped + (middle(samples, "peak_temporary_bytes") or 0)),
                megabytes(shipped + kept),
                asked_glibc(last),
                ", ".join(systems[:3]) or "none that is known",
                ", ".join(libraries) or "none",
            ]
        )
    return "\n\n".join(
        [
            table(
                [
                    "variant",
                    "processes",
                    "threads",
                    "memory at READY, PSS",
                    "RSS",
                    "files written per launch",
                    "bytes written per launch",
                    "temporary disk, peak",
                    "stop, median",
                ],
                running,
                numeric=1,
            ),
            table(
                [
                    "variant",
                    "on disk, installed",
                    "while it runs",
                    "after a launch",
                    "newest GLIBC symbol (in)",
                    "oldest known systems that have it",
                    "libraries expected from the system",
                ],
                asking,
            ),
        ]
    )


def asked_glibc(sample: Mapping[str, Any]) -> str:
    """The newest GLIBC symbol of a sample and the file that asks for it, in words."""
    if "glibc" not in sample:
        return NOT_MEASURED
    return f"{sample['glibc']} ({sample['glibc_file']})" if sample["glibc"] else "none: linked in"


def _count(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:g}"
