"""The files with generated blocks: the decision record and the README, written and checked."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from decision import criteria
from decision.evidence import Evidence
from decision.record import chosen_option, generated, pictures, sections
from spike.core import jsonfile
from spike.core.errors import CorruptFileError
from spike.project.sidecar import Sidecar

README_NAME = "README.md"
_LINK = re.compile(r"\]\(([^()\s#:]+)\)")
"""A link of Markdown to a file, not to a web page or to a heading."""

TEMPLATE = Path(__file__).with_name("template.md")


def path_for(sidecar: Sidecar, output: str) -> Path:
    """Where a sidecar's record is written: as asked, else the repository's, else its results."""
    return Path(output) if output else sidecar.workspace.record


def of(sidecar: Sidecar, output: str) -> list[Path]:
    """Every document with generated blocks: the record, and for our own sidecar the README."""
    paths = [path_for(sidecar, output)]
    if sidecar.is_hello and not output:
        paths.append(sidecar.workspace.root / README_NAME)
    return paths


def write(path: Path, evidence: Evidence) -> bool:
    """Write the record's generated blocks; make the record from the template when there is none.

    The pictures that it shows are drawn too, where their results have changed.

    Returns:
        Whether the file or a picture has changed.

    Raises:
        CorruptFileError: A marker is broken.
        StorageError: The record cannot be written; it is as before.
    """
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    base = old or TEMPLATE.read_text(encoding="utf-8").replace("{sidecar}", evidence.sidecar.name)
    readme = path.name == README_NAME
    evidence = _with_outcome(evidence, path, base)
    new = generated.rewrite(base, _rendered(evidence, path), sections.commands(evidence))
    drawn = [] if readme else pictures.write(evidence)
    if new == old:
        return bool(drawn)
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
    evidence = _with_outcome(evidence, path, text)
    readme = path.name == README_NAME
    complaints = [
        f"{difference.problem}\n{difference.diff}".rstrip()
        for difference in generated.differences(text, _rendered(evidence, path))
    ]
    if not readme:
        complaints += pictures.stale(evidence)
        complaints += criteria.outcome_problems(evidence)
        if evidence.outcome and not chosen_option.reason_in(text):
            complaints.append("the outcome names no reason; write “because …” behind the option")
    return complaints


def _rendered(evidence: Evidence, path: Path) -> dict[str, str]:
    """The blocks of a document, with links that work from where it lies."""
    root = evidence.sidecar.workspace.root
    rendered = sections.render_all(evidence, readme=path.name == README_NAME)
    return {name: rebased(text, root, path.absolute().parent) for name, text in rendered.items()}


def rebased(text: str, root: Path, folder: Path) -> str:
    """``text`` with its links, which are relative to ``root``, made relative to ``folder``."""
    if folder == root:
        return text
    return _LINK.sub(
        lambda match: (
            f"]({Path(os.path.relpath(root / match[1], folder)).as_posix()})"
            if (root / match[1]).exists()
            else match[0]
        ),
        text,
    )


def _with_outcome(evidence: Evidence, path: Path, text: str) -> Evidence:
    """The evidence as this document sees it: a record elsewhere has an outcome of its own."""
    if path.name == README_NAME:
        return evidence
    return replace(evidence, outcome=chosen_option.option_in(text))
