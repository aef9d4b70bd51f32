"""Which lines in ``[tool.sidecar]`` make a program equal to its plain script, found by building it.

A build is launched beside the plain script, on its smoke command and its pages; what the script
has used and the program lacks, and what the program's output asks for, becomes keys, all at once.
A second build with them proves it. What remains different is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spike.build import sessions
from spike.completeness import outcome as outcomes
from spike.completeness.outcome import Outcome
from spike.core.errors import BuildFailedError, SidecarError, StorageError
from spike.core.workspace import brought
from spike.packagers import Variant
from spike.project import copies
from spike.project.sidecar import Sidecar

MOST_BUILDS = 3
"""What two builds with more keys have not made equal, a further one does not."""

KEYS = ("data", "hidden_imports", "collect", "metadata")
"""Lists of ``[tool.sidecar]`` that say what ships, in the order in which they are shown."""

Keys = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was found.

    Attributes:
        variant: The variant that was built.
        added: What the lists of ``[tool.sidecar]`` need in addition.
        builds: How many builds it took.
        outcome: Of the last one.
    """

    variant: str
    added: Keys
    builds: int
    outcome: Outcome


def fit(sidecar: Sidecar, variant: Variant) -> Fit:
    """Build, compare and build again until program and script are equal, or nothing helps.

    Args:
        sidecar: What is packaged.
        variant: How.

    Raises:
        SidecarError: The plain script does not come up, so that there is nothing to be equal to.
        BuildFailedError: The packager failed.
    """
    if sidecar.lock is not None and not sidecar.lock.is_file():
        sessions.lock(sidecar)
    added: Keys = {}
    for number in range(1, MOST_BUILDS + 1):
        outcome = _built(sidecar, variant, added)
        if not outcome.plain_ok:
            raise SidecarError(
                f"The plain script of {sidecar.name} does not come up, so that there is nothing "
                "that a program could be equal to.",
                why=outcome.plain_detail,
                try_next=copies.by_hand(sidecar),
            )
        more = wanted(outcome, sidecar.with_more(added))
        grown = merged(added, more)
        if grown == added or number == MOST_BUILDS:
            break
        added = grown
    return Fit(variant=variant.id, added=added, builds=number, outcome=outcome)


def wanted(outcome: Outcome, sidecar: Sidecar) -> Keys:
    """What to add for the next build; empty when nothing is left that could help.

    First what the script has surely used. Only when nothing of that is missing and the program
    still differs, also what may be of use.
    """
    certain = [(gap.key, value) for gap in outcome.gaps if gap.certain for value in gap.values]
    maybe = [(gap.key, value) for gap in outcome.gaps if not gap.certain for value in gap.values]
    sure = _new([*certain, *outcome.findings], sidecar)
    return sure if sure or outcome.equal else _new(maybe, sidecar)


def _new(pairs: Sequence[tuple[str, str]], sidecar: Sidecar) -> Keys:
    """Keys and values that the sidecar does not have yet."""
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        if key in KEYS and value not in getattr(sidecar, key):
            found.setdefault(key, []).append(value)
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def merged(one: Keys, other: Keys) -> Keys:
    """Both, without modules of a package and files of a folder that are taken whole."""
    keys = {
        key: tuple(dict.fromkeys([*one.get(key, ()), *other.get(key, ())]))
        for key in KEYS
        if key in one or key in other
    }
    for key, whole, sep in (("hidden_imports", "collect", "."), ("data", "data", "/")):
        tops = keys.get(whole, ())
        keys[key] = tuple(
            name
            for name in keys.get(key, ())
            if not any(
                f"{name}{sep}".startswith(f"{top}{sep}") and (key, name) != (whole, top)
                for top in tops
            )
        )
    names = keys.get("hidden_imports", ())
    keys["hidden_imports"] = tuple(  # a module brings the packages along that it lies in
        name for name in names if not any(other.startswith(f"{name}.") for other in names)
    )
    return {key: keys[key] for key in KEYS if keys.get(key)}


def lines(sidecar: Sidecar, added: Keys) -> str:
    """The lines for ``[tool.sidecar]``, with what stands there already."""
    grown = sidecar.with_more(added)
    return "\n".join(
        f"{key} = {json.dumps(list(getattr(grown, key)), ensure_ascii=False)}"
        for key in KEYS
        if key in added
    )


def render(sidecar: Sidecar, found: Fit) -> str:
    """What ``invoke fit`` prints in the end."""
    outcome = found.outcome
    builds = "1 build" if found.builds == 1 else f"{found.builds} builds"
    asked = [
        "its smoke command passes" if sidecar.smoke else "",
        f"{outcome.pages} address{'es answer' if outcome.pages > 1 else ' answers'} alike"
        if outcome.pages
        else "",
    ]
    seen = " and ".join(part for part in asked if part) or "both write the same"
    told = []
    if outcome.equal:
        told.append(f"{found.variant} is equal to the plain script after {builds}: {seen}.")
        if outcome.program_detail:
            told.append(f"Its launch is no good one yet: {outcome.program_detail}")
        if not sidecar.smoke and not outcome.pages:
            told.append(
                "Nothing was asked of it after READY. A smoke command, or health with the address "
                f"of a service, would ask: see {brought('docs/your-own-sidecar.md')}."
            )
    else:
        told.append(f"{found.variant} is not equal to the plain script after {builds}.")
        if not outcome.program_ok:
            told.append(outcome.program_detail)
        told += outcome.differences
    if found.added:
        told += [
            "It needs these lines:" if outcome.equal else "Tried, and not enough:",
            "",
            "[tool.sidecar]",
            lines(sidecar, found.added),
        ]
    elif outcome.equal:
        told.append("Nothing has to be added to [tool.sidecar].")
    return "\n".join(told).rstrip()


def write(sidecar: Sidecar, added: Keys) -> Path:
    """Put keys into the sidecar's ``pyproject.toml``; comments and order stay as they are.

    Returns:
        The file.

    Raises:
        StorageError: It cannot be written.
    """
    import tomlkit
    from tomlkit.items import Array

    manifest = sidecar.folder / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
    document = tomlkit.parse(text)
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    table = tool.setdefault("sidecar", tomlkit.table())
    for key, values in added.items():
        existing = table.get(key)
        if not isinstance(existing, Array):
            table[key] = existing = tomlkit.array()
        for value in values:
            if value not in existing:
                existing.append(value)
    try:
        manifest.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{manifest} cannot be written: {error.strerror}.",
            try_next=f"add the lines by hand, or check the rights of {manifest}",
        ) from None
    return manifest


def _built(sidecar: Sidecar, variant: Variant, added: Keys) -> Outcome:
    """Build with more keys, and read what the first launch has shown.

    Raises:
        BuildFailedError: The packager failed; its output has said why.
    """
    place = variant.folder(sidecar)
    (place / outcomes.FILE_NAME).unlink(missing_ok=True)
    sessions.trial(sidecar, variant, added)
    if not (place / outcomes.FILE_NAME).is_file():
        raise BuildFailedError(
            f"{variant.packager.name} did not build; its own message stands above.",
            why="A program that cannot be built cannot be compared.",
            try_next=sidecar.nox_command(variant.packager.name, variant.mode.name),
        )
    return outcomes.read(place)
