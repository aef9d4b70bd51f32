"""Every benchmark, once: its task, its options, its report and what the plan's workflow does.

A new benchmark is a file of its own, one entry here, and its test. Everything that lists
benchmarks derives from :data:`BENCHMARKS`: the invoke tasks, the steps of ``invoke spike``, the
sections of the record and the reports, what ``invoke compare`` compares, the command that an error
message names.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from spike.core import requirements

if TYPE_CHECKING:
    from benchmarks.targets import Target
    from spike.measure.compare import Metric
    from spike.measure.results import Result
    from spike.project.sidecar import Sidecar


class Rows(StrEnum):
    """What a benchmark measures."""

    ALL = "the baselines, then the variants"
    VARIANTS = "the variants"
    NONE = "the measuring itself"


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
    of_packager: bool = False
    in_spike: bool = False
    in_host: bool = False
    shows_problems: bool = False
    of_functions: bool = False
    runs: str = "run"

    @property
    def command(self) -> str:
        """The whole command."""
        return f"invoke {self.task}"

    @property
    def explained(self) -> str:
        """What ``invoke --help`` says of the task: what it does, and why it takes no sidecar."""
        if self.any_sidecar:
            return self.says
        return f"{self.says}\n\nTakes no --sidecar: {self.why_hello}"

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


RELIABILITY: Final = "reliability"
CHECKLIST: Final = "checklist"
"""Names that the plan's rules ask for."""


# The defaults: ten rounds tell a cold start's difference of a tenth from noise of 5 %. What a
# footprint counts hardly varies: three launches show when it does. Shares of a launch are medians,
# and an odd number has one in the middle. The second count of instructions shows that the first
# repeats.


def _launches(default: int, high: int, of: str = "launches of each variant") -> Option:
    return Option(name="launches", help=of, default=default, high=high)


BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            name="selfcheck",
            task="self-check",
            says="Ask the measuring questions with known answers.",
            module="benchmarks.selfcheck",
            sections=(Section(name="self-check", report="self-check", title="Self-check"),),
            options=(
                Option(name="runs", help="A/A runs", default=20, low=5, high=200),
                SEED,
            ),
            rows=Rows.NONE,
            any_sidecar=False,
            why_hello="what it asks is the measuring itself, with programs of known answers.",
            in_spike=True,
        ),
        Benchmark(
            name=RELIABILITY,
            task="bench",
            says="Launch every variant N times: does it start, and stop?",
            module="benchmarks.reliability",
            sections=(
                Section(
                    name="startup-latency",
                    report="startup",
                    title="Startup latency",
                    render="render_latency",
                    summary="summary_of_latency",
                    picture="launch-to-ready",
                ),
                Section(
                    name="launch-reliability",
                    report="reliability",
                    title="Launch reliability",
                    render="render_reliability",
                ),
            ),
            options=(_launches(requirements.TARGET_LAUNCHES, 10_000), SEED),
            in_spike=True,
            shows_problems=True,
            of_functions=True,
        ),
        Benchmark(
            name="size",
            task="size",
            says="Compare what each variant puts on a disk.",
            module="benchmarks.size",
            sections=(
                Section(
                    name="binary-size", report="size", title="Binary size", picture="size-and-start"
                ),
            ),
            in_spike=True,
        ),
        Benchmark(
            name="complexity",
            task="complexity",
            says="Count what each variant asks of the application.",
            module="benchmarks.complexity",
            sections=(
                Section(
                    name="integration-complexity",
                    report="integration",
                    title="Integration complexity",
                ),
            ),
            in_spike=True,
            of_functions=True,
        ),
        Benchmark(
            name="cold_start",
            task="cold-start",
            says="Launch from cold and warm caches, each state proved.",
            module="benchmarks.cold_start",
            sections=(Section(name="cold-start", report="cold-start", title="Cold start"),),
            options=(_launches(10, 1000, "launches of each variant in each state"), SEED),
            in_spike=True,
            shows_problems=True,
        ),
        Benchmark(
            name="footprint",
            task="footprint",
            says="Count memory, processes and files at READY.",
            module="benchmarks.footprint",
            sections=(Section(name="footprint", report="footprint", title="Footprint"),),
            options=(_launches(3, 100),),
            in_spike=True,
        ),
        Benchmark(
            name="phases",
            task="phases",
            says="Divide a launch into launcher, interpreter, program.",
            module="benchmarks.phases",
            sections=(
                Section(
                    name="phases",
                    report="phases",
                    title="Where the time goes",
                    picture="where-the-time-goes",
                ),
            ),
            options=(_launches(7, 1000), SEED),
            in_spike=True,
        ),
        Benchmark(
            name="instructions",
            task="instructions",
            says="Count the instructions to READY with valgrind.",
            module="benchmarks.instructions",
            sections=(
                Section(name="instructions", report="instructions", title="Instructions to READY"),
            ),
            options=(Option(name="runs", help="counts of each variant", default=2, high=20),),
            in_spike=True,
        ),
        Benchmark(
            name=CHECKLIST,
            task="verify",
            says="Prove the plan's checklist A1 to E3 in the real Tauri host.",
            module="spike.host.verify",
            sections=(
                Section(
                    name="checklist",
                    report="checklist",
                    title="Checklist A1 to E3",
                    render="render_report",
                ),
            ),
            options=(
                Option(
                    name="cycles",
                    help="launch cycles of row E3",
                    default=requirements.MIN_STABLE_CYCLES,
                    low=requirements.MIN_STABLE_CYCLES,
                ),
            ),
            rows=Rows.VARIANTS,
            in_spike=True,
            in_host=True,
            shows_problems=True,
        ),
        Benchmark(
            name="host_latency",
            task="host-latency",
            says="Compare READY as the Tauri host sees it with READY as the launcher here sees it.",
            module="benchmarks.host_latency",
            sections=(Section(name="host-latency", report="host-latency", title="Host latency"),),
            options=(
                Option(name="rounds", help="rounds of four launches by each, at most", default=30),
                SEED,
            ),
            rows=Rows.VARIANTS,
            in_host=True,
        ),
        Benchmark(
            name="parallel",
            task="bench --parallel 8",
            says="Launch every variant several times at the same moment.",
            module="benchmarks.stress",
            runs="run_parallel",
            sections=(Section(name="at-once", report="parallel", title="Many launches at once"),),
            options=(
                _launches(requirements.TARGET_LAUNCHES, 10_000),
                SEED,
                Option(name="parallel", help="launches at the same moment", default=8, high=64),
            ),
            of_functions=True,
        ),
        Benchmark(
            name="soak",
            task="soak",
            says="Launch every variant in turns for minutes or hours.",
            module="benchmarks.stress",
            runs="run_soak",
            sections=(Section(name="soak", report="soak", title="Launches for a long time"),),
            options=(Option(name="minutes", help="how long", default=10, high=10_000), SEED),
            shows_problems=True,
        ),
        Benchmark(
            name="reproducible",
            task="reproducible",
            says="Build every variant again: equal or not, and how long.",
            module="benchmarks.reproducible",
            sections=(
                Section(name="reproducible", report="reproducible", title="Built again and again"),
            ),
            rows=Rows.VARIANTS,
        ),
        Benchmark(
            name="ablation",
            task="ablation",
            says="Measure what each knob is worth (half an hour).",
            module="benchmarks.ablation",
            sections=(
                Section(
                    name="ablation", report="ablation", title="What each part of a recipe is worth"
                ),
            ),
            options=(Option(name="rounds", help="launches of each build", default=15),),
            any_sidecar=False,
            why_hello="its rows are single knobs of the packagers' recipes, each built anew; what "
            "a knob is worth belongs to the packager.",
        ),
        Benchmark(
            name="faults",
            task="faults",
            says="Try every variant on hostile machines.",
            module="benchmarks.faults.report",
            sections=(
                Section(
                    name="hostile-machines", report="faults", title="Faults on hostile machines"
                ),
            ),
            options=(Option(name="repeat", help="how often", default=1, high=10),),
            rows=Rows.VARIANTS,
            of_packager=True,
            of_functions=True,
        ),
        Benchmark(
            name="faults_host",
            task="faults --host",
            says="Try the cases of life and death on the real Tauri host.",
            module="benchmarks.faults.report",
            runs="run_in_host",
            sections=(
                Section(
                    name="in-the-host",
                    report="faults-in-the-host",
                    title="Faults in the host",
                    render="render_in_host",
                    summary="summary_in_host",
                ),
            ),
            options=(Option(name="repeat", help="how often", default=1, high=10),),
            rows=Rows.VARIANTS,
            of_packager=True,
            in_host=True,
        ),
        Benchmark(
            name="chaos",
            task="chaos",
            says="Send every variant through random lives behind the supervisor.",
            module="benchmarks.chaos",
            sections=(Section(name="random-lives", report="random-lives", title="Random lives"),),
            options=(
                Option(
                    name="lifecycles",
                    help="lives of each variant",
                    default=1000,
                    high=100_000,
                    whole=True,
                ),
                SEED,
            ),
            rows=Rows.VARIANTS,
            of_packager=True,
        ),
    )
}


def sections() -> Iterator[tuple[Benchmark, Section]]:
    """Every section with its benchmark, in the order of the registry."""
    for benchmark in BENCHMARKS.values():
        for section in benchmark.sections:
            yield benchmark, section


def command(name: str, sidecar: Sidecar) -> str:
    """The command that makes a result; one that no benchmark makes, is made by its task."""
    benchmark = BENCHMARKS.get(name)
    task = benchmark.command if benchmark else f"invoke {name}"
    return task + sidecar.option
