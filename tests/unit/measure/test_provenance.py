"""Where and with what something was measured."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from spike.measure import provenance


def test_a_file_system_that_cannot_be_asked_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows lists drives that are not there, and Wine some that it cannot tell of."""

    def fail(*, all: bool) -> None:  # noqa: A002 - psutil's own name
        raise OSError(0, "Success")

    monkeypatch.setattr(psutil, "disk_partitions", fail)
    assert provenance.filesystem(Path.cwd()) == ""
