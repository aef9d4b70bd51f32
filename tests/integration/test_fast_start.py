"""Programs with rewritten libraries, built from the FastAPI example as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from spike.build.buildinfo import Built

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="one of the recipes is for Linux"),
]

EXAMPLE = "examples/fastapi"

Build = Callable[..., Built]

SEEN = """
import inspect, json, sys
import h11, fastapi.routing
early = [name for name in ("h11._connection", "starlette.concurrency") if name in sys.modules]
text = inspect.getsource(fastapi.routing.APIRoute)
connection = h11.Connection.__module__
print(json.dumps([early, "_fast_start" in text, connection, fastapi.routing.APIRoute.__module__]))
"""


@pytest.mark.parametrize(
    "variant",
    [
        "cpython-folder-fast",
        pytest.param("pyinstaller-onedir-fast", marks=pytest.mark.nightly),
        pytest.param("cx_freeze-onedir-fast", marks=pytest.mark.nightly),
        pytest.param("nuitka-standalone-fast", marks=pytest.mark.nightly),
    ],
)
def test_a_service_is_built_with_rewritten_libraries(built: Build, variant: str) -> None:
    """Proved, READY, and it answers its smoke command."""
    info = built(variant, EXAMPLE).info
    assert info.first_launch == "ready"
    assert "imports of libraries wait until somebody needs them" in info.remarks[0]
    number = int(info.remarks[0].split()[0])
    assert number > 20


def test_libraries_load_late_and_show_their_own_sources(built: Build) -> None:
    """In the folder with a real Python one can ask."""
    found = built("cpython-folder-fast", EXAMPLE)
    assert found.folder is not None
    done = subprocess.run(
        [str(found.folder / "bin" / "python3"), "-I", "-B", "-c", SEEN],
        capture_output=True,
        text=True,
        check=True,
    )
    early, rewritten, connection, route = json.loads(done.stdout)
    assert early == []
    assert rewritten is False
    assert (connection, route) == ("h11._connection", "fastapi.routing")
