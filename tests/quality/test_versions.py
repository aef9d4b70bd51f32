"""One version everywhere: the tool, the host's packages and what its bundle says."""

from __future__ import annotations

import json
import tomllib

from spike import __version__
from spike.core.workspace import TOOL as ROOT

HOST = ROOT / "src-tauri"


def test_the_versions_of_host_and_tool_are_one() -> None:
    """tauri.conf.json, Cargo.toml, Cargo.lock and the tool cannot drift apart.

    pyproject.toml names none: the wheel's is read from spike/__init__.py.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "spike/__init__.py"
    workspace = tomllib.loads((HOST / "Cargo.toml").read_text())
    locked = tomllib.loads((HOST / "Cargo.lock").read_text())["package"]
    found = {
        "Cargo.toml": workspace["workspace"]["package"]["version"],
        "tauri.conf.json": json.loads((HOST / "tauri.conf.json").read_text())["version"],
    }
    page = json.loads((HOST / "plugin" / "package.json").read_text())
    found["plugin/package.json"] = page["version"]
    ours = {"sidecar-host", "sidecar-supervisor", "sidecar-launcher"}
    ours |= {"tauri-plugin-sidecar-supervisor", "tauri-sidecar-build"}
    found |= {package["name"]: package["version"] for package in locked if package["name"] in ours}
    assert ours <= set(found)
    assert set(found.values()) == {__version__}, found


def test_every_package_takes_the_workspace_version() -> None:
    """No Cargo.toml of the workspace names a version of its own."""
    for manifest in (HOST / "Cargo.toml", *HOST.glob("*/Cargo.toml")):
        package = tomllib.loads(manifest.read_text())["package"]
        assert package["version"] == {"workspace": True}, manifest


def test_the_sidecar_does_not_have_the_name_of_the_cargo_package() -> None:
    """Tauri refuses, or overwrites, an externalBin that is called like the application."""
    package = tomllib.loads((HOST / "Cargo.toml").read_text())["package"]["name"]
    config = json.loads((HOST / "tauri.conf.json").read_text())
    names = [path.rpartition("/")[2] for path in config["bundle"]["externalBin"]]
    assert package not in names
    assert not config["identifier"].endswith(".app")
