"""When an application counts as proved, and what a report says."""

from __future__ import annotations

from spike.installed import render
from spike.installed.rows import PROMISES, Finding, Report, Row, Verdict


def report(**verdicts: Verdict) -> Report:
    findings = tuple(
        Finding(row=Row(name), verdict=verdict, detail="d", left=("process: x",) * 20)
        for name, verdict in verdicts.items()
    )
    return Report(
        package="a.deb",
        name="a",
        version="1",
        next_version="2",
        next_made=True,
        root="overlayfs as root",
        main="usr/bin/a",
        sidecars=("usr/bin/s",),
        data_folders=("~/.config/a",),
        findings=findings,
    )


def test_every_row_has_its_promise() -> None:
    """A row without one would be a word in a table."""
    assert set(PROMISES) == set(Row)


def test_only_what_was_ready_is_proved() -> None:
    """No failure is not enough: nothing may have been run at all."""
    assert report(ready=Verdict.PASS, quit=Verdict.NOT_RUN).proved
    assert not report(ready=Verdict.PASS, quit=Verdict.FAIL).proved
    assert not report(ready=Verdict.NOT_RUN, install=Verdict.PASS).proved


def test_a_report_is_rendered() -> None:
    """A failed row has its promise and a bounded list; the last line counts."""
    text = render.render(report(ready=Verdict.PASS, quit=Verdict.FAIL, nsis=Verdict.NOT_RUN))
    assert f"quit: {PROMISES[Row.QUIT]}" in text
    assert text.count("    process: x") == render.MOST_LINES
    assert "    and 8 more" in text
    assert "1 of 2 rows pass, 1 not run." in text
    assert "~/.config/a" in text


def test_json_has_each_row() -> None:
    """With what is asked of it."""
    document = report(ready=Verdict.PASS).as_json()
    assert document["schema"] == 1
    assert document["proved"] is True
    assert document["rows"][0]["promise"] == PROMISES[Row.READY]
