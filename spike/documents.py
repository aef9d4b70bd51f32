"""The files with generated blocks: the decision record and the README, written and checked."""

from __future__ import annotations

from pathlib import Path

from spike import blocks, jsonfile, record
from spike.errors import CorruptFileError
from spike.evidence import Evidence
from spike.sidecar import Sidecar

RECORD_NAME = "decision-record.md"
README_NAME = "README.md"
TEMPLATE = Path(__file__).with_name("record_template.md")


def path_for(sidecar: Sidecar, output: str) -> Path:
    """Where a sidecar's record is written: as asked, else the repository's, else its results."""
    if output:
        return Path(output)
    if sidecar.is_hello:
        return sidecar.workspace.root / RECORD_NAME
    return sidecar.workspace.results / RECORD_NAME


def of(sidecar: Sidecar, output: str) -> list[Path]:
    """Every document with generated blocks: the record, and for our own sidecar the README."""
    paths = [path_for(sidecar, output)]
    if sidecar.is_hello and not output:
        paths.append(sidecar.workspace.root / README_NAME)
    return paths


def write(path: Path, evidence: Evidence) -> bool:
    """Write the record's generated blocks; make the record from the template when there is none.

    Returns:
        Whether the file has changed.

    Raises:
        CorruptFileError: A marker is broken.
        StorageError: The record cannot be written; it is as before.
    """
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    base = old or TEMPLATE.read_text(encoding="utf-8").replace("{sidecar}", evidence.sidecar.name)
    readme = path.name == README_NAME
    new = record.rewrite(
        base, blocks.render_all(evidence, readme=readme), blocks.commands(evidence)
    )
    if new == old:
        return False
    jsonfile.write_text(path, new)
    return True


def check(path: Path, evidence: Evidence) -> list[str]:
    """Say what in the record is not what the evidence says; empty when all is well.

    Raises:
        CorruptFileError: There is no record, or a marker is broken.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CorruptFileError(
            f"{path} cannot be read: {error.strerror}.", try_next="invoke adr"
        ) from None
    return [
        f"{difference.problem}\n{difference.diff}".rstrip()
        for difference in record.differences(
            text, blocks.render_all(evidence, readme=path.name == README_NAME)
        )
    ]
