"""invoke tasks: read arguments, call the package, print. The logic lives in spike/ and benchmarks/.

Every task exits with 0 (done, target met), 1 (done, target missed), 2 (could not be done) or 130
(interrupted; what was measured is kept).
"""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

HELLO = "sidecar"
SIDECAR_HELP = "folder of the sidecar, with its pyproject.toml (default: sidecar)"
VARIANT_HELP = "work on this variant only, such as nuitka-onefile (repeatable)"


def edge(body: Callable[..., int | None]) -> Callable[..., None]:
    """Turn the package's errors into exit codes and one paragraph; the only place that does."""

    @functools.wraps(body)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        from spike.core.errors import EXIT_INTERRUPTED, SpikeError

        signal.signal(signal.SIGTERM, _interrupt)
        try:
            code = body(*args, **kwargs)
        except SpikeError as error:
            raise Exit(f"error: {error}", code=error.exit_code) from None
        except KeyboardInterrupt:
            raise Exit(
                "interrupted: what was measured so far is kept in the *.incomplete.json file "
                "beside the results; earlier results are unchanged",
                code=EXIT_INTERRUPTED,
            ) from None
        if code:
            raise Exit(code=code)

    return wrapper


def _interrupt(number: int, frame: object) -> NoReturn:
    """SIGTERM ends a task like Ctrl-C: what was started is ended, what was measured is kept."""
    raise KeyboardInterrupt


def whole_number(text: str, option: str, *, low: int, high: int) -> int:
    """Read a whole number; invoke's own conversion would answer a typing mistake with a traceback.

    Raises:
        UsageError: It is none, or out of range; the message shows a right value.
    """
    from spike.core.errors import UsageError

    try:
        value = int(str(text))
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise UsageError(
            f"{option} takes a whole number from {low} to {high}, not {text!r}.",
            try_next=f"{option} {max(low, min(20, high))}",
        )
    return value


def seed_number(text: str) -> int:
    """Read a seed.

    Raises:
        UsageError: It is none.
    """
    return whole_number(text, "--seed", low=0, high=2**31)


def measured(name: str, sidecar_folder: str, variant: list[str], **options: int) -> int:
    """Run a benchmark of the registry and give its exit code."""
    from benchmarks.registry import BENCHMARKS
    from decision.workflows import measuring
    from spike.project import sidecar

    return measuring.run(BENCHMARKS[name], sidecar.load(sidecar_folder), variant, **options)


@task(
    help={
        "launches": "launches of each variant, 1 to 10000 (default 20, the plan's)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "seed": "seed of the order in which variants take turns (default 1)",
        "parallel": "launches at the same moment, 1 to 64 (default 1); kept in a file of its own",
    },
    iterable=["variant"],
)
@edge
def bench(
    c: Context,
    variant: list[str],
    launches: str = "20",
    sidecar: str = HELLO,
    seed: str = "1",
    parallel: str = "1",
) -> int:
    """Launch every variant N times: does it start, and stop?"""
    count = whole_number(launches, "--launches", low=1, high=10_000)
    order = seed_number(seed)
    at_once = whole_number(parallel, "--parallel", low=1, high=64)
    if at_once > 1:
        return measured("parallel", sidecar, variant, launches=count, seed=order, parallel=at_once)
    return measured("reliability", sidecar, variant, launches=count, seed=order)


@task(positional=["old", "new"], help={"old": "an earlier result file", "new": "a later one"})
@edge
def compare(c: Context, old: str, new: str) -> int:
    """Say what changed between two runs beyond the noise."""
    from benchmarks.registry import BENCHMARKS
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.measure import compare as comparison

    before, after = comparison.load(old), comparison.load(new)
    benchmark = BENCHMARKS.get(before.benchmark)
    found = comparison.changes(before, after, benchmark.compared if benchmark else ())
    print(comparison.render(found))
    worse = [f"{item.target} ({item.field})" for item in found if item.verdict == "worse"]
    if worse:
        print(f"worse by more than the noise: {', '.join(worse)}")
        return EXIT_GOAL_MISSED
    print("nothing got worse by more than the noise")
    return EXIT_OK


@task(
    iterable=["result"],
    help={"result": "a result file of invoke bench (repeatable, at least two)"},
)
@edge
def pool(c: Context, result: list[str]) -> None:
    """Add runs of the same binaries up, for a tighter rate."""
    from benchmarks import reliability
    from spike.measure import compare as comparison

    together = comparison.pool([comparison.load(path) for path in result])
    print(reliability.render_rates(reliability.summarise(together)))


@task(help={"variant": VARIANT_HELP, "sidecar": SIDECAR_HELP}, iterable=["variant"])
@edge
def reproducible(c: Context, variant: list[str], sidecar: str = HELLO) -> int:
    """Build every variant again: equal or not, and how long."""
    return measured("reproducible", sidecar, variant)


@task(
    help={
        "minutes": "how long, 1 to 10000 (default 10)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "seed": "seed of the order in which variants take turns (default 1)",
    },
    iterable=["variant"],
)
@edge
def soak(
    c: Context,
    variant: list[str],
    minutes: str = "10",
    sidecar: str = HELLO,
    seed: str = "1",
) -> int:
    """Launch every variant in turns for minutes or hours."""
    length = whole_number(minutes, "--minutes", low=1, high=10_000)
    return measured("soak", sidecar, variant, minutes=length, seed=seed_number(seed))


@task(
    help={
        "launches": "launches of each variant in each state, 1 to 1000 (default 10)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "seed": "seed of the order in which variants take turns (default 1)",
    },
    iterable=["variant"],
)
@edge
def cold_start(
    c: Context,
    variant: list[str],
    launches: str = "10",
    sidecar: str = HELLO,
    seed: str = "1",
) -> None:
    """Launch from cold and warm caches, each state proved."""
    count = whole_number(launches, "--launches", low=1, high=1000)
    measured("cold_start", sidecar, variant, launches=count, seed=seed_number(seed))


@task(help={"variant": VARIANT_HELP, "sidecar": SIDECAR_HELP}, iterable=["variant"])
@edge
def size(c: Context, variant: list[str], sidecar: str = HELLO) -> None:
    """Compare what each variant puts on a disk."""
    measured("size", sidecar, variant)


@task(help={"variant": VARIANT_HELP, "sidecar": SIDECAR_HELP}, iterable=["variant"])
@edge
def complexity(c: Context, variant: list[str], sidecar: str = HELLO) -> None:
    """Count what each variant asks of the application."""
    measured("complexity", sidecar, variant)


@task(
    help={
        "title": "start an entry with this title; what the tool knows is filled in",
        "severity": "blocker, high, medium or low (default medium)",
        "list": "show every entry; a malformed one is an error",
        "draft": "draft an entry for each problem in the results that has none",
        "reproduce": "run the command of this entry (its id, or all): exit 0 when it reproduces",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def issue(
    c: Context,
    title: str = "",
    severity: str = "medium",
    list: bool = False,  # noqa: A002 - the option's name
    draft: bool = False,
    reproduce: str = "",
    sidecar: str = HELLO,
) -> int:
    """Start, list or reproduce entries of the issue log."""
    from decision.workflows import issues
    from spike.core.errors import UsageError
    from spike.project import sidecar as sidecars

    what = sidecars.load(sidecar)
    asked = [bool(title), list, draft, bool(reproduce)]
    if sum(asked) != 1:
        raise UsageError(
            "invoke issue does one thing at a time.",
            why="It takes one of --title, --list, --draft and --reproduce.",
            try_next="invoke issue --list",
        )
    if title:
        return issues.start(what, title, severity)
    if draft:
        return issues.draft(what)
    return issues.reproduce(what, reproduce) if reproduce else issues.show(what)


@task(help={"sidecar": SIDECAR_HELP})
@edge
def status(c: Context, sidecar: str = HELLO) -> int:
    """Say where Milestone 0 stands, and the next command."""
    from decision import criteria, evidence
    from decision.record import sections
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.core.workspace import platform_id
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    print(f"{sections.rulings(criteria.fallback_criteria(known))}\n")
    print(f"{sections.proposed(known)}\n")
    print(f"{sections.rulings(criteria.contingency_steps(known))}\n")
    found = criteria.exit_criteria(known)
    print(f"{sections.rulings(found)}\n")
    for problem in known.problems:
        print(problem)
    undone = [item for item in found if item.verdict is not criteria.Verdict.MET]
    if undone or known.problems:
        print(f"Milestone 0: {len(found) - len(undone)} of {len(found)} are met.")
        for item in undone:
            print(f"{item.id} {item.verdict}: {item.next_command}")
        return EXIT_GOAL_MISSED
    print(f"Milestone 0 is reached on {platform_id()}: all {len(found)} are met.")
    return EXIT_OK


@task(
    help={
        "dry-run": "say what would be done, and do nothing",
        "no-host": "leave out the checklist, which needs the Tauri host",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def fallback(c: Context, dry_run: bool = False, no_host: bool = False, sidecar: str = HELLO) -> int:
    """Carry out the contingency steps K1 to K6."""
    from decision.workflows import fallback as steps
    from spike.project import sidecar as sidecars

    what = sidecars.load(sidecar)
    if dry_run:
        print(steps.describe(what))
        return 0
    return steps.run(what, with_host=not no_host)


@task(
    help={
        "lifecycles": "lives of each variant, 1 to 100000 (default 1000)",
        "variant": VARIANT_HELP,
        "seed": "seed of everything that is drawn (default 1)",
    },
    iterable=["variant"],
)
@edge
def chaos(c: Context, variant: list[str], lifecycles: str = "1000", seed: str = "1") -> int:
    """Send every variant through random lives behind the supervisor; nothing may be left."""
    lives = whole_number(lifecycles, "--lifecycles", low=1, high=100_000)
    return measured("chaos", HELLO, variant, lifecycles=lives, seed=seed_number(seed))


@task(
    aliases=["hardships"],  # its name until 0.1
    help={
        "variant": VARIANT_HELP,
        "case": "run this case, or this category, only (repeatable)",
        "repeat": "how often, 1 to 10 (default 1): the verdicts have to be the same",
        "host": "the cases of life and death on the real Tauri host, with each variant inside",
        "list": "show the cases and what a user may expect, and run nothing",
    },
    iterable=["variant", "case"],
)
@edge
def faults(
    c: Context,
    variant: list[str],
    case: list[str],
    repeat: str = "1",
    host: bool = False,
    list: bool = False,  # noqa: A002 - the option's name
) -> int:
    """Try every variant on hostile machines."""
    from benchmarks.faults import report, runner
    from benchmarks.registry import BENCHMARKS
    from decision.workflows import measuring
    from spike.core.errors import EXIT_CANNOT, EXIT_OK
    from spike.project import sidecar as sidecars

    cases = runner.select(case)
    if list:
        print(report.render_list(cases))
        return EXIT_OK
    benchmark = BENCHMARKS[report.IN_HOST if host else report.NAME]
    hello = sidecars.load(HELLO)
    targets = measuring.targets_of(benchmark, hello, variant)
    if not host:
        report.build_probes([target.built for target in targets if target.built], cases)
    result = benchmark.run(
        hello,
        targets,
        cases=cases,
        repeat=whole_number(repeat, "--repeat", low=1, high=10),
        partial=bool(variant or case),
    )
    code = measuring.tell(benchmark, hello, result)
    if mistakes := report.broken(result):
        print("the suite itself failed in: " + "; ".join(mistakes))
        return EXIT_CANNOT
    return code


@task(
    help={
        "launches": "launches of each variant, 1 to 100 (default 3)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
    },
    iterable=["variant"],
)
@edge
def footprint(c: Context, variant: list[str], launches: str = "3", sidecar: str = HELLO) -> None:
    """Count memory, processes and files at READY."""
    count = whole_number(launches, "--launches", low=1, high=100)
    measured("footprint", sidecar, variant, launches=count)


@task(
    name="self-check",
    help={"runs": "A/A runs, 5 to 200 (default 20)", "seed": "seed of the orders (default 1)"},
)
@edge
def self_check(c: Context, runs: str = "20", seed: str = "1") -> int:
    """Ask the measuring questions with known answers."""
    count = whole_number(runs, "--runs", low=5, high=200)
    return measured("selfcheck", HELLO, [], runs=count, seed=seed_number(seed))


@task(
    help={
        "runs": "counts of each variant, 1 to 20 (default 2)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
    },
    iterable=["variant"],
)
@edge
def instructions(c: Context, variant: list[str], runs: str = "2", sidecar: str = HELLO) -> None:
    """Count the instructions to READY with valgrind."""
    count = whole_number(runs, "--runs", low=1, high=20)
    measured("instructions", sidecar, variant, runs=count)


@task(
    help={
        "launches": "launches of each variant, 1 to 1000 (default 7)",
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "seed": "seed of the order in which variants take turns (default 1)",
    },
    iterable=["variant"],
)
@edge
def phases(
    c: Context,
    variant: list[str],
    launches: str = "7",
    sidecar: str = HELLO,
    seed: str = "1",
) -> None:
    """Divide a launch into launcher, interpreter, program."""
    count = whole_number(launches, "--launches", low=1, high=1000)
    measured("phases", sidecar, variant, launches=count, seed=seed_number(seed))


@task(
    help={
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "cycles": "launch cycles of row E3, 5 to 1000 (default 5, the plan's)",
        "with-deps": "install missing system packages first (Debian and Ubuntu)",
    },
    iterable=["variant"],
)
@edge
def verify(
    c: Context,
    variant: list[str],
    sidecar: str = HELLO,
    cycles: str = "5",
    with_deps: bool = False,
) -> int:
    """Prove the plan's checklist A1 to E3 in the real Tauri host."""
    from spike.build import doctor as needs

    count = whole_number(cycles, "--cycles", low=5, high=1000)
    if with_deps:
        needs.install(needs.missing(needs.examine(), purpose="Tauri host"))
    return measured("checklist", sidecar, variant, cycles=count)


@task(
    help={
        "check": "change nothing; show what is stale or was edited by hand, and exit 1 if any is",
        "sidecar": SIDECAR_HELP,
        "output": "the record to write (default: decision-record.md)",
    }
)
@edge
def adr(c: Context, check: bool = False, sidecar: str = HELLO, output: str = "") -> int:
    """Write record, reports and README from the evidence, or check them."""
    from decision import evidence
    from decision.record import documents
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    if not check:
        print(documents.told(documents.write(known, output=output)))
        return 0
    complaints = documents.check(known, output=output)
    for complaint in [*complaints, *known.problems]:
        print(complaint)
    if complaints or known.problems:
        print(f"not what the evidence says; written anew by: invoke adr{known.sidecar.option}")
        return 1
    print("record, reports and README are up to date")
    return 0


@task(
    help={
        "format": "json or markdown (default markdown)",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def report(c: Context, format: str = "markdown", sidecar: str = HELLO) -> None:  # noqa: A002 - the option's name
    """Print everything known as one document."""
    import json

    from decision import evidence
    from decision import report as document
    from spike.core.errors import UsageError
    from spike.project import sidecar as sidecars

    if format not in ("json", "markdown"):
        raise UsageError(
            f"There is no format {format!r}.",
            why="Known are json and markdown.",
            try_next="--format json",
        )
    known = evidence.gather(sidecars.load(sidecar))
    if format == "json":
        print(json.dumps(document.as_json(known), indent=1))
    else:
        print(document.as_markdown(known), end="")


@task(
    help={
        "library": "try this library only, a folder of examples/libraries (repeatable)",
        "variant": VARIANT_HELP,
        "force": "try again what is up to date",
        "check": "build nothing; exit 1 when docs/libraries.md is not what the results say",
    },
    iterable=["library", "variant"],
)
@edge
def libraries(
    c: Context, library: list[str], variant: list[str], force: bool = False, check: bool = False
) -> int:
    """Try popular libraries with every packager (hours)."""
    from benchmarks import libraries as trial

    if check:
        complaints = trial.check_document(trial.load())
        print("\n".join(complaints) or "docs/libraries.md is what the results say")
        return 1 if complaints else 0
    results = trial.run(library, variant, force=force)
    changed = trial.write_document(results)
    print(f"docs/libraries.md: {'written' if changed else 'unchanged'}")
    return 0


@task(help={"with-deps": "install the missing system packages (Debian and Ubuntu)"})
@edge
def doctor(c: Context, with_deps: bool = False) -> int:
    """List the tools the work needs, and how to get them."""
    from spike.build import doctor as needs
    from spike.core.errors import EXIT_CANNOT, EXIT_OK

    found = needs.examine()
    if with_deps and needs.install(found):
        found = needs.examine()
    print(needs.render(found))
    lacking = [item.need.name for item in needs.missing(found) if item.need.required]
    if lacking:
        print(f"missing: {', '.join(lacking)}. Install: invoke doctor --with-deps")
        return EXIT_CANNOT
    return EXIT_OK


@task(
    aliases=["knobs"],  # its name until 0.1
    help={
        "rounds": "launches of each build, 1 to 1000 (default 15)",
        "row": "work on this row of the table only, such as 'nuitka-lean pie' (repeatable)",
    },
    iterable=["row"],
)
@edge
def ablation(c: Context, row: list[str], rounds: str = "15") -> None:
    """Measure what each knob is worth (half an hour)."""
    from benchmarks import ablation as benchmark
    from benchmarks.registry import BENCHMARKS
    from decision.workflows import measuring
    from spike.project import sidecar as sidecars

    count = whole_number(rounds, "--rounds", low=1, high=1000)
    hello, entry = sidecars.load(), BENCHMARKS["ablation"]
    targets = benchmark.targets(hello, tuple(row))
    measuring.tell(entry, hello, entry.run(hello, targets, rounds=count, partial=bool(row)))


@task(help={"sidecar": SIDECAR_HELP})
@edge
def recommend(c: Context, sidecar: str = HELLO) -> int:
    """Say what to ship for this sidecar, what to fall back to, and why."""
    from decision import evidence
    from decision import recommend as rules
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingBuildError
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    found = rules.answer(known)
    if not found.standings:
        raise MissingBuildError(
            "No variant has been launched often enough to choose from.",
            try_next=f"invoke bench{known.sidecar.option}",
        )
    print(rules.render(found))
    return EXIT_OK if found.variant else EXIT_GOAL_MISSED


@task(
    name="host-latency",
    help={
        "variant": VARIANT_HELP,
        "rounds": "rounds of four launches by each, at most; 1 to 1000 (default 30)",
        "sidecar": SIDECAR_HELP,
        "seed": "seed of the order (default 1)",
    },
    iterable=["variant"],
)
@edge
def host_latency(
    c: Context, variant: list[str], rounds: str = "30", sidecar: str = HELLO, seed: str = "1"
) -> int:
    """Compare READY as the Tauri host sees it with READY as the launcher here sees it."""
    count = whole_number(rounds, "--rounds", low=1, high=1000)
    return measured("host_latency", sidecar, variant, rounds=count, seed=seed_number(seed))


@task(help={"variant": "the variant that the window shows (default nuitka-onefile)"})
@edge
def screenshots(c: Context, variant: str = "nuitka-onefile") -> None:
    """Take the pictures of the host's real window, light and dark."""
    from spike.build import buildinfo
    from spike.core.workspace import display_path
    from spike.host import screenshots as camera
    from spike.packagers import variant_named
    from spike.project import sidecar as sidecars

    for path in camera.take(buildinfo.find(variant_named(variant), sidecars.load(HELLO))):
        print(display_path(path))


@task(
    name="spike",
    default=True,
    help={
        "with-deps": "install missing system packages first (Debian and Ubuntu)",
        "sidecar": SIDECAR_HELP,
        "launches": "launches of each variant (default 20, the plan's)",
        "no-host": "leave out the Tauri host, which takes most of the time",
        "force": "build and measure also what is up to date",
    },
)
@edge
def spike_(
    c: Context,
    with_deps: bool = False,
    sidecar: str = HELLO,
    launches: str = "20",
    no_host: bool = False,
    force: bool = False,
) -> int:
    """Carry out the plan: build, measure, check, record."""
    from decision.workflows import spike
    from spike.project import sidecar as sidecars

    return spike.run(
        sidecars.load(sidecar),
        launches=whole_number(launches, "--launches", low=1, high=10_000),
        with_deps=with_deps,
        with_host=not no_host,
        force=force,
    )


@task(
    help={
        "fast": "the unit tests and the checks of style and types only (seconds)",
        "all": "also the slow tests: long sweeps, every packager of every example (an hour)",
    }
)
def test(c: Context, fast: bool = False, all: bool = False) -> NoReturn:  # noqa: A002, PT028 - options of a task
    """Run every test, down to real binaries and the host."""
    import os

    where = ["tests/quality", "tests/unit", *([] if fast else ["tests/integration"])]
    which = [] if all else ["-m", "not slow"]
    # Replaces this process, so that the last line and the exit code are the test runner's own.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *where, *which])
