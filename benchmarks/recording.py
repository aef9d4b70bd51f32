"""A run that launches: every sample is recorded, and what is launched are copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.targets import Target, staged
from spike.launch import leftovers
from spike.measure import results
from spike.project.sidecar import Sidecar


@contextmanager
def recorded(
    benchmark: str,
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    settings: Mapping[str, Any],
    partial: bool = False,
) -> Iterator[tuple[results.Recorder, list[Target]]]:
    """Measure alone in this checkout, and launch copies; what a launch leaves behind is ours.

    Args:
        benchmark: Its name, which is also its file's.
        sidecar: Whose targets they are.
        targets: What is measured; the result names these.
        settings: The run's settings.
        partial: Whether these are chosen targets.

    Yields:
        The recorder, and the copies to launch, in the order of the targets.

    Raises:
        StorageError: The result cannot be written, or there is no room for the copies.
        BusyError: Another task is measuring in this checkout.
    """
    leftovers.adopt_orphans()
    with (
        results.recording(
            benchmark,
            sidecar,
            targets={target.id: target.as_json() for target in targets},
            settings=settings,
            partial=partial,
        ) as recorder,
        staged(targets) as copies,
    ):
        yield recorder, copies
