"""A benchmark of the registry as an invoke task."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from invoke.context import Context
from invoke.tasks import Task

from benchmarks.definition import Benchmark, Rows
from commands.edge import (
    DRAFT_HELP,
    HELLO,
    PYTHON_HELP,
    SIDECAR_HELP,
    VARIANT_HELP,
    edge,
    whole_number,
)
from commands.task import task


def numbers(benchmark: Benchmark, given: Mapping[str, Any]) -> dict[str, int]:
    """The values of those options of a benchmark that a task was given.

    Raises:
        UsageError: One is not a whole number in its range.
    """
    return {
        option.name: whole_number(
            given[option.name], f"--{option.name}", low=option.low, high=option.high
        )
        for option in benchmark.options
        if option.name in given
    }


def measured(
    benchmark: Benchmark,
    sidecar_folder: str,
    variants: Sequence[str],
    *,
    python: str = "",
    draft: bool = False,
    **options: int,
) -> int:
    """Run a benchmark and give its exit code."""
    from decision.workflows import measuring
    from spike.project import sidecar

    found = sidecar.load(sidecar_folder, python)
    return measuring.run(benchmark, found, variants, draft=draft, **options)


def helps(benchmark: Benchmark) -> dict[str, str]:
    """The line of help of every option that a benchmark's task has."""
    found = {option.name: option.explained for option in benchmark.options}
    if benchmark.rows is not Rows.NONE:
        found["variant"] = VARIANT_HELP
    if benchmark.any_sidecar:
        found["sidecar"] = SIDECAR_HELP
    if benchmark.takes_python:
        found["python"] = PYTHON_HELP
    if benchmark.shows_problems:
        found["draft"] = DRAFT_HELP
    return found


def task_of(benchmark: Benchmark) -> Task[Any]:
    """The task of a benchmark that has nothing of its own beside its options."""

    def body(c: Context, **given: Any) -> int:
        options = numbers(benchmark, given)
        sidecar, variants = given.get("sidecar", HELLO), given.get("variant", ())
        python, draft = given.get("python", ""), given.get("draft", False)
        return measured(benchmark, sidecar, variants, python=python, draft=draft, **options)

    iterable = [] if benchmark.rows is Rows.NONE else ["variant"]
    defaults: dict[str, str | bool] = {
        option.name: str(option.default) for option in benchmark.options
    }
    if benchmark.any_sidecar:
        defaults["sidecar"] = HELLO
    if benchmark.shows_problems:
        defaults["draft"] = False
    if seed := defaults.pop("seed", ""):
        defaults["seed"] = seed  # last: a sidecar is chosen more often, and its short form is -s
    if benchmark.takes_python:
        defaults["python"] = ""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    body.__signature__ = inspect.Signature(  # type: ignore[attr-defined] # invoke reads it
        [
            *(inspect.Parameter(name, kind) for name in ("c", *iterable)),
            *(inspect.Parameter(name, kind, default=value) for name, value in defaults.items()),
        ]
    )
    body.__name__ = benchmark.task.replace("-", "_")
    body.__doc__ = benchmark.explained
    made: Task[Any] = task(name=benchmark.task, help=helps(benchmark), iterable=iterable)(
        edge(body)
    )
    return made
