"""Result files: raw samples with the provenance that they need to be believed.

One file is one run of one benchmark over all its targets. While a run goes on it is written, at
most a second late, to ``<benchmark>.incomplete.json``; a finished run replaces
``<benchmark>.json``. So an interrupted run keeps what it has and takes nothing away. A run over
chosen variants is kept in ``partial/``: the record is made from whole runs only, whose targets
were measured in the same minutes. What cannot stand beside a new result, since another checkout or
machine took it, is kept in ``elsewhere/``. Summaries are derived when read, never stored.

A file has one sample a line, without spaces: it can be searched and compared line by line, and is
JSON for every other program. One that would be larger than :data:`PLAIN_BYTES` is compressed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spike.core import filelock, jsonfile
from spike.core.errors import BusyError, CorruptFileError, StorageError
from spike.core.workspace import display_path
from spike.measure import emulated, provenance, seal, system_state
from spike.project.sidecar import Sidecar

SCHEMA = 2
PLAIN_BYTES = 8_000
"""A larger file is kept as ``.json.gz``: nobody reads thousands of launches line by line, and each
new run of them would add its whole size to the repository."""

CHECKLIST = "checklist"
EVIDENCE = "evidence"
"""Folder of the checklist's journals, beside its result."""

ELSEWHERE = "elsewhere"
"""Folder of results that were moved out of the way, beside those that took their place."""

_SAVE_EVERY_S = 1.0
_SAVE_SHARE = 0.02
"""At most this share of a run goes into writing: ten thousand launches make a large file."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one benchmark.

    Attributes:
        benchmark: Its name, such as ``reliability``.
        sidecar: Name of what was measured.
        sidecar_version: Its version.
        complete: False for an interrupted run.
        provenance: See :mod:`spike.measure.provenance`.
            Its ``system_state`` is from :mod:`spike.measure.system_state`.
        settings: The run's settings, its random seed included.
        targets: By id (a variant or a baseline): what it was, ``sha256`` included.
        samples: Raw samples in the order in which they were taken; each has ``target``.
        elapsed_s: Seconds that the run took.
        seal: What the file says of itself (:mod:`spike.measure.seal`); empty for an unfinished
            run, and for one of a version that did not seal them.
        path: The file; not stored in it.
    """

    benchmark: str
    sidecar: str
    sidecar_version: str
    complete: bool
    provenance: Mapping[str, Any]
    settings: Mapping[str, Any]
    targets: Mapping[str, Mapping[str, Any]]
    samples: Sequence[Mapping[str, Any]]
    elapsed_s: float
    seal: Mapping[str, Any] = field(default_factory=dict, compare=False)
    path: Path | None = field(default=None, compare=False)

    def of(self, target: str) -> list[Mapping[str, Any]]:
        """The samples of one target, in order."""
        return [sample for sample in self.samples if sample["target"] == target]

    @property
    def seal_problem(self) -> str:
        """What is not as it was written, as the end of a sentence; empty for nothing."""
        return seal.problem(_facts(vars(self)), self.samples, self.seal)


class Recorder:
    """Writes a run as it goes on. A context manager: whatever happens, what was taken is kept."""

    def __init__(
        self,
        benchmark: str,
        sidecar: Sidecar,
        *,
        targets: Mapping[str, Mapping[str, Any]],
        settings: Mapping[str, Any],
        provenance: Mapping[str, Any],
        partial: bool = False,
    ) -> None:
        self._document: dict[str, Any] = {
            "schema": SCHEMA,
            "benchmark": benchmark,
            "sidecar": sidecar.name,
            "sidecar_version": sidecar.version,
            "complete": False,
            "provenance": dict(provenance),
            "settings": dict(settings),
            "elapsed_s": 0.0,
            "targets": dict(targets),
            "samples": [],
        }
        self._partial = partial
        folder = sidecar.workspace.results
        if partial:
            variants = [name for name, facts in targets.items() if facts["kind"] == "variant"]
            self.path = partial_path(benchmark, sidecar, variants)
        else:
            self.path = folder / f"{benchmark}.json"
        self.incomplete_path = self.path.with_suffix(".incomplete.json")
        self._started = time.monotonic()
        self._saved = 0.0
        self._save_cost_s = 0.0
        self._before = system_state.snapshot()

    def __enter__(self) -> Self:
        """Start the run; fails before anything is measured when nothing can be written."""
        self._save()
        return self

    def add(self, target: str, sample: Mapping[str, Any]) -> None:
        """Keep one sample.

        Raises:
            StorageError: It cannot be written; what was written before is still there.
        """
        if self._document["provenance"].get("emulated"):
            sample = emulated.without_figures(sample)
        self._document["samples"].append({"target": target, **sample})
        if time.monotonic() - self._saved > max(_SAVE_EVERY_S, self._save_cost_s / _SAVE_SHARE):
            self._save()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep what was taken; a run that ended by itself becomes the result.

        Raises:
            StorageError: It cannot be written, or what it takes the place of cannot be moved.
        """
        if isinstance(error, StorageError):
            return
        self._document["complete"] = kind is None
        self._save()
        if kind is None:
            if not self._partial:
                for line in set_aside(self.path.parent, self._document["provenance"]):
                    print(line, file=sys.stderr)  # noqa: T201 - what a run does is said as it is done
            self.path = keep(self.path, _text(self._document))
            self.incomplete_path.unlink()

    def result(self) -> Result:
        """The run as it stands."""
        document = {key: value for key, value in self._document.items() if key != "schema"}
        return Result(**document, path=self.path)

    def _save(self) -> None:
        began = time.monotonic()
        self._document["elapsed_s"] = round(began - self._started, 3)
        self._document["provenance"]["system_state"] = system_state.between(
            self._before, system_state.snapshot()
        ).as_json()
        if self._document["complete"]:
            self._document["seal"] = seal.of(_facts(self._document), self._document["samples"])
        jsonfile.write_text(self.incomplete_path, _text(self._document))
        self._saved = time.monotonic()
        self._save_cost_s = self._saved - began


@contextlib.contextmanager
def recording(
    benchmark: str,
    sidecar: Sidecar,
    *,
    targets: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    partial: bool = False,
) -> Iterator[Recorder]:
    """Measure alone in this checkout and keep every sample, with the circumstances of the run.

    Args:
        benchmark: Its name, which is also its file's.
        sidecar: What is measured.
        targets: By id, what it is; see :class:`Result`.
        settings: The run's settings.
        partial: Whether this is a choice of variants, which never gets into the record.

    Raises:
        BusyError: Another task is measuring here.
        StorageError: The result cannot be written.
    """
    with (
        exclusive(sidecar),
        Recorder(
            benchmark,
            sidecar,
            targets=targets,
            settings=settings,
            provenance=provenance.collect(),
            partial=partial,
        ) as recorder,
    ):
        yield recorder


_SEALED = (
    *("schema", "benchmark", "sidecar", "sidecar_version", "complete", "provenance", "settings"),
    *("elapsed_s", "targets"),
)
"""What a run's seal is over, beside its samples; in this order."""


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    found = {"schema": SCHEMA, **document}
    return {name: found[name] for name in _SEALED}


def _text(document: Mapping[str, Any]) -> str:
    """The content of a result file: the facts of the run, a line for each sample, the seal."""
    facts = jsonfile.dumps(_facts(document))
    samples = ",\n".join(jsonfile.dumps(sample) for sample in document["samples"])
    end = f',"seal":{jsonfile.dumps(document["seal"])}' if "seal" in document else ""
    return f'{facts[:-1]},"samples":[\n{samples}\n]{end}}}\n'


def keep(path: Path, text: str) -> Path:
    """Write a whole run to its file, compressed when it is large.

    Args:
        path: The file, ending with ``.json``.
        text: Its content.

    Returns:
        The file that was written: ``path``, or the same with ``.gz``. The other one is gone.

    Raises:
        StorageError: It cannot be written; what was there before is unchanged.
    """
    packed = _packed(path)
    written, other = (path, packed) if len(text) <= PLAIN_BYTES else (packed, path)
    jsonfile.write_text(written, text)
    other.unlink(missing_ok=True)
    return written


def kept(path: Path) -> Path:
    """Where :func:`keep` has put a file: there, or compressed."""
    return path if path.exists() or path.suffix != ".json" else _packed(path)


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _file_name(names: str) -> str:
    """Names that fit into a file name; many of them are cut, and told apart by a checksum."""
    if len(names) <= 100:
        return names or "baselines"
    return f"{names[:80]}-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def partial_path(benchmark: str, sidecar: Sidecar, variants: Sequence[str]) -> Path:
    """Where a run over chosen variants is kept."""
    name = f"{benchmark}-{_file_name('+'.join(variants))}.json"
    return sidecar.workspace.results / "partial" / name


def files(folder: Path) -> dict[str, Path]:
    """The whole runs in a folder of results, by the benchmark's name."""
    found: dict[str, Path] = {}
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")]):
        if not path.name.endswith(".incomplete.json"):
            found.setdefault(path.name.partition(".")[0], path)
    return found


def set_aside(folder: Path, own: Mapping[str, Any]) -> list[str]:
    """Move results that may not stand beside one of this machine and checkout to ``elsewhere/``.

    A fresh clone has the results of the machine that wrote its record. Nothing is lost: a file
    that is there already gets a neighbour.

    Args:
        folder: Results of one sidecar.
        own: Provenance of a result of this machine and checkout.

    Returns:
        What was done and why, in lines.

    Raises:
        StorageError: A file cannot be moved.
    """
    moved: dict[str, list[str]] = {}
    for name, path in files(folder).items():
        try:
            result = load_file(path, remedy="the benchmark again")
        except CorruptFileError:
            continue  # who reads it says so
        difference = provenance.difference(result.provenance, own) if result else ""
        if not difference:
            continue
        _move_aside(path)
        if name == CHECKLIST:
            _move_aside(folder / EVIDENCE)
        moved.setdefault(difference, []).append(name)
    return [
        f"kept in {display_path(folder / ELSEWHERE)}, since {difference}: {', '.join(names)}"
        for difference, names in moved.items()
    ]


def put_aside(folder: Path) -> Path:
    """Move every whole run of a folder to ``elsewhere/``, the checklist's journals included.

    Returns:
        The folder that they are in now.

    Raises:
        StorageError: A file cannot be moved.
    """
    for path in files(folder).values():
        _move_aside(path)
    if (folder / EVIDENCE).exists():
        _move_aside(folder / EVIDENCE)
    return folder / ELSEWHERE


def _move_aside(path: Path) -> None:
    """Move a file or folder to ``elsewhere/``, beside what is there."""
    name, dot, suffix = path.name.partition(".")
    place = path.parent / ELSEWHERE / path.name
    number = 1
    while place.exists():
        number += 1
        place = place.with_name(f"{name}-{number}{dot}{suffix}")
    try:
        place.parent.mkdir(exist_ok=True)
        if path.exists():
            path.replace(place)
    except OSError as error:
        raise StorageError(
            f"{display_path(path)} cannot be moved: {error.strerror}.",
            try_next=f"check the rights of {display_path(place.parent)}",
        ) from None


def load(benchmark: str, sidecar: Sidecar, *, remedy: str) -> Result | None:
    """The last whole run of a benchmark; None when it was not run.

    Args:
        benchmark: Its name.
        sidecar: What it measured.
        remedy: The command that makes the file anew.

    Raises:
        CorruptFileError: The file is damaged or of another schema.
    """
    return load_file(sidecar.workspace.results / f"{benchmark}.json", remedy=remedy)


def load_file(path: Path, *, remedy: str) -> Result | None:
    """Read one result file; None when it does not exist.

    Args:
        path: The file; one that was compressed is found by its plain name too.
        remedy: The command that makes it anew.

    Raises:
        CorruptFileError: The file is damaged or of another schema.
    """
    path = kept(path)
    try:
        document = jsonfile.read(path, schema=SCHEMA, remedy=remedy)
    except FileNotFoundError:
        return None
    del document["schema"]
    try:
        result = Result(**document, path=path)
        if not all(sample["target"] in result.targets for sample in result.samples):
            raise TypeError("a sample of an unknown target")
    except (TypeError, KeyError) as error:
        raise CorruptFileError(
            f"{path} is damaged: {error}.", try_next=f"delete it and run {remedy}"
        ) from None
    return result


def load_unbroken(path: Path, *, remedy: str) -> Result | None:
    """A whole run whose seal holds, without its samples; None for any other file.

    Args:
        path: The file.
        remedy: The command that makes it anew.

    Raises:
        CorruptFileError: The file cannot be read as text.
        FileNotFoundError: There is none.
    """
    found = seal.unbroken(jsonfile.text(path, remedy=remedy))
    if found is None or found[0].get("schema") != SCHEMA:
        return None
    facts, sealed = found
    del facts["schema"]
    try:
        return Result(**facts, samples=(), seal=sealed, path=path)
    except TypeError:
        return None


@contextlib.contextmanager
def exclusive(sidecar: Sidecar) -> Iterator[None]:
    """Measure alone in this checkout; the system releases the lock of a killed run.

    Raises:
        BusyError: Another task is measuring here.
        StorageError: The lock file cannot be written.
    """
    path = sidecar.workspace.root / "build" / "measuring.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}.",
            try_next=f"check the rights of {path.parent}",
        ) from None
    try:
        try:
            filelock.lock(handle)
        except BlockingIOError:
            raise BusyError(
                "Another task is measuring in this checkout.",
                why="Two at once would measure each other.",
                try_next="wait for it to end",
            ) from None
        yield
    finally:
        os.close(handle)
