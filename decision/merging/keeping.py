"""Where results of other machines are kept: added, replaced and withdrawn, a whole folder each.

A folder is copied beside its place first and takes it by renaming, so that a run that is stopped
leaves the old folder or the new one, and never half of one. What is refused changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from decision.merging import checks
from decision.merging.checks import Candidate, Wanted
from decision.merging.folders import Refusal, find
from decision.platforms import home
from spike.core.errors import SpikeError, StorageError, UsageError
from spike.core.workspace import display_path
from spike.measure import platforms, results
from spike.measure.results import Result
from spike.project.sidecar import Sidecar

ADDED: Final = "added"
REPLACED: Final = "replaced"
UNCHANGED: Final = "unchanged"

_NEW: Final = ".merging"
_OLD: Final = ".replaced"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A folder that was taken.

    Attributes:
        name: The platform.
        what: ``added``, ``replaced`` or ``unchanged``.
        folder: Where its results lie.
        count: How many they are.
        at: When the newest was taken: UTC, ISO 8601.
        note: What else happened, in a sentence; empty for nothing.
    """

    name: str
    what: str
    folder: Path
    count: int
    at: str
    note: str = ""

    def __str__(self) -> str:
        """One line."""
        text = (
            f"{self.name}: {self.what}, {self.count} results of {self.at[:10]} in "
            f"{display_path(self.folder)}"
        )
        return f"{text}; {self.note}" if self.note else text


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What came of folders that were handed over.

    Attributes:
        taken: What was taken.
        refused: What was not, and why.
    """

    taken: tuple[Taken, ...]
    refused: tuple[Refusal, ...]


def merge(given: Sequence[Path], sidecar: Sidecar, output: str = "") -> Merged:
    """Check folders, and keep those that are right beside what is there.

    Args:
        given: Folders of results, or folders that hold such folders.
        sidecar: What the results have to be of.
        output: The sidecar's record; empty for the usual place.

    Raises:
        StorageError: A folder cannot be written; what was there before is unchanged.
    """
    own = home.at_home(sidecar, output)
    own_name = home.name_at_home(own)
    wanted = Wanted(sidecar=own.on(""))
    candidates: dict[str, list[Candidate]] = {}
    refused = []
    taken = []
    folders: dict[Path, None] = {}  # two that were named may hold the same one
    for each in given:
        within = find(each, sidecar)
        if isinstance(within, Refusal):
            refused.append(within)
        else:
            folders |= dict.fromkeys(path.resolve() for path in within)
    for folder in folders:
        read = checks.read(folder, wanted)
        problem = read if isinstance(read, Refusal) else checks.check(read)
        if problem is not None:
            refused.append(problem)
        elif isinstance(read, Candidate):
            name = platforms.name_of(read.found.values())
            candidates.setdefault(name, []).append(read.without_samples())
    for name, same in candidates.items():
        if twice := _twice(same, name):
            refused += twice
            continue
        # The record's own results are where they always were, also when a job measures them.
        candidate = same[0]
        place = (own if name == own_name else own.on(name)).workspace.results
        problem = _against(candidate, name, place)
        if problem is not None:
            refused.append(problem)
        else:
            taken.append(_keep(candidate, name, place))
    return Merged(taken=tuple(taken), refused=tuple(refused))


def withdraw(name: str, sidecar: Sidecar, output: str = "") -> Path:
    """Take the results of a platform out of the record.

    Returns:
        The folder that they were in.

    Raises:
        UsageError: No results of such a name were merged in.
        StorageError: They cannot be removed.
    """
    there = platforms.merged(sidecar)
    if name not in there:
        own = home.at_home(sidecar, output)
        whole = own.workspace.platform_name
        mine = name in (whole, home.name_at_home(own))
        raise UsageError(
            f"{name} is the record's own platform, and was not merged in."
            if mine
            else f"No results of {name!r} were merged in for {sidecar.name}.",
            why=f"Merged in are: {', '.join(there) or 'none'}.",
            try_next=f"invoke merge --withdraw {there[0]}{sidecar.option}"
            if there
            else f"invoke merge DIR{sidecar.option}, with a folder of results",
        )
    workspace = sidecar.on(name).workspace
    folder = workspace.results
    try:
        if workspace.reports.parent == folder and workspace.reports.is_dir():
            shutil.rmtree(workspace.reports)  # those of another sidecar lie beside its results
        for path in list(_kept_in(folder)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in (folder, folder.parent, folder.parent.parent):
            # The folders of the platform alone, and only when nothing else is in them.
            if platforms.NAME.search(path.as_posix()) and path.is_dir() and not any(path.iterdir()):
                path.rmdir()
    except OSError as error:
        raise _storage(folder, error) from None
    return folder


def _twice(same: Sequence[Candidate], name: str) -> list[Refusal]:
    """Refuse different folders of one platform: nobody said which one stands for it."""
    first, *rest = same
    if all(_equal(other.folder, first.folder) for other in rest):
        return []
    commands = ", or ".join(each.again for each in same)
    return [
        Refusal(
            path=each.folder,
            says=f"is one of {len(same)} folders of {name}",
            why="One machine stands for a platform and Python.",
            try_next=commands,
        )
        for each in same
    ]


def _against(given: Candidate, name: str, place: Path) -> Refusal | None:
    """Why what is there is not replaced: it is newer, or of the real system."""
    if _equal(given.folder, place):
        return None
    kept = _there(place)
    if not kept:
        return None
    wanted = given.wanted.sidecar
    first = f"invoke merge --withdraw {name}{wanted.option}"
    new, old = platforms.newest(given.found.values()), platforms.newest(kept)
    if new.get("emulated") and not old.get("emulated"):
        return given.refused(
            given.folder,
            f"was measured under {new['emulated']}, and {display_path(place)} on the system itself",
            first=first,
        )
    if not (old.get("emulated") and not new.get("emulated")) and str(new.get("at")) < str(
        old.get("at")
    ):
        return given.refused(
            given.folder,
            f"is older than {display_path(place)}: {new.get('at')} and {old.get('at')}",
            first=first,
        )
    return None


def _there(place: Path) -> list[Result]:
    """The results in a place that can be read; a damaged one is to be replaced."""
    found = []
    for path in results.files(place).values():
        try:
            result = results.load_file(path, remedy="")
        except SpikeError:
            continue
        if result is not None:
            found.append(result)
    return found


def _keep(given: Candidate, name: str, place: Path) -> Taken:
    facts = Taken(
        name=name,
        what=UNCHANGED,
        folder=place,
        count=len(given.found),
        at=platforms.date_of(given.found.values()),
    )
    if _equal(given.folder, place):
        return facts
    there = bool(results.files(place))
    note = ""
    try:
        if not platforms.NAME.search(place.as_posix()) and there:
            # Measured here, or the repository's own record: as when it is measured anew.
            aside = results.put_aside(place)
            note = f"what was there is kept in {display_path(aside)}"
        new = place.with_name(f".{place.name}{_NEW}")
        shutil.rmtree(new, ignore_errors=True)
        for path in _kept_in(given.folder):
            copy = new / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, copy, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(path, copy)
        _take_the_place(new, place)
    except OSError as error:
        raise _storage(place, error) from None
    return replace(facts, what=REPLACED if there else ADDED, note=note)


def _take_the_place(new: Path, place: Path) -> None:
    """Put a folder where another one is; what else lies there stays."""
    old = place.with_name(f".{place.name}{_OLD}")
    _settle(old, place)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.replace(old)
    new.replace(place)
    _settle(old, place)


def _settle(old: Path, place: Path) -> None:
    """End what a replacement began, wherever it was stopped."""
    if not old.exists():
        return
    if not place.exists():
        old.replace(place)
        return
    replaced = {path.name for path in _kept_in(old)}
    for path in old.iterdir():
        if path.name not in replaced and not (place / path.name).exists():
            path.replace(place / path.name)
    shutil.rmtree(old)


def _kept_in(folder: Path) -> Iterator[Path]:
    """What is kept of a folder of results: the whole runs, and the checklist's journals."""
    found = results.files(folder)
    yield from found.values()
    if results.CHECKLIST in found and (folder / results.EVIDENCE).is_dir():
        yield folder / results.EVIDENCE


def _equal(one: Path, other: Path) -> bool:
    """Whether the same is kept of two folders, byte for byte."""
    if one == other.resolve():
        return True
    ours, theirs = _files(one), _files(other)
    return ours.keys() == theirs.keys() and all(
        path.read_bytes() == theirs[name].read_bytes() for name, path in ours.items()
    )


def _files(folder: Path) -> Mapping[str, Path]:
    """The files that are kept of a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path
        for kept in _kept_in(folder)
        for path in (kept.rglob("*") if kept.is_dir() else [kept])
        if path.is_file()
    }


def _storage(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{display_path(folder)} cannot be written: {error.strerror or error}.",
        why="What was refused or not yet reached is as before.",
        try_next=f"check the free space and the rights of {folder.parent}, then the same command",
    )
