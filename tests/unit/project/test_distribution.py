"""What an installer would know of a project that is packaged from its folder."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from pathlib import Path

import pytest

from spike.project import copies, distribution
from spike.project.metadata import Metadata
from spike.project.sidecar import Sidecar, load

POINTS = {
    "my_shop.tills": {"paper": "shop.tills.paper:open [print]", "glass": "shop.tills.glass"},
    "pytest11": {"shop": "shop.testing"},
}


def test_python_reads_what_is_written(tmp_path: Path) -> None:
    """Name, version, requirements and plug-ins, by Python's own reader."""
    said = Metadata(
        name="My.Shop",
        version="1.2",
        summary="Sells",
        requires_python=">=3.11",
        dependencies=("httpx>=0.28", "click"),
        entry_points=POINTS,
    )
    distribution.write(dataclasses.replace(said, version="1.1"), tmp_path)
    distribution.write(said, tmp_path)  # in place of the earlier one
    (found,) = importlib.metadata.distributions(path=[str(tmp_path)])
    assert (found.name, found.version, found.requires) == (
        "My.Shop",
        "1.2",
        ["httpx>=0.28", "click"],
    )
    assert found.metadata["Summary"] == "Sells"
    assert found.metadata["Requires-Python"] == ">=3.11"
    assert {(each.group, each.name, each.value) for each in found.entry_points} == {
        (group, name, value) for group, points in POINTS.items() for name, value in points.items()
    }
    assert {file.name for file in found.files or ()} == {"METADATA", "entry_points.txt", "RECORD"}


def test_the_plugins_of_tests_are_no_part_of_a_program() -> None:
    """Nor is what stands behind the name of a module."""
    said = Metadata(name="my-shop", version="1", entry_points=POINTS)
    assert distribution.plugins(said) == ("shop.tills.paper", "shop.tills.glass")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from importlib.metadata import version\nversion('my-shop')", True),
        ("from importlib import metadata\nmetadata.version('My_Shop')", True),
        ("import importlib_metadata as m\nm.version(__package__)", True),
        ("import importlib.metadata\nimportlib.metadata.version(__name__)", True),
        ("import pkg_resources\npkg_resources.require('my.shop')", True),
        ("NAME = 'my-shop'\nfrom importlib.metadata import version\nversion(NAME)", True),
        ("from importlib.metadata import version\nprint('my-shop', version('flask'))", False),
        ("@click.version_option()\ndef main(): pass", True),
        ("from importlib.metadata import version\nversion('flask')", False),
        ("print('my-shop')", False),
        ("if __name__ == '__main__':\n    import importlib.metadata", False),
    ],
)
def test_who_asks_for_itself(text: str, expected: bool) -> None:
    """By its name or by its module's; another distribution's metadata is another matter."""
    assert distribution.asks_for_itself("my-shop", [b"", text.encode()]) is expected


def project(folder: Path, code: str, more: str = "") -> Sidecar:
    """A project of one script."""
    (folder / "main.py").write_text(code, encoding="utf-8")
    said = f'[project]\nname = "my-shop"\nversion = "1.0"\ndescription = "Sells"\n{more}'
    (folder / "pyproject.toml").write_text(said, encoding="utf-8")
    return load(folder)


def test_only_copies_have_it(tmp_path: Path) -> None:
    """The author's folder stays as it is, and a program that never asks gets nothing."""
    folder, place = tmp_path / "folder", tmp_path / "place"
    folder.mkdir()
    silent = project(folder, "print('READY')\n")
    assert silent.distribution is None
    assert copies.startable(silent)[0] == folder
    asks = project(folder, "from importlib.metadata import version\nversion('my-shop')\n")
    copies.stage(asks, place)
    assert sorted(path.name for path in folder.iterdir()) == ["main.py", "pyproject.toml"]
    (found,) = importlib.metadata.distributions(path=[str(place)])
    assert (found.name, found.version) == ("my-shop", "1.0")


@pytest.mark.parametrize("entry", ["main.py", "-m shop"])
def test_what_a_copy_needs_to_start_is_named_whole(tmp_path: Path, entry: str) -> None:
    """A copy of the files that are named finds the project's plug-ins as the program does."""
    points = '[project.entry-points."shop.tills"]\npaper = "shop.tills:open"\n'
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__main__.py").write_text("print('READY')\n", encoding="utf-8")
    told = f'{points}[tool.sidecar]\nentry = "{entry}"\n'
    sources, script, files = copies.startable(project(tmp_path, "print('READY')\n", told))
    assert script.relative_to(sources) in files
    assert all((sources / path).is_file() for path in files)
    assert Path("my_shop-1.0.dist-info/entry_points.txt") in files


def test_the_metadata_key_may_name_the_project_itself(tmp_path: Path) -> None:
    """It is no dependency, so that no environment has it."""
    told = '[tool.sidecar]\nmetadata = ["My_Shop", "flask"]\n'
    sidecar = project(tmp_path, "print('READY')\n", told)
    assert sidecar.distribution is not None
    assert sidecar.other_metadata == ("flask",)


def test_another_description_is_another_artifact_only_where_it_ships(tmp_path: Path) -> None:
    """Whoever never asks for it need not build again."""
    silent = project(tmp_path, "print('READY')\n")
    before = silent.source_sha256()
    manifest = tmp_path / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("Sells", "Buys"), encoding="utf-8")
    assert load(tmp_path).source_sha256() == before
    asking = "import importlib.metadata\nimportlib.metadata.metadata('my-shop')\n"
    asks = project(tmp_path, asking).source_sha256()
    manifest.write_text(text.replace("Sells", "Buys"), encoding="utf-8")
    assert load(tmp_path).source_sha256() != asks


def test_a_declared_plugin_is_loaded_by_name(tmp_path: Path) -> None:
    """Its module ships without a key of its own."""
    points = '[project.entry-points."shop.tills"]\npaper = "tills.paper:open"\n'
    sidecar = project(tmp_path, "print('READY')\n", points)
    assert sidecar.loaded_by_name == ("tills.paper",)
    assert sidecar.distribution is not None
