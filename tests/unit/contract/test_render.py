"""A report as people read it: every row, and what to add for those that are not kept."""

from __future__ import annotations

from dataclasses import replace

from spike.contract import lines, render
from spike.contract.promises import PROMISES, Report, Row, broken, kept, not_asked, not_tried


def test_lines_to_add_stand_below_the_table() -> None:
    """Code as it is, words on as many lines as they need, and a sum."""
    report = Report(
        command=("./a", "b c"),
        language="Python",
        findings=(
            kept(Row.READY, "it came | so"),
            replace(broken(Row.SIGTERM, "killed"), lines=lines.of(Row.SIGTERM, "Python")),
            replace(broken(Row.TOKEN, "answered 200"), lines=lines.of(Row.TOKEN, "")),
            not_asked(Row.LOOPBACK, "no port"),
            not_tried(Row.UNREAD_STDOUT, "not here"),
        ),
    )
    text = render.render(report)
    first, *_, last = text.splitlines()
    assert first == "./a 'b c' (Python), contract version 1"
    assert last == (
        "1 of 3 rows are kept, 1 not asked, 1 not tried. The contract: docs/contract.md"
    )
    assert "it came \\| so" in text
    assert f"sigterm: {PROMISES[Row.SIGTERM]}\nAdd:\n    import sidecar_contract" in text
    assert "\n    sidecar.on_stop(server.shutdown)\n" in text
    assert "ready: " not in text
    assert max(map(len, text.splitlines())) <= 100
