"""Progress of a run: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

_PLAIN_EVERY_S = 5.0


class Step(Protocol):
    """Tell the display that one more step is done."""

    def __call__(self, text: str = "") -> None:
        """Advance by one step and show ``text`` beside the bar."""


@contextmanager
def progress(title: str, total: int) -> Iterator[Step]:
    """Show how far a run is, on stderr, so that stdout stays the table.

    Args:
        title: What is being done.
        total: Number of steps.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as display:
            task = display.add_task(title, total=total, text="")

            def advance(text: str = "") -> None:
                display.update(task, advance=1, text=text)

            yield advance
        return

    done = 0
    said = time.monotonic()
    sys.stderr.write(f"{title}: {total} steps\n")

    def count(text: str = "") -> None:
        nonlocal done, said
        done += 1
        if done == total or time.monotonic() - said >= _PLAIN_EVERY_S:
            said = time.monotonic()
            sys.stderr.write(f"{title}: {done}/{total} {text}".rstrip() + "\n")
            sys.stderr.flush()

    yield count


def shuffled_rounds(targets: Sequence[str], rounds: int, seed: int) -> Iterator[tuple[int, str]]:
    """Every target once in each round, in an order drawn anew each time from ``seed``."""
    import random

    source = random.Random(seed)
    for number in range(rounds):
        order = list(targets)
        source.shuffle(order)
        for target in order:
            yield number, target
