"""Every benchmark, once: its task, its options, its report and what the plan's workflow does.

A new benchmark is a file of its own, one entry here, and its test. Everything that lists
benchmarks derives from :data:`BENCHMARKS`: the invoke tasks, the steps of ``invoke spike``, the
sections of the record and the reports, what ``invoke compare`` compares, the command that an error
message names. What an entry says, and what its module has: :mod:`benchmarks.definition`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from benchmarks.definition import SEED, Benchmark, Option, Rows, Section
from spike.core import requirements

if TYPE_CHECKING:
    from spike.project.sidecar import Sidecar

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
            why_no_python="it builds nothing.",
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
            name="pythons",
            task="pythons",
            says="Compare what was built with each Python, in one run: which one to ship?",
            module="benchmarks.pythons",
            sections=(Section(name="pythons", report="pythons", title="Which Python to ship"),),
            options=(_launches(10, 1000, "launches of each build"), SEED),
            rows=Rows.PYTHONS,
            why_no_python="it compares what was built with each.",
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
            rows=Rows.NONE,
            any_sidecar=False,
            why_hello="its rows are single knobs of the packagers' recipes, each built anew; what "
            "a knob is worth belongs to the packager.",
            why_no_python="a row of it is another Python, Debian's.",
        ),
        Benchmark(
            name="services",
            task="services",
            says="Compare whole services, plain and with a faster start, in one run (hours).",
            module="benchmarks.services",
            sections=(Section(name="services", report="services", title="Whole services"),),
            options=(
                Option(name="rounds", help="timed launches of each row", default=40, whole=True),
                Option(name="counts", help="counts of each row's instructions", default=1, low=0),
                SEED,
            ),
            rows=Rows.NONE,
            any_sidecar=False,
            why_hello="each service is a sidecar of its own, in examples/.",
            why_no_python="a row of it is another Python, Debian's.",
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
            of_functions=True,
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
    python = sidecar.python_option if benchmark and benchmark.takes_python else ""
    return task + sidecar.option + python
