"""What a sidecar's pyproject.toml may say, and what is said of a mistake in it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spike.core.errors import MissingToolError, SidecarError
from spike.core.workspace import platform_id
from spike.project import sidecar

PROJECT = {"name": "demo", "version": "1.2.3"}


def parsed(folder: Path, project: object = PROJECT, **settings: Any) -> sidecar.Sidecar:
    (folder / "main.py").write_text("print('READY')")
    return sidecar.parse({"project": project, "tool": {"sidecar": settings}}, folder)


def test_every_key_has_a_default(tmp_path: Path) -> None:
    """A name, a version and a main.py are enough."""
    found = parsed(tmp_path)
    assert (found.entry, found.ready, found.args, found.ready_timeout_s) == (
        "main.py",
        "READY",
        (),
        10.0,
    )


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"entri": "main.py"}, "tool.sidecar.entri"),
        ({"entry": "gone.py"}, "tool.sidecar.entry"),
        ({"entry": "../main.py"}, "tool.sidecar.entry"),
        ({"ready": ""}, "tool.sidecar.ready"),
        ({"ready": "READY\n"}, "tool.sidecar.ready"),
        ({"args": "--fast"}, "tool.sidecar.args"),
        ({"env": {"PORT": 1}}, "tool.sidecar.env"),
        ({"ready_timeout_s": 0}, "tool.sidecar.ready_timeout_s"),
        ({"ready_timeout_s": True}, "tool.sidecar.ready_timeout_s"),
        ({"data": ["words.txt"]}, "tool.sidecar.data"),
        ({"hidden_imports": [1]}, "tool.sidecar.hidden_imports"),
    ],
)
def test_a_wrong_value_names_its_key_and_a_right_one(
    tmp_path: Path, settings: dict[str, Any], key: str
) -> None:
    """The error names the key that is wrong and shows a right value."""
    with pytest.raises(SidecarError) as caught:
        parsed(tmp_path, **settings)
    assert key in caught.value.what
    assert caught.value.try_next


@pytest.mark.parametrize("project", [None, {}, {"name": "demo"}, {"name": "a b", "version": "1"}])
def test_a_project_needs_name_and_version(tmp_path: Path, project: object) -> None:
    """[project] is not optional: artifacts and records carry its name."""
    with pytest.raises(SidecarError, match="project"):
        parsed(tmp_path, project=project)


def test_a_missing_folder_and_broken_toml_are_errors(tmp_path: Path) -> None:
    """Neither ends in a traceback."""
    with pytest.raises(SidecarError, match="no folder"):
        sidecar.load(tmp_path / "gone")
    with pytest.raises(SidecarError, match="does not exist"):
        sidecar.load(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(SidecarError, match="not valid TOML"):
        sidecar.load(tmp_path)
    with pytest.raises(SidecarError, match="is empty"):
        sidecar.load("")


def test_the_source_hash_sees_names_and_contents(tmp_path: Path) -> None:
    """A changed, added or renamed file makes another build necessary; a cache does not."""
    found = parsed(tmp_path)
    before = found.source_sha256()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "main.pyc").write_bytes(b"x")
    assert found.source_sha256() == before
    (tmp_path / "words.txt").write_text("one")
    added = found.source_sha256()
    (tmp_path / "words.txt").rename(tmp_path / "other.txt")
    assert len({before, added, found.source_sha256()}) == 3


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"metadata": "keyring"}, "tool.sidecar.metadata"),
        ({"collect": [None]}, "tool.sidecar.collect"),
        ({"smoke": "python smoke.py"}, "tool.sidecar.smoke"),
        ({"smoke": ["true"], "smoke_stdio": "yes"}, "tool.sidecar.smoke_stdio"),
        ({"smoke_stdio": True}, "tool.sidecar.smoke_stdio"),
        ({"health": 80}, "tool.sidecar.health"),
    ],
)
def test_keys_of_real_services_are_checked_likewise(
    tmp_path: Path, settings: dict[str, Any], key: str
) -> None:
    """What packaging a service needs is validated as strictly as the rest."""
    with pytest.raises(SidecarError) as caught:
        parsed(tmp_path, **settings)
    assert key in caught.value.what
    assert caught.value.try_next


def test_data_ships_relative_to_the_entry_script(tmp_path: Path) -> None:
    """A program finds its files from __file__, so what lies elsewhere could never be found."""
    (tmp_path / "src" / "data").mkdir(parents=True)
    (tmp_path / "other.txt").write_text("")
    (tmp_path / "src" / "main.py").write_text("")
    found = parsed(tmp_path, entry="src/main.py", data=["src/data"])
    assert found.data_targets() == (("src/data", "data"),)
    with pytest.raises(SidecarError, match="not below the folder of src/main"):
        parsed(tmp_path, entry="src/main.py", data=["other.txt"])


def test_a_record_beside_the_program_does_not_make_it_another(tmp_path: Path) -> None:
    """The docs write it there; what was built and measured stays what it was."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "one"\nversion = "1"\n')
    (tmp_path / "main.py").touch()
    before = sidecar.load(tmp_path).source_sha256()
    (tmp_path / "decision-record.md").write_text("# Which packager?\n")
    assert sidecar.load(tmp_path).source_sha256() == before


def test_what_is_built_with_another_python_lies_apart(tmp_path: Path) -> None:
    """Builds, scratch, environments and results, of the same sources."""
    own = parsed(tmp_path)
    other = replace(own, python_name="3.98", python_asked="3.98")
    for place in ("dist", "build", "results"):
        assert "3.98" in str(getattr(other.workspace, place))
        assert "3.98" not in str(getattr(own.workspace, place))
    assert other.workspace.results.parts[-3] == f"{platform_id()}-3.98"
    assert (own.environment, other.environment) == ("demo", "demo-3.98")
    assert own.packager_environment("nuitka") == "build_nuitka", "the packager's own"
    assert other.packager_environment("nuitka") == "build_nuitka-demo-3.98"
    needs = replace(own, dependencies=("x",))
    assert needs.packager_environment("nuitka") == "build_nuitka-demo"
    assert other.source_sha256() == own.source_sha256()
    assert other.nox_command("nuitka").endswith(" --python 3.98")
    assert other.on("").workspace == own.workspace


@pytest.mark.parametrize("configured", [{}, {"python": "{}.{}.{}".format(*sys.version_info)}])
@pytest.mark.slow
def test_the_own_python_has_its_place_whatever_it_is_called_by(
    tmp_path: Path, configured: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By version or by path: a second place would show one Python twice."""
    own = parsed(tmp_path, **configured)
    for wanted in ("", "{}.{}".format(*sys.version_info), sys.executable):
        assert own.with_python(wanted) == own
    absent = parsed(tmp_path, python="3.99").with_python(sys.executable)
    assert absent.wanted_python == sys.executable
    monkeypatch.chdir(Path(sys.executable).parent)
    near = parsed(tmp_path, python="3.99").with_python(f"./{Path(sys.executable).name}")
    assert near == absent, "a session that builds runs in another folder"
    with pytest.raises(MissingToolError, match=r"no Python 3\.99 here"):
        own.with_python("3.99")
