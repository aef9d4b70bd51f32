"""A sidecar's lock belongs to the dependencies that it was made for."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.core import windows
from spike.core.errors import SidecarError
from spike.core.workspace import TOOL as ROOT
from spike.core.workspace import command_path
from spike.project import sidecar, sidecarlock
from spike.project.sidecar import Sidecar

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("**/pyproject.toml"))


def test_no_dependencies_need_no_lock(tmp_path: Path) -> None:
    """The commonest small sidecar is not burdened with an empty file."""
    assert sidecarlock.check(Sidecar(folder=tmp_path, name="a", version="1")) is None


def test_a_missing_or_foreign_lock_names_the_command(tmp_path: Path) -> None:
    """A lock of yesterday's dependencies is an error, never a silent difference."""
    wanted = Sidecar(folder=tmp_path, name="a", version="1", dependencies=("httpx", "anyio>=4"))
    with pytest.raises(SidecarError, match=r"no requirements\.lock") as caught:
        sidecarlock.check(wanted)
    assert caught.value.try_next == f"nox -s lock -- --sidecar {command_path(tmp_path)}"
    lock = tmp_path / "requirements.lock"
    lock.write_text('# Made by nox -s lock for: ["httpx"]\n')
    with pytest.raises(SidecarError, match="other dependencies"):
        sidecarlock.check(wanted)
    lock.write_bytes(b"\xff\xfe")
    with pytest.raises(SidecarError, match="cannot be read"):
        sidecarlock.check(wanted)
    lock.write_text('# Made by nox -s lock for: ["anyio>=4", "httpx"]\n')
    assert sidecarlock.check(wanted) == lock


def test_the_names_that_a_lock_pins_are_compared_in_normal_form() -> None:
    """``Typing_Extensions`` and ``typing-extensions`` are one distribution."""
    text = "# x==1\nTyping_Extensions==4.1 \\\n    --hash=sha256:0\na.b==1 ; python_version < '3'\n"
    assert sidecarlock.pinned(text) == {"typing-extensions", "a-b"}


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_is_a_valid_sidecar_with_its_own_lock(folder: Path) -> None:
    """Manifest and lock agree, versions in manifest and script agree, no index is named."""
    found = sidecar.load(folder)
    lock = sidecarlock.check(found)
    if lock is not None:
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
    script = (folder / found.entry).read_text(encoding="utf-8")
    assert f'NAME = "{found.name}"' in script
    assert f'VERSION = "{found.version}"' in script


BACKEND = '''
import pathlib, zipfile

NAME = "{name}"
METADATA = """{metadata}"""

def _write(folder, only_metadata):
    info = f"{{NAME}}-1.5.dist-info"
    files = {{
        f"{{info}}/METADATA": METADATA,
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\n"
        "Tag: py3-none-any\\n",
        f"{{info}}/entry_points.txt": "[console_scripts]\\n{name} = {name}.cli:main\\n",
    }}
    if only_metadata:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return info
    pathlib.Path("left-by-the-backend.txt").write_text("")
    wheel = f"{{NAME}}-1.5-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{{NAME}}/__init__.py", "VALUE = 7\\n")
        archive.writestr(f"{{info}}/RECORD", "")
    return wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _write(folder, False)

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    return _write(folder, True)

def get_requires_for_build_wheel(config_settings=None):
    return []
'''
BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


needs_uv = pytest.mark.skipif(bool(windows.emulator()), reason="uv is not installed under Wine")


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Nox has it when it runs the session: uv lies beside the Python that runs."""
    place = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", place + os.pathsep + os.environ["PATH"])


def backed(folder: Path, name: str, manifest: str, *requires: str) -> Path:
    """A project with a build backend of its own, which needs no index."""
    folder.mkdir(parents=True)
    said = f"Metadata-Version: 2.3\nName: {name}\nVersion: 1.5\nRequires-Python: >=3.9\n"
    said += "".join(f"Requires-Dist: {each}\n" for each in requires)
    said += "Provides-Extra: web\n"
    (folder / "backend.py").write_text(BACKEND.format(name=name, metadata=said))
    (folder / "pyproject.toml").write_text(manifest + BUILD_SYSTEM)
    (folder / name).mkdir()
    (folder / name / "cli.py").write_text("def main(): pass\n")
    return folder


def locked(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert sidecarlock.main([str(folder)]) == 0, capsys.readouterr().err
    sidecarlock.check(sidecar.load(folder))
    lines = (folder / "requirements.lock").read_text().splitlines()
    return [line.strip(" \\") for line in lines if not line.lstrip().startswith("# via")]


def depends(folder: Path, requirement: str) -> Path:
    folder.mkdir()
    (folder / "main.py").touch()
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\ndependencies = ["{requirement}"]\n'
    )
    return folder


@needs_uv
def test_a_folder_is_built_into_a_hashed_wheel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, from a copy; when the folder changes, the lock is old."""
    helper = backed(tmp_path / "helper", "helper", '[project]\nname = "helper"\nversion = "1.5"\n')
    app = depends(tmp_path / "app", f"helper @ {helper.as_uri()}")
    before = sorted(helper.iterdir())
    lines = locked(app, capsys)
    wheel = app / "requirements.wheels" / "helper-1.5-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert lines[2:] == [
        *("--find-links ./requirements.wheels", "helper==1.5", f"--hash=sha256:{digest}"),
    ]
    assert sorted(helper.iterdir()) == before, "the backend's leavings stay in the copy"
    assert sidecarlock.pinned((app / "requirements.lock").read_text()) == {"helper"}
    assert all("wheels" not in path.parts[0] for path in sidecar.load(app).source_files())
    (helper / "helper" / "new.py").touch()
    with pytest.raises(SidecarError, match=r"wheel of \.\./helper, which has changed since"):
        sidecarlock.check(sidecar.load(app))


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_repository_is_built_into_a_hashed_wheel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the commit that the resolver found."""
    top = tmp_path / "repository"
    backed(top / "libs" / "helper", "helper", '[project]\nname = "helper"\nversion = "1.5"\n')
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@y", *arguments], cwd=top, check=True
        )
    app = depends(tmp_path / "app", f"helper @ git+{top.as_uri()}#subdirectory=libs/helper")
    lines = locked(app, capsys)
    assert lines[1:3] == ["--find-links ./requirements.wheels", "helper==1.5"]
    assert "a wheel of helper @ git+" in capsys.readouterr().out


@needs_uv
def test_a_folder_that_is_not_there_is_said_by_the_lock(tmp_path: Path) -> None:
    """Not by the build, minutes later."""
    app = depends(tmp_path / "app", f"helper @ {(tmp_path / 'gone').as_uri()}")
    with pytest.raises(SidecarError, match="The dependencies of app could not be resolved"):
        sidecarlock.main([str(app)])
    assert not (app / "requirements.lock").exists()


@needs_uv
def test_what_only_the_backend_knows_is_built_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Version, dependencies, commands; its answer stands in the head of the lock."""
    folder = backed(
        tmp_path / "app", "app", '[project]\nname = "app"\ndynamic = ["version", "scripts"]\n'
    )
    with pytest.raises(SidecarError, match="made by its build backend"):
        sidecar.load(folder)
    lines = locked(folder, capsys)
    found = sidecar.load(folder)
    assert (found.version, found.entry_file, found.requires_python) == (
        "1.5",
        "app/cli.py",
        ">=3.9",
    )
    assert lines[0] == "# Made by nox -s lock for: []"
    assert lines[1].startswith("# Built metadata: ")
    assert found.lock == folder / "requirements.lock"


@needs_uv
def test_uv_lock_is_used_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its versions; when it is older than the project, it is the one to renew."""
    backed(tmp_path / "helper", "helper", '[project]\nname = "helper"\nversion = "1.5"\n')
    app = depends(tmp_path / "app", "helper")
    sources = '[tool.uv.sources]\nhelper = { path = "../helper" }\n'
    manifest = app / "pyproject.toml"
    manifest.write_text(manifest.read_text() + 'requires-python = ">=3.11"\n' + sources)
    subprocess.run(["uv", "lock", "--quiet", "--offline"], cwd=app, check=True)
    lines = locked(app, capsys)
    assert json.loads(lines[1].removeprefix("# From: ")).keys() == {"uv.lock", "folders"}
    assert lines[2:4] == ["--find-links ./requirements.wheels", "helper==1.5"]
    with (app / "uv.lock").open("a") as stream:
        stream.write("\n")
    with pytest.raises(SidecarError, match=r"for other dependencies than uv\.lock has now"):
        sidecarlock.check(sidecar.load(app))
    shutil.copytree(tmp_path / "helper", tmp_path / "other")
    manifest.write_text(manifest.read_text().replace("../helper", "../other"))
    with pytest.raises(SidecarError, match=r"uv\.lock is older than pyproject\.toml") as caught:
        sidecarlock.main([str(app)])
    assert caught.value.try_next == "uv lock"


def test_the_lock_of_a_workspace_counts_for_its_members(tmp_path: Path) -> None:
    """It lies above them."""
    member = depends(tmp_path / "member", "helper")
    (tmp_path / "uv.lock").touch()
    assert sidecar.load(member).dependency_source == "pyproject.toml"
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["member"]\n')
    assert sidecar.load(member).dependency_source == "uv.lock"
    (member / "pylock.toml").touch()
    (tmp_path / "uv.lock").unlink()
    assert sidecar.load(member).dependency_source == "pylock.toml"


@needs_uv
def test_extras_groups_and_constraints_beside_a_requirements_file_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of what ships is in the lock, which is old when a constraint is another one."""
    for name in ("one", "two", "three"):
        backed(tmp_path / name, name, f'[project]\nname = "{name}"\nversion = "1.5"\n')
    app = depends(tmp_path / "app", "")
    (app / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.8,<3.11"\n'
        f'optional-dependencies.web = ["two @ {(tmp_path / "two").as_uri()}"]\n'
        f'[dependency-groups]\nmore = ["three @ {(tmp_path / "three").as_uri()}"]\n'
        '[tool.sidecar]\nextras = ["web"]\ngroups = ["more"]\n'
    )
    (app / "requirements.txt").write_text("-c pins.txt\n../one\n")
    (app / "pins.txt").write_text("one<2\n")
    assert {"one==1.5", "two==1.5", "three==1.5"} < set(locked(app, capsys))
    shutil.copytree(tmp_path / "one", app / "one")
    (app / "requirements.txt").write_text("-c pins.txt\n./one\n")
    locked(app, capsys)
    own = sidecarlock.own_files(sidecar.load(app))
    assert not any(path.is_relative_to("one") for path in own), "it ships as a wheel"
    (app / "pins.txt").write_text("one<1.6\n")
    with pytest.raises(SidecarError, match="other dependencies, constraints or settings of uv"):
        sidecarlock.check(sidecar.load(app))
