"""A new application: what is in it, that its commands exist, and that it is whole or not there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from packaging_spike.cli import FILES
from spike.core.errors import StorageError, UsageError
from spike.core.workspace import TOOL
from spike.project import sidecar, sidecarlock
from spike.scaffold import making

MOST_LINES_OF_RUST = 30
OWN = """\
.github/workflows/ci.yml .gitignore README.md noxfile.py package-lock.json package.json
sidecar/guard.py sidecar/main.py sidecar/pyproject.toml sidecar/requirements.lock
sidecar/sidecar_contract.py src-tauri/Cargo.lock src-tauri/Cargo.toml src-tauri/build.rs
src-tauri/capabilities/default.json src-tauri/src/main.rs src-tauri/tauri.conf.json tasks.py
tests/test_sidecar.py ui/index.html ui/main.js"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application in a folder with a space."""
    folder = tmp_path_factory.mktemp("new") / "My App"
    making.make(folder)
    return folder


def listed(program: str, folder: Path) -> str:
    """What invoke or nox can do in a folder."""
    return subprocess.run(
        [sys.executable, "-m", program, "--list"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOOL)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_its_files_are_these(made: Path) -> None:
    """Beside them the crates, without their tests, and the icons."""
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    copies = {name for name in found if name.startswith(("src-tauri/crates/", "src-tauri/icons/"))}
    assert sorted(found - copies) == OWN.split()
    assert {"src-tauri/crates/LICENSE", "src-tauri/crates/plugin/guest-js/index.ts"} < copies
    for name, text in FILES.items():
        assert (made / name).read_text(encoding="utf-8") == text
    for manifest in (made / "src-tauri" / "crates").rglob("Cargo.toml"):
        assert not re.search(r"dev-dependencies|\[\[bin", manifest.read_text(encoding="utf-8"))


def test_it_needs_little_rust() -> None:
    """Without blank lines and comments."""
    sources = making.TEMPLATE.rglob("*.rs")
    lines = [line.strip() for path in sources for line in path.read_text("utf-8").splitlines()]
    number = len([line for line in lines if line and not line.startswith("//")])
    assert 5 < number <= MOST_LINES_OF_RUST


def test_its_locks_are_those_of_its_dependencies(made: Path) -> None:
    """So that nothing has to be resolved, and the registry is the user's own choice."""
    own = sidecar.load(made / "sidecar")
    assert sidecarlock.check(own) == made / "sidecar" / "requirements.lock"
    package = json.loads((made / "package.json").read_text())
    locked = json.loads((made / "package-lock.json").read_text())
    tools = {"devDependencies": package["devDependencies"]}
    assert locked["packages"][""] == {"name": "my-app", **tools}
    assert "resolved" not in str(locked)


def test_its_configuration_is_one_of_the_plugins(made: Path) -> None:
    """By its schema, also with a second sidecar; what Tauri asks for is what is staged."""
    config = json.loads((made / "src-tauri" / "tauri.conf.json").read_text())
    plugin = config["plugins"]["sidecar-supervisor"]
    schema = json.loads((TOOL / "src-tauri" / "plugin" / "config.schema.json").read_text())
    api = plugin["sidecars"]["api"]
    for sidecars in ({"api": api}, {"api": api, "worker": api}):
        jsonschema.validate({**plugin, "sidecars": sidecars}, schema)
    name = sidecar.load(made / "sidecar").name
    assert config["bundle"]["externalBin"] == [api["program"]] == [f"binaries/{name}"]
    assert api["dev"]["venv"] == f"../.nox/sidecar-{name}"
    assert config["identifier"] == "com.example.my-app"


@pytest.mark.slow
def test_every_command_exists(made: Path, tmp_path: Path) -> None:
    """What the making prints is what the README has, and invoke, nox and npm know all of it."""
    printed = re.findall(r"^  (.+)$", making.make(tmp_path / "other"), re.MULTILINE)
    commands = [line for line in printed if not line.startswith(("cd ", "export ", "set "))]
    readme = (made / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert commands == "".join(blocks).splitlines() == [*making.DEVELOP, *making.SHIP]
    said = readme + (made / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    for task in re.findall(r"invoke ([a-z-]+)", said):
        assert re.search(rf"^  {task}\s", listed("invoke", made), re.MULTILINE), task
    for session in re.findall(r"nox -s (\w+)", said):
        assert re.search(rf"^- {session} ", listed("nox", made), re.MULTILINE), session
    scripts = json.loads((made / "package.json").read_text())["scripts"]
    assert {*re.findall(r"npm run (\w+)", said), "test"} == set(scripts)


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_there_stays_as_it_is(tmp_path: Path, there: str) -> None:
    """A file, a folder with something in it, a link to nowhere."""
    place = tmp_path / "app"
    if there == "file":
        place.write_text("mine")
    elif there == "folder":
        (place / "inside").mkdir(parents=True)
    else:
        place.symlink_to(place)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="stays as it is"):
        making.make(place)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="paths end earlier there")
@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path, there: bool) -> None:
    """So deep that the system takes some of the files and not others."""
    rest = 4040 - len(str(tmp_path))
    deep = tmp_path.joinpath(*["d" * 99] * (rest // 100), "d" * (rest % 100))
    if there:
        deep.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StorageError, match="Nothing of it was left"):
        making.make(deep, name="my-app")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_name_in_the_template_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are filled in strictly."""
    (tmp_path / "a.txt").write_text("$nmae")
    monkeypatch.setattr(making, "TEMPLATE", tmp_path)
    with pytest.raises(KeyError, match="nmae"):
        making.make(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_whatever_ends_the_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what is no error of the system: an interruption, for one."""

    def files(*_: str) -> dict[str, bytes]:
        return {"a/b": b"", "c": b"", "a/d": None}  # type: ignore[dict-item]

    monkeypatch.setattr(making, "files", files)
    with pytest.raises(TypeError):
        making.make(tmp_path / "below" / "other")
    assert list(tmp_path.iterdir()) == []
