"""The contract in three places is one: the document, the rows that are tried, the helper."""

from __future__ import annotations

import ast
import json
import re

from spike.contract.promises import PROMISES, VERSION, Report, Row, Verdict, broken, kept, not_asked
from spike.core.workspace import TOOL as ROOT

TEXT = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
HELPER = ROOT / "examples" / "contract" / "python" / "sidecar_contract.py"


def test_the_document_has_the_rows_that_are_tried() -> None:
    """Word for word, in their order, under their version."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", TEXT, re.MULTILINE)
    assert rows == [(row.value, text) for row, text in PROMISES.items()]
    assert set(PROMISES) == set(Row)
    assert f"\nVersion {VERSION}. " in TEXT


def test_the_document_is_one_page() -> None:
    """Who writes a sidecar reads it."""
    assert len(TEXT.splitlines()) <= 100


def test_the_helper_is_one_short_file_of_the_standard_library() -> None:
    """At most 80 lines, in the syntax of Python 3.9, of this version of the contract."""
    text = HELPER.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported == {"_thread", "hmac", "os", "signal", "sys", "threading"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert f"contract, version {VERSION}:" in text
    for path in (HELPER.parents[1] / "node" / "main.mjs", HELPER.parents[1] / "go" / "main.go"):
        assert f"contract, version {VERSION}:" in path.read_text(encoding="utf-8")


def test_a_report_is_kept_when_no_row_is_broken() -> None:
    """A row that does not apply is none; as JSON it says the same."""
    good = (kept(Row.READY, "came"), not_asked(Row.TOKEN, "no port"))
    report = Report(command=("./a", "b c"), language="Go", findings=good)
    assert report.kept
    assert not Report(command=(), language="", findings=(*good, broken(Row.KILLED, "x"))).kept
    assert [each.row for each in report.of(Verdict.NOT_ASKED)] == [Row.TOKEN]
    document = json.loads(json.dumps(report.as_json()))
    assert document["command"] == ["./a", "b c"]
    assert document["kept"] is True
    assert document["rows"][1] == {
        "row": "token",
        "promise": PROMISES[Row.TOKEN],
        "verdict": "not asked",
        "detail": "no port",
        "lines": [],
    }
