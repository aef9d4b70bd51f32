"""Result files: raw samples with the provenance that they need to be believed.

One file is one run of one benchmark over all its targets. While a run goes on it is written, at
most a second late, to ``<benchmark>.incomplete.json``; a finished run replaces
``<benchmark>.json``. So an interrupted run keeps what it has and takes nothing away. A run over
chosen variants is kept in ``partial/``: the record is made from whole runs only, whose targets
were measured in the same minutes. Summaries are derived when read, never stored.
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

from spike.core import jsonfile
from spike.core.errors import BusyError, CorruptFileError, StorageError
from spike.measure import provenance, system_state
from spike.project.sidecar import Sidecar

SCHEMA = 2
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
    path: Path | None = field(default=None, compare=False)

    def of(self, target: str) -> list[Mapping[str, Any]]:
        """The samples of one target, in order."""
        return [sample for sample in self.samples if sample["target"] == target]


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
        self._document["samples"].append({"target": target, **sample})
        if time.monotonic() - self._saved > max(_SAVE_EVERY_S, self._save_cost_s / _SAVE_SHARE):
            self._save()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep what was taken; a run that ended by itself becomes the result."""
        if isinstance(error, StorageError):
            return
        self._document["complete"] = kind is None
        self._save()
        if kind is None:
            self.incomplete_path.replace(self.path)

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
        jsonfile.write(self.incomplete_path, self._document)
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


def _file_name(names: str) -> str:
    """Names that fit into a file name; many of them are cut, and told apart by a checksum."""
    if len(names) <= 100:
        return names or "baselines"
    return f"{names[:80]}-{hashlib.sha256(names.encode()).hexdigest()[:12]}"


def partial_path(benchmark: str, sidecar: Sidecar, variants: Sequence[str]) -> Path:
    """Where a run over chosen variants is kept."""
    name = f"{benchmark}-{_file_name('+'.join(variants))}.json"
    return sidecar.workspace.results / "partial" / name


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

    Raises:
        CorruptFileError: The file is damaged or of another schema.
    """
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
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    "Another task is measuring in this checkout.",
                    why="Two at once would measure each other.",
                    try_next="wait for it to end",
                ) from None
        yield
    finally:
        os.close(handle)
