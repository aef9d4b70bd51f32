"""A Tauri application of one's own."""

from __future__ import annotations

from invoke.context import Context

from commands.edge import HELLO, PYTHON_HELP, SIDECAR_HELP, edge
from commands.task import task


@task(
    positional=["dir"],
    help={
        "dir": "the application's folder, which is empty or not there",
        "name": "of its package and program (default: made from the folder's name)",
        "identifier": "by which systems know it (default: com.example.NAME)",
    },
)
@edge
def new(c: Context, dir: str, name: str = "", identifier: str = "") -> None:  # noqa: A002
    """Make an application that runs: Tauri, the plugin and a FastAPI sidecar.

    Takes no --sidecar: it makes one.
    """
    from pathlib import Path

    from spike.scaffold import making

    print(making.make(Path(dir), name=name, identifier=identifier))


@task(
    help={
        "sidecar": SIDECAR_HELP,
        "variant": "the variant that ships (default: pyinstaller-onefile)",
        "into": "the folder of externalBin, in the project (default: src-tauri/binaries)",
        "python": PYTHON_HELP,
    }
)
@edge
def stage(
    c: Context,
    sidecar: str = HELLO,
    variant: str = "pyinstaller-onefile",
    into: str = "src-tauri/binaries",
    python: str = "",
) -> None:
    """Put a built sidecar where your application's `tauri build` takes it in."""
    from spike.build import buildinfo
    from spike.core.workspace import project
    from spike.host import staging
    from spike.packagers import variant_named
    from spike.project import sidecar as sidecars

    built = buildinfo.find(variant_named(variant), sidecars.load(sidecar, python))
    print(staging.put(built, project() / into))
