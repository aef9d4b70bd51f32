"""Measuring: a task for each benchmark of the registry, and what compares their results."""

from __future__ import annotations

from invoke.context import Context

from benchmarks.registry import BENCHMARKS, RELIABILITY
from commands.benchmark_task import helps, measured, numbers, task_of
from commands.edge import HELLO, PYTHON_HELP, SIDECAR_HELP, VARIANT_HELP, edge, goes_alone
from commands.task import task

PARALLEL = BENCHMARKS["parallel"]


@task(
    help={
        **helps(BENCHMARKS[RELIABILITY]),
        "parallel": "launches at the same moment, 1 to 64 (default 1); kept in a file of its own",
    },
    iterable=["variant"],
)
@edge
def bench(
    c: Context,
    variant: list[str],
    launches: str = str(BENCHMARKS[RELIABILITY].defaults["launches"]),
    sidecar: str = HELLO,
    seed: str = "1",
    parallel: str = "1",
    draft: bool = False,
    python: str = "",
) -> int:
    """Launch every variant N times: does it start, and stop?"""
    given = {"launches": launches, "seed": seed, "parallel": parallel}
    options = numbers(PARALLEL, given)
    if options["parallel"] > 1:
        return measured(PARALLEL, sidecar, variant, python=python, draft=draft, **options)
    del options["parallel"]
    bare = BENCHMARKS[RELIABILITY]
    return measured(bare, sidecar, variant, python=python, draft=draft, **options)


@task(positional=["old", "new"], help={"old": "an earlier result file", "new": "a later one"})
@edge
def compare(c: Context, old: str, new: str) -> int:
    """Say what changed between two runs beyond the noise.

    Takes no --sidecar: the result files say whose they are.
    """
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
    """Add runs of the same binaries up, for a tighter rate.

    Takes no --sidecar: the result files say whose they are.
    """
    from benchmarks import reliability
    from spike.measure import compare as comparison

    together = comparison.pool([comparison.load(path) for path in result])
    print(reliability.render_rates(reliability.summarise(together)))


FAULTS = BENCHMARKS["faults"]


@task(
    aliases=["hardships"],  # its name until 0.1
    help={
        "variant": VARIANT_HELP,
        "sidecar": SIDECAR_HELP,
        "case": "run this case, or this category, only (repeatable)",
        "repeat": "how often, 1 to 10 (default 1): the verdicts have to be the same",
        "host": "the cases of life and death on the real Tauri host, with each variant inside",
        "list": "show the cases and what a user may expect, and run nothing",
        "platform": "with --list: what can be tried on linux, macos or windows, and why not more",
        "python": PYTHON_HELP,
    },
    iterable=["variant", "case"],
)
@edge
def faults(
    c: Context,
    variant: list[str],
    case: list[str],
    sidecar: str = HELLO,
    repeat: str = "1",
    host: bool = False,
    list: bool = False,  # noqa: A002 - the option's name
    platform: str = "",
    python: str = "",
) -> int:
    """Try every variant on hostile machines.

    With another sidecar than the hello sidecar, what only that one or the probe can show is not run
    and says so; what they show belongs to packager and mode, and counts for every sidecar.
    """
    from benchmarks.faults import counts, needs, report, runner
    from decision.workflows import measuring
    from spike.core.errors import EXIT_CANNOT, EXIT_OK, UsageError
    from spike.project import sidecar as sidecars

    cases = runner.select(case)
    if platform and (not list or platform not in needs.PLATFORMS):
        raise UsageError(
            f"--platform {platform} cannot be run.",
            why=f"With --list it takes one of {', '.join(needs.PLATFORMS)}; cases run here only.",
            try_next="invoke faults --list --platform windows",
        )
    if list:
        goes_alone("--list", variant=variant, host=host, python=python)
        print(report.render_list(cases, platform))
        return EXIT_OK
    benchmark = BENCHMARKS["faults_host"] if host else FAULTS
    options = numbers(benchmark, {"repeat": repeat})
    what = sidecars.load(sidecar, python)
    chosen = measuring.choose(benchmark, what, variant)
    partial = bool(variant or case)
    result = benchmark.run(what, chosen.targets, cases=cases, partial=partial, **options)
    code = chosen.told(measuring.tell(benchmark, what, result))
    if mistakes := counts.broken(result):
        print("the suite itself failed in: " + "; ".join(mistakes))
        return EXIT_CANNOT
    return code


ABLATION = BENCHMARKS["ablation"]


@task(
    aliases=["knobs"],  # its name until 0.1
    help={
        "rounds": ABLATION.options[0].explained,
        "row": "work on this row of the table only, such as 'nuitka-lean pie' (repeatable)",
    },
    iterable=["row"],
)
@edge
def ablation(c: Context, row: list[str], rounds: str = str(ABLATION.defaults["rounds"])) -> int:
    """Measure what each knob is worth (half an hour).

    Takes no --sidecar: its rows are single knobs of the packagers' recipes, each built anew; what a
    knob is worth belongs to the packager.

    Takes no --python: a row of it is another Python, Debian's.
    """
    from benchmarks import ablation as builds
    from decision.workflows import measuring
    from spike.project import sidecar as sidecars

    options = numbers(ABLATION, {"rounds": rounds})
    hello = sidecars.load(HELLO)
    targets = builds.rows(hello, tuple(row))
    result = ABLATION.run(hello, targets, partial=bool(row), **options)
    return measuring.tell(ABLATION, hello, result)


SERVICES = BENCHMARKS["services"]


@task(
    help={
        "service": "this service only, such as fastapi (repeatable)",
        "variant": VARIANT_HELP,
        "build": "build first what is not built, or not from today's sources",
        **{option.name: option.explained for option in SERVICES.options},
    },
    iterable=["service", "variant"],
)
@edge
def services(
    c: Context,
    service: list[str],
    variant: list[str],
    rounds: str = str(SERVICES.defaults["rounds"]),
    counts: str = str(SERVICES.defaults["counts"]),
    seed: str = str(SERVICES.defaults["seed"]),
    build: bool = False,
) -> int:
    """Compare whole services, plain and with a faster start, in one run (hours).

    A run of all services puts its outline into docs/fast-start.md.

    Takes no --sidecar: each service is a sidecar of its own, in examples/.

    Takes no --python: a row of it is another Python, Debian's.
    """
    from benchmarks import services as whole
    from decision.workflows import measuring
    from spike.core.errors import EXIT_CANNOT
    from spike.project import sidecar as sidecars

    options = numbers(SERVICES, {"rounds": rounds, "counts": counts, "seed": seed})
    hello = sidecars.load(HELLO)
    targets, problems = whole.choose(service, variant, build=build)
    result = SERVICES.run(hello, targets, partial=bool(service or variant), **options)
    code = measuring.tell(SERVICES, hello, result)
    if not service and whole.document_path().is_file():
        changed = whole.write_document(result)
        print(f"docs/fast-start.md: {'written' if changed else 'unchanged'}")
    for problem in problems:
        print(f"not measured: {problem}")
    return EXIT_CANNOT if problems else code


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
    """Try popular libraries with every packager (hours).

    Takes no --sidecar: each library has a sidecar of its own in examples/libraries.

    Takes no --python: its table in docs/libraries.md is of one, the tool's own.
    """
    from benchmarks import libraries as trial

    if check:
        goes_alone("--check", library=library, variant=variant, force=force)
        complaints = trial.check_document(trial.load())
        print("\n".join(complaints) or "docs/libraries.md is what the results say")
        return 1 if complaints else 0
    results = trial.run(library, variant, force=force)
    changed = trial.write_document(results)
    print(f"docs/libraries.md: {'written' if changed else 'unchanged'}")
    return 0


WRITTEN_BY_HAND = {"bench", "faults", "ablation", "services", "verify"}
"""Tasks that do more than their benchmark: two files, a list, a choice of rows, system packages."""

GENERATED = tuple(
    task_of(benchmark)
    for benchmark in BENCHMARKS.values()
    if benchmark.task.partition(" ")[0] not in WRITTEN_BY_HAND
)
