"""The decision record: generated blocks and human prose never touch each other."""

from __future__ import annotations

import pytest

from spike.core import generated
from spike.core.errors import CorruptFileError

TEXT = (
    "# Title\n\nprose <!-- a comment -->\n\n"
    "<!-- begin generated: size | made by: invoke size | sha256:  -->\n"
    "<!-- end generated: size -->\nmore prose\n"
)
NEW = {"size": "| a |\n|---|\n| 1 |\n"}
COMMAND = "invoke size"


def test_a_rewrite_keeps_the_prose_and_is_stable() -> None:
    """What is outside the markers is the same to the byte; a second rewrite changes nothing."""
    once = generated.rewrite(TEXT, NEW, COMMAND)
    assert once.startswith("# Title\n\nprose <!-- a comment -->\n\n<!-- begin generated: size")
    assert once.endswith("<!-- end generated: size -->\nmore prose\n")
    assert NEW["size"] in once
    assert generated.rewrite(once, NEW, COMMAND) == once
    assert generated.differences(once, NEW) == []


def test_prose_may_change_freely() -> None:
    """Only the blocks are checked."""
    once = generated.rewrite(TEXT, NEW, COMMAND).replace("more prose", "other prose")
    assert generated.differences(once, NEW) == []


def test_an_edit_by_hand_and_a_stale_block_are_told_apart() -> None:
    """The checksum in the marker knows who wrote the block."""
    once = generated.rewrite(TEXT, NEW, COMMAND)
    (edited,) = generated.differences(once.replace("| 1 |", "| 2 |"), NEW)
    assert "edited by hand" in edited.problem
    assert "-| 2 |" in edited.diff
    assert "+| 1 |" in edited.diff
    (stale,) = generated.differences(once, {"size": "| a |\n|---|\n| 3 |\n"})
    assert "stale" in stale.problem


def test_a_missing_block_is_a_difference() -> None:
    """Deleting a block does not make the check pass."""
    (missing,) = generated.differences("# Title\n", NEW)
    assert "missing" in missing.problem


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("<!-- end generated: size -->\n", ""),
        TEXT.replace("generated: size", "generated: weight"),
        TEXT + TEXT,
    ],
)
def test_broken_markers_are_errors(text: str) -> None:
    """A record that cannot be rewritten safely is not rewritten."""
    with pytest.raises(CorruptFileError):
        generated.rewrite(text, NEW, COMMAND)
