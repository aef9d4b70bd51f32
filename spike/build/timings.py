"""How long compilations took, kept on this machine: what the next one's time is estimated from.

Nuitka's time grows with the source that becomes C. Each build that compiled everything anew leaves
its figures in an untracked file of the project. While a machine has none of its own, those of
``reference_builds.json`` stand in, which :mod:`spike.build.reference` has measured.

Standard library only: builds run in a packager's environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from spike.core import jsonfile
from spike.core.errors import StorageError
from spike.packagers.recipe import Workload

FILE_NAME: Final = Path(".spike", "compilations.json")
REFERENCE: Final = Path(__file__).with_name("reference_builds.json")
SCHEMA: Final = 1
KEPT: Final = 60
"""So many builds are remembered; the oldest go first."""

NEWEST: Final = 12
"""So many of them tell how quick the machine is: it may have been busy long ago, or may be now."""

ALIKE: Final = 0.1
"""A build of as much source as the last one of its kind, but for this share, takes as long."""

SPREAD: Final = 2.0
"""Builds of which the largest has so many times the smallest's source tell what source costs, up to
so many times the largest's."""

_CACHED = re.compile(r"with result 'cache hit[^']*': [1-9]|with [1-9]\d* cache hits")
"""Nuitka's log of a build that took objects from ccache or clcache."""


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """One build.

    Attributes:
        sidecar: Name of what was built.
        variant: How.
        modules: Modules that became C.
        source_bytes: Bytes of their sources.
        processors: Processors of the machine.
        elapsed_s: Seconds that the packager took.
        fresh: Whether everything was compiled anew, nothing taken from a compiler's cache.
        built_at: UTC time, ISO 8601.
    """

    sidecar: str
    variant: str
    modules: int
    source_bytes: int
    processors: int
    elapsed_s: float
    fresh: bool
    built_at: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long a build may take.

    Attributes:
        seconds: About so long.
        basis: What says so, in words.
    """

    seconds: float
    basis: str


def is_fresh(log: str) -> bool:
    """Whether Nuitka's log is that of a build which took nothing from a compiler's cache."""
    return not _CACHED.search(log)


def load(root: Path) -> tuple[Compilation, ...]:
    """What is known of this machine; nothing where the file is missing, damaged or of another one.

    Args:
        root: The project's folder.
    """
    processors = os.cpu_count() or 1
    return tuple(each for each in _read(root / FILE_NAME) if each.processors == processors)


def reference() -> tuple[Compilation, ...]:
    """The builds that came with the tool."""
    return _read(REFERENCE)


def remember(root: Path, done: Compilation) -> None:
    """Keep a build's figures; where they cannot be kept, the next estimate is a rougher one."""
    kept = [*_read(root / FILE_NAME), done][-KEPT:]
    with contextlib.suppress(StorageError):
        write(root / FILE_NAME, kept)


def write(path: Path, builds: Sequence[Compilation]) -> None:
    """Write figures to a file.

    Raises:
        StorageError: It cannot be written.
    """
    jsonfile.write(path, {"schema": SCHEMA, "builds": [asdict(each) for each in builds]})


def estimate(
    work: Workload,
    *,
    sidecar: str,
    variant: str,
    own: Sequence[Compilation],
    others: Sequence[Compilation],
    processors: int,
) -> Estimate | None:
    """About how long a build will take.

    Args:
        work: What will be compiled.
        sidecar: Name of what is built.
        variant: How.
        own: From :func:`load`.
        others: From :func:`reference`.
        processors: Of this machine.

    Returns:
        From the last build of the same, if it was of as much source; else from this machine's
        fresh builds; else from others'. None when nobody has ever built anything.
    """
    same = [each for each in own if (each.sidecar, each.variant) == (sidecar, variant)]
    if same and abs(same[-1].source_bytes - work.source_bytes) <= ALIKE * work.source_bytes:
        return Estimate(seconds=same[-1].elapsed_s, basis="as the last time")
    fresh = [each for each in others if each.fresh]
    kind = _of_kind(fresh, variant)
    theirs = _line(kind if _spread(kind) else fresh)
    if theirs is None:
        return None
    # Compilers run side by side; the tenth or so that does not makes no difference here.
    beside, each_byte = theirs
    each_byte *= others[0].processors / processors
    known = [each for each in own if each.fresh]
    if not known:
        return Estimate(
            seconds=beside + each_byte * work.source_bytes,
            basis=f"by builds elsewhere, on {others[0].processors} processors",
        )
    nearest = _of_kind(known, variant)[-NEWEST:]
    basis = f"by {len(nearest)} build{'s' if len(nearest) > 1 else ''} on this machine"
    within = work.source_bytes <= SPREAD * max(each.source_bytes for each in nearest)
    if within and _spread(nearest) and (line := _line(nearest)):
        return Estimate(seconds=line[0] + line[1] * work.source_bytes, basis=basis)
    # Builds of one size, or of much less source, tell how quick the machine is, and not what more
    # source costs. The quickest of them does: what else goes on makes a build slower.
    speed = min(each.elapsed_s / (beside + each_byte * each.source_bytes) for each in nearest)
    return Estimate(seconds=speed * (beside + each_byte * work.source_bytes), basis=basis)


def _of_kind(builds: Sequence[Compilation], variant: str) -> list[Compilation]:
    """Those of the same variant, whose linking and packing cost the same; all where none is."""
    return [each for each in builds if each.variant == variant] or list(builds)


def _spread(builds: Sequence[Compilation]) -> bool:
    """Whether their sizes differ enough to tell what source costs."""
    sizes = [each.source_bytes for each in builds]
    return bool(sizes) and max(sizes) >= SPREAD * max(1, min(sizes))


def _line(builds: Sequence[Compilation]) -> tuple[float, float] | None:
    """Seconds beside the compiling, and seconds a byte of source, by least squares; None for none.

    Neither is ever below zero: more source takes no less time.
    """
    if not builds:
        return None
    count = len(builds)
    mean_x = sum(each.source_bytes for each in builds) / count
    mean_y = sum(each.elapsed_s for each in builds) / count
    square = sum((each.source_bytes - mean_x) ** 2 for each in builds)
    product = sum((each.source_bytes - mean_x) * (each.elapsed_s - mean_y) for each in builds)
    slope = max(0.0, product / square) if square else 0.0
    beside = mean_y - slope * mean_x
    return (beside, slope) if beside >= 0 else (0.0, mean_y / mean_x)


def _read(path: Path) -> tuple[Compilation, ...]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            return ()
        return tuple(Compilation(**each) for each in document["builds"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()
