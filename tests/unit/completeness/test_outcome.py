"""What a build keeps of its first launch, and ``invoke fit`` reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.completeness import first_launch, outcome
from spike.completeness.missing import Gap
from spike.core.errors import CorruptFileError
from spike.launch.spec import Launch

GAPS = (
    Gap(key="collect", values=("shop",), what="the script loads shop", certain=True),
    Gap(key="data", values=("pages",), what="pages did not ship"),
)


def test_what_a_first_launch_keeps_is_read_back(tmp_path: Path) -> None:
    """All of it, as it was."""
    seen = first_launch.FirstLaunch(
        program=Launch(),
        plain=Launch(),
        gaps=GAPS,
        remarks=(),
        differences=("GET /: 500",),
        findings=(("metadata", "web"),),
        pages=3,
    ).outcome()
    outcome.write(tmp_path, seen)
    assert outcome.read(tmp_path) == seen
    assert seen.program_ok
    assert not seen.equal


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"gaps": 1, "findings": [], "differences": []}'])
def test_what_is_none_is_refused(text: str, tmp_path: Path) -> None:
    """The message says how to make it anew."""
    (tmp_path / outcome.FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(CorruptFileError, match="build again"):
        outcome.read(tmp_path)
