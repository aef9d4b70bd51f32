"""Size: what each variant puts on a disk, counted from the files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.subjects import Subject
from spike import provenance, results
from spike.tables import megabytes, table

NAME = "size"
_OURS = {"build.json", "build.log"}


def measure(subject: Subject) -> dict[str, Any]:
    """Count one subject's files.

    Returns:
        ``artifact_bytes`` of the program itself, ``shipped_bytes`` and ``shipped_files`` of
        everything that has to ship with it.
    """
    built = subject.built
    if built is None or built.folder is None:
        return {
            "artifact_bytes": subject.size_bytes,
            "shipped_bytes": subject.size_bytes,
            "shipped_files": 1,
        }
    files = [
        path
        for path in built.folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name not in _OURS
    ]
    return {
        "artifact_bytes": built.artifact.stat().st_size,
        "shipped_bytes": sum(path.stat().st_size for path in files),
        "shipped_files": len(files),
    }


def run(subjects: Sequence[Subject], *, partial: bool = False) -> results.Result:
    """Measure every subject.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    sidecar = subjects[0].sidecar
    with (
        results.exclusive(sidecar),
        results.Recorder(
            NAME,
            sidecar,
            subjects={subject.id: subject.as_json() for subject in subjects},
            settings={},
            provenance=provenance.collect(),
            partial=partial,
        ) as recorder,
    ):
        for subject in subjects:
            recorder.add(subject.id, measure(subject))
    return recorder.result()


def render(result: results.Result) -> str:
    """The size table."""
    return table(
        ["variant", "program", "ships in all", "files"],
        [
            [
                sample["subject"],
                megabytes(sample["artifact_bytes"]),
                megabytes(sample["shipped_bytes"]),
                str(sample["shipped_files"]),
            ]
            for sample in result.samples
        ],
        numeric=1,
    )
