"""Whole services, measured as a user would: a folder behind the launcher, asked at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from benchmarks import services
from benchmarks.registry import BENCHMARKS
from benchmarks.service_bars import FASTAPI
from spike.build.buildinfo import Built
from spike.project import sidecar
from tests.support import turns
from tests.support.commands import nox

pytestmark = [
    pytest.mark.integration,
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no Rust"),
]

VARIANT = "cpython-folder"
FOLDER = f"examples/{FASTAPI}"


def test_a_service_is_launched_asked_and_weighed(built: Callable[..., Built]) -> None:
    """The script and a folder, each with every figure, and apart from the record's result."""
    built(VARIANT, FOLDER)
    assert nox("sidecar_env", "--sidecar", FOLDER).returncode == 0
    with turns.measuring_here():
        targets, problems = services.choose([FASTAPI], [VARIANT])
        names = {target.id for target in targets}
        assert {"fastapi/baseline-python", f"fastapi/{VARIANT}"} <= names
        assert problems == []
        benchmark = BENCHMARKS["services"]
        result = benchmark.run(sidecar.load(), targets, rounds=2, counts=0)
    assert result.path is not None
    assert result.path.parent.name == "partial"
    for name in names:
        first, second, *weighed = result.of(name)
        for launch in (first, second):
            assert launch["failure"] is None, launch
            assert min(launch[each] for each in ("ready_ms", "request_ms", "smoke_ms")) > 0
        assert len(weighed) == services.MEMORY_LAUNCHES
        assert all(0 < each["pss_bytes"] <= each["rss_bytes"] for each in weighed)
    assert f"| {VARIANT} (3." in benchmark.render(result)
