"""What a benchmark is: an entry that says it without running anything, and a module that does it.

An entry is what can be said without running anything, so that ``invoke --list`` imports none of
the modules. What a benchmark does is in its module, by these names:

* ``run(sidecar, targets, *, partial, OPTIONS)`` measures and returns the result;
* ``render(result)`` is its table in Markdown, for the terminal and for its report;
* ``summary(result)`` is one sentence with the figures that matter most;
* ``missed(result)``, where it has a bar: what missed it, a sentence each;
* ``times(result)``, where it launches the same thing again and again: milliseconds by row;
* ``unavailable()``, where it needs an optional tool: why it cannot run here;
* ``COMPARED``, where two runs can be compared: the figures that are.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.targets import Target
    from spike.measure.compare import Metric
    from spike.measure.results import Result
    from spike.project.sidecar import Sidecar


class Rows(StrEnum):
    """What a benchmark measures."""

    ALL = "the baselines, then the variants"
    VARIANTS = "the variants"
    PYTHONS = "the builds of every Python"
    NONE = "its own"


@dataclass(frozen=True, kw_only=True)
class Option:
    """A number that a run can be given.

    Attributes:
        name: Of the option, and of the argument of ``run``.
        help: What it is the number of.
        default: The value of the plan's workflow and of a task without the option.
        low: Least value.
        high: Largest.
        whole: Whether a run with less than the default is a partial one, kept out of the record.
    """

    name: str
    help: str
    default: int
    low: int = 1
    high: int = 1000
    whole: bool = False

    @property
    def explained(self) -> str:
        """The line of ``invoke --help``."""
        return f"{self.help}, {self.low} to {self.high} (default {self.default})"


SEED: Final = Option(
    name="seed",
    help="seed of the order in which variants take turns",
    default=1,
    low=0,
    high=2**31,
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the reports that shows a result.

    Attributes:
        name: Of the section, unique; the markers of a generated file carry it.
        report: Stem of the report's file, such as ``cold-start``.
        title: Its heading.
        render: Name of the module's function from the result to Markdown.
        summary: Name of the module's function from the result to one sentence.
        picture: Name of the picture below the table; empty for none.
    """

    name: str
    report: str
    title: str
    render: str = "render"
    summary: str = "summary"
    picture: str = ""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: It is also its result file's.
        task: The command that makes that file, without ``invoke``.
        says: What the task does, for ``invoke --list``.
        module: Where it is written; see the module's documentation for the names in it.
        sections: Where its result is shown.
        options: What its task can be given besides sidecar and variants.
        rows: What it measures.
        any_sidecar: Whether it can measure every sidecar; else the hello sidecar only.
        why_hello: Why that is so, a sentence, where it cannot.
        why_no_python: Why its task takes no ``--python``, a sentence, where it builds or measures
            something and does not.
        of_packager: Whether what it finds belongs to packager and mode: then the hello sidecar's
            run counts for every sidecar that has none of its own, and none of its own is missed.
        in_spike: Whether ``invoke spike`` runs it, in the order of the registry.
        in_host: Whether it needs the Tauri host, which ``invoke spike --no-host`` leaves out.
        shows_problems: Whether a failed sample is a problem of the variant, which the issue log
            keeps. Others provoke failures, or launch what is not shipped.
        of_functions: Whether it says something without times, sizes and memory: what an emulated
            system can tell.
        runs: Name of the module's function that measures.
    """

    name: str
    task: str
    says: str
    module: str
    sections: tuple[Section, ...]
    options: tuple[Option, ...] = ()
    rows: Rows = Rows.ALL
    any_sidecar: bool = True
    why_hello: str = ""
    why_no_python: str = ""
    of_packager: bool = False
    in_spike: bool = False
    in_host: bool = False
    shows_problems: bool = False
    of_functions: bool = False
    runs: str = "run"

    @property
    def takes_python(self) -> bool:
        """Whether its task takes ``--python``: who measures all or none does not."""
        return not self.why_no_python and self.rows in (Rows.ALL, Rows.VARIANTS)

    @property
    def command(self) -> str:
        """The whole command."""
        return f"invoke {self.task}"

    @property
    def explained(self) -> str:
        """What ``invoke --help`` says of the task: what it does, and what it does not take."""
        parts = [
            self.says,
            "" if self.any_sidecar else f"Takes no --sidecar: {self.why_hello}",
            f"Takes no --python: {self.why_no_python}" if self.why_no_python else "",
        ]
        return "\n\n".join(filter(None, parts))

    @property
    def defaults(self) -> dict[str, int]:
        """Every option with its default."""
        return {option.name: option.default for option in self.options}

    def is_partial(self, values: Mapping[str, int]) -> bool:
        """Whether a run with these options is too small for the record."""
        return any(option.whole and values[option.name] < option.default for option in self.options)

    def run(
        self, sidecar: Sidecar, targets: Sequence[Target], *, partial: bool = False, **options: Any
    ) -> Result:
        """Measure, with the defaults for options that are not given.

        Raises:
            SpikeError: It could not be measured; see the module's function.
        """
        if not self.of_functions:
            from spike.measure import emulated

            emulated.refuse(self.command)
        values = {**self.defaults, **options}
        result: Result = self._function(self.runs)(
            sidecar, targets, partial=partial or self.is_partial(values), **values
        )
        return result

    def render(self, result: Result, section: Section | None = None) -> str:
        """Its table in Markdown: the one for the terminal, or that of a section."""
        return _told(self._function(section.render if section else "render")(result), result)

    def summary(self, result: Result, section: Section | None = None) -> str:
        """One sentence with the figures that matter most, of everything or of a section."""
        return _told(self._function(section.summary if section else "summary")(result), result)

    def missed(self, result: Result) -> Sequence[str]:
        """What missed the benchmark's bar, a sentence each; empty where it has none."""
        function = self._optional("missed")
        return tuple(function(result)) if function else ()

    def times(self, result: Result) -> Mapping[str, Sequence[float]]:
        """Milliseconds of launches of the same thing, by row: their spread is noise."""
        function = self._optional("times")
        return dict(function(result)) if function else {}

    def unavailable(self) -> str:
        """Why it cannot run here; empty when it can."""
        function = self._optional("unavailable")
        return str(function()) if function else ""

    @property
    def compared(self) -> tuple[Metric, ...]:
        """The figures that two of its runs are compared by; empty for none."""
        return tuple(getattr(importlib.import_module(self.module), "COMPARED", ()))

    def _function(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), name)
        return function

    def _optional(self, name: str) -> Callable[..., Any] | None:
        function: Callable[..., Any] | None = getattr(
            importlib.import_module(self.module), name, None
        )
        return function


def _told(text: str, result: Result) -> str:
    """What a module says of a result; of an emulated system's, also why no figure stands there."""
    from spike.measure import emulated  # a task list must not wait for it

    return emulated.told(text, result.provenance)
