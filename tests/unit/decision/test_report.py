"""The report is a contract with other programs: a versioned document with a published schema."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import jsonschema
import pytest

from decision import evidence, report
from spike.core.workspace import TOOL as ROOT
from spike.project import sidecar

SCHEMA = json.loads((ROOT / "decision" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The report of the results that are in the repository."""
    text = json.dumps(report.as_json(evidence.gather(sidecar.load())))
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_committed_results_fit_the_schema(document: dict[str, Any]) -> None:
    """What `invoke report --format json` prints is what the schema says."""
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_the_schema_refuses_what_is_not_a_report(document: dict[str, Any]) -> None:
    """The schema is not one that everything fits."""
    for change in ({"schema": 1}, {"extra": 1}, {"checklist": [{"row": "Z9"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **change}, SCHEMA)


def test_raw_samples_reach_the_report(document: dict[str, Any]) -> None:
    """Other programs get every launch, not our summary of it."""
    reliability = document["benchmarks"]["reliability"]
    assert len(reliability["samples"]) >= 20 * 5
    assert all(sample["ready_ms"] > 0 for sample in reliability["samples"])


def test_nothing_published_names_a_person_or_a_machine() -> None:
    """Committed results and record carry no home folder, no user and no host name."""
    import getpass
    import socket

    kept = sorted(ROOT.glob("benchmarks/results/**/*.json*"))
    assert {path.suffix for path in kept} == {".json", ".gz"}
    for path in [*kept, ROOT / "decision-record.md"]:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        # Absolute paths: a scratch folder may have a home/ of its own.
        assert not re.search(r"(?<![\w.>-])/(home|Users)/", text), path
        assert f'"{socket.gethostname()}"' not in text, path
        assert f"/{getpass.getuser()}/" not in text, path
