"""A new application by the commands that are printed, as a user makes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.core import process
from spike.core.errors import SpikeError
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.host import application
from spike.scaffold import making
from tests.support import commands, installed

TARGET = TOOL / "src-tauri" / "target"
"""The host's own: Tauri is compiled there already."""
START_S = 1800
"""More than a whole compilation takes on a busy machine."""


class Made:
    """A new application, and the lines that its making printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = [sys.executable, "-m", "invoke", "new", str(folder)]
        done = process.capture(words, cwd=TOOL)
        assert done.ok, done.errors
        self.lines = re.findall(r"^  (.+)$", done.output, re.MULTILINE)
        self.entering = [line for line in self.lines if line.startswith(("cd ", "export "))]
        kept = commands.environment_without(
            PROJECT_VARIABLE, "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"
        )
        self.environment = {**kept, **installed.rust(), "CARGO_TARGET_DIR": str(TARGET)}

    def words(self, line: str) -> list[str]:
        """A shell that carries a line out as it is printed, behind those that enter the folder."""
        return ["sh", "-e", "-c", "\n".join([*self.entering, line])]

    def run(self, line: str) -> str:
        """Carry a line out, which has to end with 0; both streams."""
        done = commands.done(
            self.words(line), cwd=self.folder.parent, env=self.environment, timeout_s=START_S
        )
        assert done.returncode == 0, f"{line}:\n{done.stdout[-6000:]}"
        return done.stdout

    def package(self) -> Path:
        """Make the package as printed, and unpack it; gives the program in it."""
        shutil.rmtree(TARGET / "release" / "bundle" / "deb", ignore_errors=True)
        self.run("npm run tauri build")
        (deb,) = (TARGET / "release" / "bundle" / "deb").glob("*.deb")
        root = self.folder.parent / "root"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["dpkg-deb", "--extract", str(deb), str(root)], check=True)
        return root / "usr" / "bin" / "my-app"


def made_in(folder: Path) -> Made:
    """One with its environments; its folder should have a space."""
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))
    made = Made(folder)
    assert [line for line in made.lines if line not in made.entering] == [
        *making.DEVELOP,
        *making.SHIP,
    ]
    for line in ("npm ci", "nox -s sidecar_env", "npm test"):
        made.run(line)
    return made


def second_sidecar(made: Made) -> None:
    """Give it a second sidecar, ``worker``, built and staged as its README says."""
    worker = "my-app-worker"
    shutil.copytree(made.folder / "sidecar", made.folder / "worker")
    project = made.folder / "worker" / "pyproject.toml"
    project.write_text(project.read_text().replace("my-app-api", worker))
    place = made.folder / "src-tauri" / "tauri.conf.json"
    config = json.loads(place.read_text())
    config["bundle"]["externalBin"].append(f"binaries/{worker}")
    both = config["plugins"]["sidecar-supervisor"]["sidecars"]
    both["worker"] = {**both["api"], "program": f"binaries/{worker}"}
    place.write_text(json.dumps(config))
    readme = (made.folder / "README.md").read_text()
    lines = re.findall(r"`([^`]+--sidecar worker)`", readme)
    assert len(lines) == 3
    for line in [*lines, "invoke stage"]:
        made.run(line)
