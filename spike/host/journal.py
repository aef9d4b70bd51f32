"""Read the journal of a self-test, and refuse what is not as its schema says."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from spike.core.errors import SpikeError
from spike.host import sources

SCHEMA = sources.BROUGHT / "journal.schema.json"


def read(path: Path) -> Mapping[str, Any]:
    """The journal in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no JSON.
        SpikeError: It is no journal; the message names the field.
    """
    journal: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    check(journal)
    return journal


def check(journal: object) -> None:
    """Make sure that a document is a journal.

    Raises:
        SpikeError: It is none; the message names the field.
    """
    error = jsonschema.exceptions.best_match(_validator().iter_errors(journal))
    if error is not None:
        field = error.json_path.removeprefix("$").removeprefix(".") or "the whole document"
        raise SpikeError(
            f"The application's journal is not as this version reads it: {field}.",
            why=error.message[:500] + ".",
            try_next="build the host anew, whose journal.rs and journal.schema.json belong "
            "together: invoke verify",
        )


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
