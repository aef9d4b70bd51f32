"""What stands behind ``--`` of a session: taken, or said to be wrong before anything is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from spike.build import nox_sessions


def session(*words: str) -> Any:
    def error(text: str) -> None:
        raise RuntimeError(text)

    return SimpleNamespace(posargs=words, error=error)


@pytest.mark.parametrize(
    ("words", "says"), [(["--sidcar", "x"], "no '--sidcar'"), (["--sidecar="], "is empty")]
)
@pytest.mark.parametrize("body", [nox_sessions.lock, nox_sessions.sidecar_env])
def test_a_typing_mistake_locks_nothing_else(body: Any, words: list[str], says: str) -> None:
    """A session without its sidecar is about the tool's own locks, which nobody asked for."""
    made = session(*words)
    made.install = lambda *_: None
    with pytest.raises(RuntimeError, match=says):
        body(made)
