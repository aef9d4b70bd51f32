"""Windows as the tests have it: what Wine, a Python for it and a shell in it take."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from spike.build import doctor
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL
from spike.wine import commands, prefix, proof, rust
from spike.wine.prefix import Wine, windows_path
from tests.support.workflow_lines import Shell

SHELL = ("brush-shell", "0.4.0")
"""A Bourne-again shell that compiles for Windows: a runner there has bash, Wine has no shell."""


def everything(place: Wine) -> None:
    """Skip, and say what is missing, where the pieces cannot be had."""
    if lacking := doctor.missing(doctor.examine((*prefix.NEEDS, *rust.needs(proof.folder())))):
        names = ", ".join(item.need.name for item in lacking)
        pytest.skip(f"there is no {names}: invoke doctor --windows --with-deps")
    try:
        place.archive()
    except SpikeError as error:
        pytest.skip(str(error))


def shell(place: Wine, project: Path, *, packager: str) -> Shell:
    """What runs a workflow's lines under Wine: bash's words, and the commands of a checkout.

    Nox makes environments by programs that Wine's Python lacks: ``without_nox`` stands for it.

    Args:
        place: A started Wine.
        project: The folder of the project.
        packager: What is built with.
    """
    program = place.folder / "shell" / "bin" / "brush.exe"
    if not program.is_file():
        name, version = SHELL
        found = rust.find(place.folder, place.log)
        words = ("--locked", "--quiet", "--version", version, "--root", str(program.parents[1]))
        made = subprocess.run(
            found.cargo("install", *words, name), env={**os.environ, **found.env}, check=False
        )
        if made.returncode != 0:
            pytest.skip(f"{name} {version} does not compile for Windows here")
    locks = TOOL / "locks"
    left_out = (*prefix.NOT_UNDER_WINE, *prefix.NOT_NEEDED)
    tools = place.with_locks("tools", locks / "tools.txt", without=left_out)
    builds = place.with_locks(packager, locks / f"{packager}.txt")
    bin_ = place.folder / "commands"
    shutil.rmtree(bin_, ignore_errors=True)
    bin_.mkdir()
    packages = next(builds.parent.glob("[Ll]ib")) / "site-packages"
    target = "tests.support.without_nox:main"
    commands.write_launcher(bin_ / "nox.exe", packages, windows_path(builds), target)
    return Shell(
        argv=("wine", str(program), "--noprofile", "--norc"),
        system="Windows",
        env=lambda more: place.of_tool(
            project, *more, windows_path(bin_), windows_path(tools.parent)
        ),
        shown=windows_path,
    )
