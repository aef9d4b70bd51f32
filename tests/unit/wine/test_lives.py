"""A life that Wine itself did not begin is none; every other one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core import windows
from spike.wine import lives

WINES_OWN = "it did not become ready; it said not started: Internal error. (os error 1359)"
HERE = Path("program")


@pytest.mark.parametrize(
    ("emulator", "problems", "verdict", "begun"),
    [
        ("wine 8.0", [WINES_OWN, ""], "", 2),
        ("wine 8.0", [WINES_OWN, WINES_OWN], WINES_OWN, 2),
        ("wine 8.0", ["left: ['a.exe']", ""], "left: ['a.exe']", 1),
        ("", [WINES_OWN, ""], WINES_OWN, 1),
    ],
    ids=["once", "twice", "another problem", "on Windows"],
)
def test_a_start_that_wine_refused_is_made_again_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    emulator: str,
    problems: list[str],
    verdict: str,
    begun: int,
) -> None:
    left = list(problems)
    monkeypatch.setattr(windows, "emulator", lambda: emulator)
    monkeypatch.setattr(lives, "one", lambda *_: left.pop(0))
    assert lives.life(HERE, HERE, lives.WAYS[0]) == verdict
    assert len(problems) - len(left) == begun
    assert ("once more" in capsys.readouterr().out) is (begun == 2)
