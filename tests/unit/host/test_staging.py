"""``sidecar.json``: what the host is told of a sidecar, in the keys that it reads."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core.errors import StorageError
from spike.core.workspace import TOOL, target_triple
from spike.host import staging
from spike.host.staging import Launching
from spike.project.sidecar import Sidecar
from tests.support.builds import VARIANT

SCHEMA = json.loads((TOOL / "src-tauri" / "journal.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def built(demo: Sidecar) -> Built:
    """A finished build of the sidecar ``demo``."""
    return buildinfo.find(VARIANT, demo)


def configuration(built: Built, launching: Launching | None = None, **said: Any) -> dict[str, Any]:
    """What is staged of a sidecar with these settings."""
    changed = replace(built, sidecar=replace(built.sidecar, **said))
    return staging.launch_configuration(changed, "demo", launching or Launching())


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ({}, {"ready": "READY"}),
        ({"ready": "UP"}, {"ready": "UP"}),
        ({"ready": "UP", "ready_stream": "either"}, {"ready": "UP", "ready_stream": "either"}),
        (
            {"ready_pattern": "Serving on", "ready_stream": "stderr"},
            {"ready_pattern": "Serving on", "ready_stream": "stderr"},
        ),
        (
            {"ready_url": "http://127.0.0.1:{free_port}/health"},
            {"ready_url": "http://127.0.0.1:{free_port}/health"},
        ),
        ({"ready_url": "http://localhost/up?x=1"}, {"ready_url": "http://localhost:80/up?x=1"}),
        ({"ready_url": "http://[::1]"}, {"ready_url": "http://[::1]:80"}),
    ],
)
def test_each_way_to_be_ready_has_its_key(
    built: Built, said: dict[str, Any], written: dict[str, str]
) -> None:
    """One of them alone."""
    config = configuration(built, **said)
    assert {key: value for key, value in config.items() if key.startswith("ready")} == {
        **written,
        "ready_timeout_ms": 10_000,
    }


def test_the_keys_are_those_of_the_host(built: Built) -> None:
    """Whatever is written, the host knows."""
    config = configuration(built, ready_pattern="x", ready_stream="stderr", health="http://[::1]/")
    known = SCHEMA["$defs"]["config"]["properties"]
    assert set(config) <= set(known)
    assert config["health"] == "http://[::1]:80/"


def test_the_free_port_is_handed_over_as_it_is_said(built: Built) -> None:
    """The host fills it in, another one at each launch."""
    config = configuration(
        built,
        args=("--port={free_port}",),
        env={"PORT": "{free_port}"},
        ready_url="http://127.0.0.1:{free_port}",
    )
    assert config["args"] == ["--port={free_port}"]
    assert config["env"] == {"PORT": "{free_port}"}


def test_another_sidecars_way_can_be_waited_for(built: Built) -> None:
    """So the failing sidecar of the checklist stands in for one that is asked at an address."""
    other = replace(built.sidecar, ready_url="http://127.0.0.1:8000/")
    config = configuration(built, Launching(ready_of=other, args=("--fault", "silent")))
    assert config["ready_url"] == "http://127.0.0.1:8000/"
    assert "ready" not in config
    assert config["args"] == ["--fault", "silent"]


def test_a_variant_goes_where_another_application_takes_it_in(built: Built, tmp_path: Path) -> None:
    """One file with the triple; a folder whole; and what was there of others stays."""
    binaries = tmp_path / "src-tauri" / "binaries"
    file = binaries / f"demo-{target_triple()}"
    for _ in range(2):
        told = staging.put(built, binaries)
        assert file.read_bytes() == b"program"
        assert os.access(file, os.X_OK)
    assert '{"externalBin": ["binaries/demo"]}' in told
    folder = replace(built, folder=built.artifact.parent)
    assert '"binaries/demo.d/": "demo.d/"' in staging.put(folder, binaries)
    assert '{"folder": "demo.d", "program": "demo"}' in staging.put(folder, binaries)
    assert (binaries / "demo.d" / "demo").read_bytes() == b"program"
    assert {path.name for path in binaries.iterdir()} == {file.name, "demo.d"}


def test_what_cannot_be_staged_is_an_error(built: Built, tmp_path: Path) -> None:
    """With the place in it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be staged"):
        staging.put(built, tmp_path / "file")
