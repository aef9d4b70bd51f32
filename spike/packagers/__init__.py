"""The packagers: one file each, which describes a build and never runs anything.

A new packager is one file with a :class:`~spike.packagers.recipe.Packager` in it, its place in
:data:`PACKAGERS`, and one dependency group with its lock. Its Nox session, its colour, its name in
the issue log and in every hint derive from the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spike.core.errors import UsageError
from spike.packagers.cpython import CPYTHON
from spike.packagers.cx_freeze import CX_FREEZE
from spike.packagers.nuitka import NUITKA
from spike.packagers.pyinstaller import PYINSTALLER
from spike.packagers.recipe import Mode, Packager
from spike.project.sidecar import Sidecar

PACKAGERS: Mapping[str, Packager] = {
    packager.name: packager for packager in (NUITKA, PYINSTALLER, CX_FREEZE, CPYTHON)
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A packager in one of its modes."""

    packager: Packager
    mode: Mode

    @property
    def id(self) -> str:
        """``nuitka-onefile``: the variant's name everywhere."""
        return f"{self.packager.name}-{self.mode.name}"

    def folder(self, sidecar: Sidecar) -> Path:
        """Where its finished artifact lies."""
        return sidecar.workspace.artifact_folder(self.packager.name, self.mode.name)


VARIANTS: Mapping[str, Variant] = {
    variant.id: variant
    for packager in PACKAGERS.values()
    for variant in (Variant(packager=packager, mode=mode) for mode in packager.modes)
}
DEFAULT_VARIANTS: tuple[str, ...] = tuple(
    name for name, variant in VARIANTS.items() if variant.mode.default
)
"""The variants that ``invoke spike`` builds."""
DEFAULT_PACKAGERS: tuple[str, ...] = tuple(
    name for name, packager in PACKAGERS.items() if any(mode.default for mode in packager.modes)
)
"""The packagers whose sessions ``invoke spike`` runs."""


def modes_alone(packager: Packager) -> tuple[Mode, ...]:
    """What ``nox -s build_<name>`` builds when no mode is named.

    Its default modes; of a packager without any, which ``invoke spike`` passes over, its first.
    """
    return tuple(mode for mode in packager.modes if mode.default) or packager.modes[:1]


def packager_named(name: str) -> Packager:
    """Look a packager up.

    Raises:
        UsageError: There is none of that name; the message lists those that exist.
    """
    try:
        return PACKAGERS[name]
    except KeyError:
        raise UsageError(
            f"There is no packager {name!r}.", why=f"Known are: {', '.join(PACKAGERS)}."
        ) from None


def mode_named(packager: Packager, name: str) -> Mode:
    """Look a packager's mode up.

    Raises:
        UsageError: The packager has no such mode; the message lists those that it has.
    """
    for mode in packager.modes:
        if mode.name == name:
            return mode
    known = [mode.name for mode in packager.modes]
    raise UsageError(
        f"{packager.name} has no mode {name!r}.",
        why=f"It has: {', '.join(known)}.",
        try_next=f"nox -s build_{packager.name} -- --mode {known[0]}",
    )


def variant_named(name: str) -> Variant:
    """Look a variant up.

    Raises:
        UsageError: There is none of that name; the message lists those that exist.
    """
    try:
        return VARIANTS[name]
    except KeyError:
        raise UsageError(
            f"There is no variant {name!r}.",
            why=f"Known are: {', '.join(VARIANTS)}.",
            try_next="--variant " + next(iter(VARIANTS)),
        ) from None
