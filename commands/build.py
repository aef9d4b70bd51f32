"""The plan in one command, its fallback, and the tools that both need."""

from __future__ import annotations

from invoke.context import Context

from benchmarks.registry import BENCHMARKS, RELIABILITY
from commands.benchmark_task import numbers
from commands.edge import DRAFT_HELP, HELLO, PYTHON_HELP, SIDECAR_HELP, edge, goes_alone
from commands.task import task

LAUNCHES = BENCHMARKS[RELIABILITY].options[0]


@task(
    name="spike",
    default=True,
    help={
        "with-deps": "install missing system packages first (Debian and Ubuntu)",
        "sidecar": SIDECAR_HELP,
        "launches": LAUNCHES.explained,
        "no-host": "leave out the Tauri host, which takes most of the time",
        "force": "build and measure also what is up to date",
        "whole": "every benchmark, of every variant that is built: what the record has (hours)",
        "draft": DRAFT_HELP,
        "python": f"{PYTHON_HELP}; the record stays as it is",
    },
)
@edge
def spike_(
    c: Context,
    with_deps: bool = False,
    sidecar: str = HELLO,
    launches: str = str(LAUNCHES.default),
    no_host: bool = False,
    force: bool = False,
    whole: bool = False,
    draft: bool = False,
    python: str = "",
) -> int:
    """Carry out the plan: build, measure, check, record."""
    from decision.workflows import spike
    from spike.project import sidecar as sidecars

    settings = spike.Settings(
        launches=numbers(BENCHMARKS[RELIABILITY], {"launches": launches})["launches"],
        with_host=not no_host,
        force=force,
        draft=draft,
        whole=whole,
    )
    return spike.run(sidecars.load(sidecar, python), settings, with_deps=with_deps)


@task(
    help={
        "dry-run": "say what would be done, and do nothing",
        "no-host": "leave out the checklist, which needs the Tauri host",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def fallback(c: Context, dry_run: bool = False, no_host: bool = False, sidecar: str = HELLO) -> int:
    """Carry out the contingency steps K1 to K6.

    Takes no --python: they end in the record, which is about the sidecar's own.
    """
    from decision.workflows import fallback as steps
    from spike.project import sidecar as sidecars

    what = sidecars.load(sidecar)
    if dry_run:
        print(steps.describe(what))
        return 0
    return steps.run(what, with_host=not no_host)


@task(
    help={
        "sidecar": SIDECAR_HELP,
        "variant": "the variant to build (default: pyinstaller-onedir, the quickest to build)",
        "write": "put the lines into the sidecar's pyproject.toml; comments and order stay",
        "python": PYTHON_HELP,
    }
)
@edge
def fit(
    c: Context,
    sidecar: str = HELLO,
    variant: str = "pyinstaller-onedir",
    write: bool = False,
    python: str = "",
) -> int:
    """Find the lines of [tool.sidecar] that make a program equal to its plain script."""
    from spike.build import fit as fitting
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.core.workspace import display_path
    from spike.packagers import variant_named
    from spike.project import sidecar as sidecars

    what = sidecars.load(sidecar, python)
    found = fitting.fit(what, variant_named(variant))
    print()
    print(fitting.render(what, found))
    if not found.outcome.equal:
        return EXIT_GOAL_MISSED
    if found.added and write:
        print(f"written: {display_path(fitting.write(what, found.added))}")
    elif found.added:
        print(f"Put them into {display_path(what.folder / 'pyproject.toml')}, or: --write")
    return EXIT_OK


@task(
    help={
        "sidecar": SIDECAR_HELP,
        "variant": "the variant to plan for (default: all that are built)",
        "artifact": "a folder or a file of any platform instead, such as one that CI has built",
        "python": PYTHON_HELP,
    }
)
@edge
def signing_plan(
    c: Context, sidecar: str = HELLO, variant: str = "", artifact: str = "", python: str = ""
) -> int:
    """Say which files of an artifact to sign, in which order, and write the scripts that do it."""
    from pathlib import Path

    from spike.build import buildinfo
    from spike.core.errors import EXIT_OK
    from spike.core.workspace import display_path
    from spike.project import sidecar as sidecars
    from spike.signing import plan

    if artifact:
        goes_alone("--artifact", variant=variant, python=python)
    what = sidecars.load(sidecar, python)
    if artifact:
        place = Path(artifact).resolve()
        wanted = [(place.name, place, "")]
    else:
        wanted = [
            (built.info.variant, built.folder or built.artifact, built.info.packager)
            for built in buildinfo.find_all(what, (variant,) if variant else ())
        ]
    for name, place, packager in wanted:
        found = plan.of(place, packager=packager)
        print(f"{plan.render(found)}\n")
        written = plan.write(found, what.workspace.build / "signing" / name)
        print(f"written: {', '.join(display_path(path) for path in written)}\n")
    return EXIT_OK


@task(
    help={
        "with-deps": "install the missing system packages (Debian and Ubuntu)",
        "sidecar": "say what can be known of this sidecar without a build; of the tools as well "
        "with --with-deps",
        "windows": "list what nox -s windows needs, in place of the tools",
        "pythons": "list the Pythons that are here, in place of the tools",
    }
)
@edge
def doctor(
    c: Context,
    with_deps: bool = False,
    sidecar: str = "",
    windows: bool = False,
    pythons: bool = False,
) -> int:
    """List the tools the work needs, and how to get them; or look at a sidecar."""
    from spike.build import doctor as needs
    from spike.core.errors import EXIT_CANNOT, EXIT_OK, UsageError
    from spike.core.workspace import TOOL, project
    from spike.project import checkup, interpreters
    from spike.project import sidecar as sidecars
    from spike.project.metadata import NeedsBuildError

    if pythons:
        goes_alone("--pythons", windows=windows, with_deps=with_deps, sidecar=sidecar)
        print(interpreters.render(interpreters.here()))
        return EXIT_OK
    if windows:
        goes_alone("--windows", sidecar=sidecar)
    what, later = None, ""
    try:
        what = sidecars.load(sidecar) if sidecar else None
    except NeedsBuildError as error:
        later = str(error)  # no mistake: the next step
    wanted, option = needs.NEEDS, ""
    if windows and project() != TOOL:
        raise UsageError(
            "nox -s windows is a session of the tool's own repository: it runs the tool's tests.",
            try_next="invoke doctor",
        )
    if windows:
        from spike.wine import prefix, proof, rust

        wanted, option = (*prefix.NEEDS, *rust.needs(proof.folder())), " --windows"
    found = needs.examine(wanted) if with_deps or not sidecar else []
    if with_deps:
        needs.install(found)
        if windows:
            rust.bring(proof.folder())
        found = needs.examine(wanted)
    if found:
        print(needs.render(found))
    lacking = [item.need.name for item in needs.missing(found) if item.need.required]
    if lacking:
        print(f"missing: {', '.join(lacking)}. Install: invoke doctor{option} --with-deps")
    seen = checkup.examine(what) if what else None
    if seen or later:
        print(checkup.render(seen) if seen else later)
    return EXIT_CANNOT if lacking or (seen and seen.errors) else EXIT_OK
