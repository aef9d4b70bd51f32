"""Where the time to READY goes, before any packager."""

from __future__ import annotations

from invoke.context import Context

from commands.edge import HELLO, PYTHON_HELP, SIDECAR_HELP, edge, goes_alone, whole_number
from commands.task import task


@task(
    help={
        "sidecar": SIDECAR_HELP,
        "launches": "launches with and as many without notes, 1 to 100 (default 7)",
        "output": "where the profile is kept (default: build/<sidecar>/startup.json)",
        "why": "say who brings this module in, such as ssl: the chain of importing lines",
        "compare": "an earlier profile: name what came in since, with the importing line",
        "python": PYTHON_HELP,
        "json": "print the profile as JSON in place of tables",
    }
)
@edge
def startup(
    c: Context,
    sidecar: str = HELLO,
    launches: str = "7",
    output: str = "",
    why: str = "",
    compare: str = "",
    json: bool = False,
    python: str = "",
) -> int:
    """Say where the plain script's time to READY goes, import by import."""
    from pathlib import Path

    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.core.workspace import display_path
    from spike.measure import emulated
    from spike.profile import imports, render
    from spike.profile import startup as profiles
    from spike.project import sidecar as sidecars

    if why:
        goes_alone("--why", compare=compare, json=json)
    if compare:
        goes_alone("--compare", json=json)
    number = whole_number(launches, "--launches", low=1, high=100)
    emulated.refuse("invoke startup")
    before = profiles.load(Path(compare)) if compare else None
    what = sidecars.load(sidecar, python)
    found = profiles.measure(what, launches=number)
    place = Path(output) if output else what.workspace.build / "startup.json"
    profiles.save(found, place)
    picture = place.with_suffix(".svg")
    render.write_picture(found, picture)
    if why:
        by = {module.name: module.by for module in found.modules if module.by}
        chain = imports.chain(why, found.roots, by)
        print("\n".join(chain) or f"{why} is not imported until READY.")
        return EXIT_OK if chain else EXIT_GOAL_MISSED
    if json:
        print(place.read_text(encoding="utf-8"))
        return EXIT_OK
    print(render.changes(before, found) if before else render.tables(found))
    print(f"\nkept: {display_path(place.absolute())}, {display_path(picture.absolute())}")
    return EXIT_OK
