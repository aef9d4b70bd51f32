"""The folders of a project's own modules are read from settings and from code."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from spike.project import roots


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('[tool.setuptools.package-dir]\n"" = "lib"', ["lib"]),
        ('[tool.setuptools.package-dir]\napp = "lib/app"', ["lib"]),
        ('[tool.setuptools.packages.find]\nwhere = ["python"]', ["python"]),
        ('[tool.hatch.build.targets.wheel]\npackages = ["lib/app"]', ["lib"]),
        ('[tool.hatch.build.targets.wheel]\nsources = ["lib"]', ["lib"]),
        ('[tool.hatch.build]\ndev-mode-dirs = ["python"]', ["python"]),
        ('[[tool.poetry.packages]]\ninclude = "app"\nfrom = "lib"', ["lib"]),
        ('[tool.uv.build-backend]\nmodule-root = "python"', ["python"]),
        ('[tool.uv.build-backend]\nmodule-root = ""', ["."]),
        ('[tool.pdm.build]\npackage-dir = "lib"', ["lib"]),
        ('[tool.maturin]\npython-source = "python"', ["python"]),
        ('[tool.pytest.ini_options]\npythonpath = ["lib", "."]', ["lib", "."]),
        ('[tool.setuptools.packages.find]\nwhere = ["gone", "../x", "/x"]', []),
        ("[tool]\nsetuptools = 3\nhatch = []", []),
    ],
)
def test_the_backends_settings_name_folders(
    tmp_path: Path, settings: str, expected: list[str]
) -> None:
    """Every common backend's way to say it; what is not in the folder is left out."""
    for name in ("lib", "python"):
        (tmp_path / name).mkdir()
    assert list(roots.configured(tomllib.loads(settings), tmp_path)) == expected


def test_setup_files_and_src_are_read_too(tmp_path: Path) -> None:
    """setup.cfg, setup.py and a folder src, which needs no words."""
    for name in ("src", "one", "two", "three"):
        (tmp_path / name).mkdir()
    assert roots.configured({}, tmp_path) == ("src",)
    (tmp_path / "setup.cfg").write_text(
        "[options]\npackage_dir =\n    = one\n[options.packages.find]\nwhere = two\n"
    )
    (tmp_path / "setup.py").write_text(
        "setup(packages=find_packages('three'), package_dir={'': x})"
    )
    assert roots.configured({}, tmp_path) == ("one", "two", "three", "src")
    (tmp_path / "setup.cfg").write_text("nonsense")
    (tmp_path / "setup.py").write_text("setup(packages=find_packages(where='three'), 1")
    assert roots.configured({}, tmp_path) == ("src",)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sys.path.insert(0, str(Path(__file__).resolve().parent / 'vendor'))", "vendor"),
        ("sys.path.append(os.path.join(os.path.dirname(__file__), 'a', 'b'))", "a/b"),
        ("sys.path.append(os.path.dirname(os.path.abspath(__file__)) + '/lib')", "lib"),
        ("HERE = Path(__file__).parent\nsys.path.insert(0, f'{HERE}/lib')", "lib"),
        ("HERE = pathlib.Path(__file__).parent\nsys.path[0:0] = [str(HERE / 'x')]", "x"),
        ("sys.path = [str(Path(__file__).parent.joinpath('x'))] + sys.path", "x"),
        ("sys.path = [os.path.realpath('x'), *sys.path]", "x"),
        ("sys.path += ['x']", "x"),
        ("sys.path.extend(['x'])", "x"),
        ("import site\nsite.addsitedir('x')", "x"),
        ("for part in ['x']:\n    sys.path.append(os.path.join('lib', part))", "lib/x"),
        ("sys.path.insert(0, str(Path(__file__).resolve().parents[0]))", "."),
        ("sys.path.append(os.getcwd())", "."),
    ],
)
def test_a_change_of_the_module_path_is_followed(
    tmp_path: Path, source: str, expected: str
) -> None:
    """People write it in many ways; all of them come down to a folder."""
    changes = roots.path_changes(ast.parse(source), tmp_path / "main.py", tmp_path)
    assert changes == roots.PathChanges(folders=(tmp_path / expected,))


@pytest.mark.parametrize(
    "source",
    [
        "sys.path.insert(0, os.environ['PLUGINS'])",
        "sys.path.extend(find_plugins())",
        "sys.path = places",
        "sys.meta_path.insert(0, Finder())",
        "sys.modules['x'] = y",
        "x = 1\nsys.path.append(HERE)",
    ],
)
def test_a_change_that_cannot_be_followed_is_admitted(tmp_path: Path, source: str) -> None:
    """It is a reason to doubt, and to build all the same."""
    changes = roots.path_changes(ast.parse(source), tmp_path / "main.py", tmp_path)
    assert changes.folders == ()
    assert changes.unknown == len(source.splitlines())
