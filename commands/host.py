"""The real Tauri host: the plan's checklist, and pictures of its window."""

from __future__ import annotations

from invoke.context import Context

from benchmarks.registry import BENCHMARKS, CHECKLIST
from commands.benchmark_task import helps, measured, numbers
from commands.edge import HELLO, edge
from commands.task import task

CHECKS = BENCHMARKS[CHECKLIST]


@task(
    help={
        **helps(CHECKS),
        "with-deps": "install missing system packages first (Debian and Ubuntu)",
    },
    iterable=["variant"],
)
@edge
def verify(
    c: Context,
    variant: list[str],
    sidecar: str = HELLO,
    cycles: str = str(CHECKS.defaults["cycles"]),
    with_deps: bool = False,
    draft: bool = False,
    python: str = "",
) -> int:
    """Prove the plan's checklist A1 to E3 in the real Tauri host."""
    from spike.build import doctor as needs

    options = numbers(CHECKS, {"cycles": cycles})
    if with_deps:
        needs.install(needs.missing(needs.examine(), purpose="Tauri host"))
    return measured(CHECKS, sidecar, variant, python=python, draft=draft, **options)


@task(help={"variant": "the variant that the window shows (default nuitka-onefile)"})
@edge
def screenshots(c: Context, variant: str = "nuitka-onefile") -> None:
    """Take the pictures of the host's real window, light and dark.

    Takes no --sidecar: they are the pictures of this repository's README.

    Takes no --python: its name is in none of them.
    """
    from spike.build import buildinfo
    from spike.core.workspace import display_path
    from spike.host import screenshots as camera
    from spike.packagers import variant_named
    from spike.project import sidecar as sidecars

    for path in camera.take(buildinfo.find(variant_named(variant), sidecars.load(HELLO))):
        print(display_path(path))
