"""Programs with rewritten libraries, built from the FastAPI example as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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


FOUND = """
import importlib, json, sys, types
if sys.argv[1] == "fast":
    import sidecar_fast_tables
NAMES = "fastapi pydantic.v1 xml.dom.minidom ctypes anyio._backends._asyncio pydantic_core sqlite3"
for name in NAMES.split():
    importlib.import_module(name)
said = {}
for name, module in sorted(sys.modules.items()):
    spec = getattr(module, "__spec__", None)
    if spec is None or name.startswith("sidecar_fast"):
        continue
    loader = spec.loader
    files = {
        each.__code__.co_filename
        for each in vars(module).values()
        if isinstance(each, types.FunctionType)
    }
    said[name] = [
        *(str(type(loader)), isinstance(loader, type) or str(vars(loader))),
        loader is module.__loader__,
        *(spec.origin, spec.cached, str(spec.submodule_search_locations), spec.has_location),
        *(str(getattr(module, each, "")) for each in ("__file__", "__cached__", "__path__")),
        sorted(files),
    ]
sys.path.insert(0, sys.argv[2])
importlib.import_module("wsgiref")
print(json.dumps([said, sys.modules["wsgiref"].__file__]))
"""


def test_modules_are_found_as_python_itself_finds_them(built: Build, tmp_path: Path) -> None:
    """The same in every particular; a folder that somebody puts first comes first."""
    found = built("cpython-folder-fast", EXAMPLE)
    assert found.folder is not None
    (tmp_path / "wsgiref.py").write_text("")
    said = []
    for how in ("plain", "fast"):
        done = subprocess.run(
            [found.folder / "bin" / "python3", "-I", "-B", "-c", FOUND, how, tmp_path],
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(json.loads(done.stdout))
    plain, fast = said
    assert len(plain[0]) > 200
    # What hands out tables needs some modules early.
    assert {name: fast[0].get(name) for name in plain[0]} == plain[0]
    assert fast[1] == str(tmp_path / "wsgiref.py")
    # It was asked at all.
    shown = (
        "import sidecar_fast_tables as t, sys; print(sys.meta_path[-2].find_spec('json').origin)"
    )
    done = subprocess.run(
        [found.folder / "bin" / "python3", "-I", "-B", "-c", shown],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("/json/__init__.pyc")
