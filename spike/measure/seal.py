"""What a result says of itself, so that one that was changed on its way is known for it.

A result travels: from the machine that took it, by way of a CI's artifact, into the repository of
who decides. So a whole run ends with its seal: for each target how many samples it has, how many of
them failed, its median READY, and a checksum of the samples as they were written; and one checksum
of the facts of the run. All of it follows from the rest of the file. The journals of the checklist
have theirs in a file of their own, since they are files beside the result.

It is against slips, half-copied files and edits by hand, not against forgers: whoever can write a
result can seal it.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from spike.core import jsonfile
from spike.core.errors import CorruptFileError

FOLDER_SEAL: Final = "seal.json"
"""In a folder of files that are sealed together."""

_SCHEMA: Final = 1
_DIGITS: Final = 32


def of(facts: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The seal of a run.

    Args:
        facts: Everything that the file says beside the samples, ``targets`` included.
        samples: The samples, each with its ``target``.
    """
    by_target: dict[str, list[Mapping[str, Any]]] = {name: [] for name in facts["targets"]}
    for sample in samples:
        by_target[sample["target"]].append(sample)
    return _closed(
        {
            "facts": _checksum(facts),
            "targets": {name: _summary(taken) for name, taken in by_target.items()},
        }
    )


def problem(
    facts: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], sealed: Mapping[str, Any]
) -> str:
    """Say what of a run is not as it was sealed, as the end of a sentence; empty for nothing.

    Args:
        facts: As for :func:`of`.
        samples: Likewise.
        sealed: The seal that the file has; empty when it has none.
    """
    if not sealed:
        return "has no seal: it was written by an earlier version of this tool"
    right = of(facts, samples)
    if sealed == right:
        return ""
    if sealed.get("facts") != right["facts"]:
        return "was changed after it was written: what it says of machine, settings or targets"
    kept = sealed.get("targets")
    for name, summary in right["targets"].items():
        told = kept.get(name) if isinstance(kept, Mapping) else None
        if told == summary:
            continue
        for figure in ("samples", "failed", "ready_ms"):
            if isinstance(told, Mapping) and told.get(figure) != summary[figure]:
                return (
                    f"was changed after it was written: the samples of {name} give {figure} "
                    f"{summary[figure]}, and its summary says {told.get(figure)}"
                )
        return f"was changed after it was written: the samples of {name} are not its own"
    return "was changed after it was written: its seal is not its own"


def unbroken(text: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Facts and seal of a result file whose seal holds, from its text alone.

    Thousands of samples are compared as they stand there, and none of them is parsed.

    Args:
        text: The file's text, as :mod:`spike.measure.results` writes it.

    Returns:
        What the file says beside samples and seal, and the seal; None when the seal does not hold,
        when there is none, or when another program has written the file.
    """
    head, begin, rest = text.partition(',"samples":[\n')
    body, middle, tail = rest.rpartition('\n],"seal":')
    if not begin or not middle:
        return None
    try:
        facts, sealed = json.loads(head + "}"), json.loads(tail.removesuffix("}\n"))
        lines: dict[str, list[str]] = {name: [] for name in facts["targets"]}
        for line in body.split(",\n") if body else []:
            brace, key, colon, name, _ = line.split('"', 4)
            if (brace, key, colon) != ("{", "target", ":"):
                return None
            lines[name].append(line)
        holds = (
            sealed == _closed({key: sealed[key] for key in ("facts", "targets")})
            and sealed["facts"] == _digest(head + "}")
            and {name: told["sha256"] for name, told in sealed["targets"].items()}
            == {name: _digest(f"[{','.join(taken)}]") for name, taken in lines.items()}
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return (facts, sealed) if holds else None


def _closed(sealed: dict[str, Any]) -> dict[str, Any]:
    """The seal with a checksum of its own figures."""
    return {**sealed, "sha256": _checksum(sealed)}


def _summary(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ready = [
        float(sample["ready_ms"])
        for sample in samples
        if isinstance(sample.get("ready_ms"), int | float)
    ]
    return {
        "samples": len(samples),
        "failed": sum(
            sample.get("failure") is not None or sample.get("status") == "fail"
            for sample in samples
        ),
        "ready_ms": round(statistics.median(ready), 3) if ready else None,
        "sha256": _checksum(samples),
    }


def _checksum(document: object) -> str:
    # In the order of the file, which JSON keeps: written and read are the same text.
    return _digest(jsonfile.dumps(document))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def seal_folder(folder: Path) -> None:
    """Seal every file below a folder.

    Raises:
        StorageError: The seal cannot be written.
    """
    document = {"schema": _SCHEMA, "files": _files(folder)}
    jsonfile.write(folder / FOLDER_SEAL, document, compact=True)


def folder_problem(folder: Path, *, remedy: str) -> tuple[Path, str] | None:
    """Say which file of a sealed folder is not as it was; None when all are.

    Args:
        folder: The folder.
        remedy: The command that makes it anew.

    Returns:
        The file, and what is wrong with it as the end of a sentence.
    """
    place = folder / FOLDER_SEAL
    try:
        sealed = jsonfile.read(place, schema=_SCHEMA, remedy=remedy).get("files")
    except FileNotFoundError:
        return folder, "has no seal: it was written by an earlier version of this tool"
    except CorruptFileError:
        return place, "is damaged"
    if not isinstance(sealed, Mapping):
        return place, "is damaged"
    there = _files(folder)
    for name in [*sealed, *there]:
        if name not in there:
            return folder / name, "is missing"
        if name not in sealed:
            return folder / name, "was put there by hand"
        if sealed[name] != there[name]:
            return folder / name, "was changed after it was written"
    return None


def _files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / FOLDER_SEAL
    }
