"""What is measured for machines without builds of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.build import reference, timings
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL
from spike.project import sidecar


def test_what_is_measured_is_there_and_of_different_sizes() -> None:
    """From the hello sidecar to one with a large library."""
    found = [sidecar.load(TOOL / name) for name in reference.MEASURED]
    assert len({each.name for each in found}) == len(found) >= 3
    assert not found[0].dependencies
    assert all(each.dependencies for each in found[1:])


def test_a_folder_that_is_no_sidecar_changes_nothing(tmp_path: Path) -> None:
    """The figures that are there stay."""
    before = timings.REFERENCE.read_bytes()
    with pytest.raises(SpikeError):
        reference.main([str(tmp_path / "none")])
    assert timings.REFERENCE.read_bytes() == before
