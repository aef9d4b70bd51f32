"""The page: what stands on it, and that a stranger adds a section in the places named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from decision.record import documents, page, reports
from decision.record.page import Section
from spike.core import workspace
from tests.support.evidence import checklist, evidence, reliability, result

PLAN = ("nuitka-onefile", "pyinstaller-onefile")
KNOWN = replace(
    evidence(reliability(*((name, 20, 0) for name in PLAN)), checklist(PLAN[0])), hello={}
)


def test_a_section_needs_a_function_a_line_and_its_markers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three places of CONTRIBUTING.md."""
    monkeypatch.setenv(workspace.PROJECT_VARIABLE, str(tmp_path))
    record = tmp_path / "decision-record.md"
    documents.of(KNOWN, output=str(record)).write()
    toy = Section(name="toy", render=lambda facts: f"{len(facts.answer.standings)} toys")
    monkeypatch.setattr(page, "RECORD", (*page.RECORD, toy))
    found = documents.of(KNOWN, output=str(record))
    assert any("the generated block 'toy' is missing" in text for text in found.check())
    markers = "<!-- begin generated: toy | made by: x | sha256:  -->\n<!-- end generated: toy -->\n"
    record.write_text(record.read_text(encoding="utf-8") + markers, encoding="utf-8")
    monkeypatch.setattr(documents, "TEMPLATE", tmp_path / "template.md")
    found.write()
    assert "2 toys" in record.read_text(encoding="utf-8")
    assert not [text for text in found.check() if "'toy'" in text]


def test_what_is_not_known_is_said_with_the_command() -> None:
    """Never empty, never invented."""
    nothing = reports.known(replace(evidence(), hello={}))
    for section in page.RECORD:
        if section.name != "links":
            assert section.text(nothing).strip(), section.name
    assert "Not decided: " in page.answered(nothing)
    assert Section(name="toy", render=lambda _: "").text(nothing) == (
        "Not run: `invoke spike` makes this section.\n"
    )


def test_four_rows_are_what_ships_the_plans_two_and_a_folder_or_the_fallback() -> None:
    """A role is added to a row that is there; a fifth row is not made."""
    facts = reports.known(KNOWN)
    text = page.side_by_side(facts)
    assert "| nuitka-onefile | ships, the plan's |" in text
    assert "| pyinstaller-onefile | the plan's, fallback |" in text
    assert text.count("0 of 20 (at most 16.8 %)") == 2
    assert "not run" in text


def test_the_tools_fault_cases_stand_with_whose_they_are() -> None:
    """A fresh clone has measured its own launches, and not yet its own fault cases."""
    cases = [
        {"target": PLAN[0], "case": "recursion", "status": status, "elapsed_s": 1.0}
        for status in ("pass", "fail")
    ]
    facts = reports.known(replace(KNOWN, hello={"faults": result("faults", cases, PLAN[0])}))
    assert "| 1 of 1 (the tool's own) |" in page.side_by_side(facts)
    assert "1 of 1 cases fail" in page.price(facts)
    assert "(the tool's own run)" in page.price(facts)


def test_each_verdict_leads_to_its_evidence() -> None:
    """Ten rows, and the contingency steps in a line."""
    facts = reports.known(KNOWN)
    text = page.verdicts(facts)
    for row in page.EVIDENCE_OF:
        assert f"| {row} | " in text
    assert "[reliability](benchmarks/report/" in text
    assert "K1 not run" in text


def test_a_price_is_cut_at_a_sentence() -> None:
    """At least one sentence stays, and what was left out shows."""
    assert page.shortened("One. Two. Three.", 100) == "One. Two. Three."
    assert page.shortened("One. Two. Three.", 8) == "One. Two. …"
    assert page.shortened("A long first sentence. Two.", 3) == "A long first sentence. …"
