"""Name, version, dependencies and commands of projects as people have them."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.core.workspace import command_path
from spike.project import dependency_files, metadata
from spike.project.sources import NOT_OF_THE_PROGRAM

BASE = '[project]\nname = "demo"\n'


def read(folder: Path, text: str, **chosen: tuple[str, ...]) -> metadata.Metadata:
    return metadata.read(tomllib.loads(text), folder, **chosen)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


DYNAMIC = BASE + 'dynamic = ["version"]\n'


@pytest.mark.parametrize(
    "settings",
    [
        '[tool.hatch.version]\npath = "src/demo/version.py"',
        '[tool.hatch.version]\npath = "src/demo/other.py"\npattern = "v=(?P<version>\\\\S+)"',
        '[tool.setuptools.dynamic]\nversion = { attr = "demo.version.__version__" }',
        '[tool.setuptools.dynamic]\nversion = { file = "VERSION" }',
        '[tool.setuptools.dynamic]\nversion = { file = ["VERSION"] }',
        '[tool.pdm.version]\nsource = "file"\npath = "src/demo/version.py"',
        '[tool.poetry]\nversion = "1.2.3"',
        '[build-system]\nbuild-backend = "flit_core.buildapi"\n[tool.flit.module]\n'
        'name = "demo.version"',
    ],
)
def test_a_version_that_stands_in_a_file_is_read(tmp_path: Path, settings: str) -> None:
    """Without running anything of the project's."""
    write(
        tmp_path,
        src__demo__version_dot_py='import sys\n__version__ = "1.2.3"\n',
        src__demo__other_dot_py="v=1.2.3\n",
        VERSION="1.2.3\n",
    )
    assert read(tmp_path, DYNAMIC + settings).version == "1.2.3"


@pytest.mark.parametrize(
    "text",
    [
        DYNAMIC + '[tool.hatch.version]\nsource = "vcs"',
        DYNAMIC + '[tool.setuptools.dynamic]\nversion = { attr = "demo.made.VERSION" }',
        DYNAMIC + "[tool.setuptools_scm]",
        BASE + 'version = "1"\ndynamic = ["dependencies"]',
        '[tool.poetry]\nname = "demo"\nversion = "1"',
        '[build-system]\nrequires = ["setuptools"]',
    ],
)
def test_what_only_the_backend_knows_is_asked_of_it_once(tmp_path: Path, text: str) -> None:
    """By the lock; afterwards its head says it, as long as the project's files are the same."""
    write(tmp_path, pyproject_dot_toml=text, demo__made_dot_py="VERSION = made()\n")
    with pytest.raises(metadata.NeedsBuildError) as caught:
        read(tmp_path, text)
    assert caught.value.try_next == f"nox -s lock -- --sidecar {command_path(tmp_path)}"
    facts = {
        "name": "demo",
        "version": "1.dev3",
        "dependencies": [
            "click>=8",
            'uvicorn; extra == "web"',
            'x; os_name == "a" and extra == "web"',
        ],
        "requires_python": ">=3.9",
        "scripts": {"demo": "demo:main"},
        "extras": ["web"],
    }
    lock = tmp_path / metadata.LOCK_NAME
    lock.write_text("# Made by nox -s lock for: []\n" + metadata.note(facts, tmp_path) + "\n")
    found = read(tmp_path, text)
    assert (found.version, found.dependencies, found.source) == ("1.dev3", ("click>=8",), "built")
    assert found.scripts == {"demo": "demo:main"}
    assert read(tmp_path, text, extras=("web",)).dependencies == (
        *("click>=8", "uvicorn", 'x; os_name == "a"'),
    )
    with pytest.raises(SidecarError, match="names 'gone', and the project has web"):
        read(tmp_path, text, extras=("gone",))
    (tmp_path / "pyproject.toml").write_text(text + "\n# changed\n")
    with pytest.raises(metadata.NeedsBuildError):
        read(tmp_path, text)


def test_dynamic_dependencies_of_setuptools_are_read(tmp_path: Path) -> None:
    """From the files that it names, with what these include."""
    write(
        tmp_path,
        requirements_dot_txt="# web\nclick>=8  # the cli\n-r more.txt\n--no-binary x\n\n"
        "pinned==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n-e ./lib\n",
        more_dot_txt="anyio ; os_name == 'posix'\n",
    )
    text = (
        BASE + 'version = "1"\ndynamic = ["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = { file = ["requirements.txt"] }'
    )
    assert read(tmp_path, text).dependencies == (
        *("click>=8", "anyio ; os_name == 'posix'", "pinned==1", "./lib"),
    )
    (tmp_path / "more.txt").unlink()
    with pytest.raises(SidecarError, match=r"more\.txt, which pyproject.toml relies on"):
        read(tmp_path, text)


def test_requirements_beside_a_project_without_dependencies_count(tmp_path: Path) -> None:
    """Many applications have nothing else; a list in the project wins."""
    write(tmp_path, requirements_dot_txt="click\n")
    found = read(tmp_path, BASE + 'version = "1"')
    assert (found.dependencies, found.source) == (("click",), "requirements.txt")
    (tmp_path / "requirements.txt").write_bytes("click\r\n".encode("utf-16"))
    assert read(tmp_path, BASE + 'version = "1"').dependencies == ("click",), "PowerShell's"
    assert read(tmp_path, BASE + 'version = "1"\ndependencies = []').dependencies == ()


def test_extras_and_groups_are_added(tmp_path: Path) -> None:
    """With the extras that they name themselves, and the groups that they include."""
    text = BASE + (
        'version = "1"\ndependencies = ["click"]\n'
        '[project.optional-dependencies]\nweb = ["uvicorn"]\nall = ["demo[web,Fast_Json]"]\n'
        'fast-json = ["orjson"]\n'
        '[dependency-groups]\nsidecar = ["x", { include-group = "base" }]\nbase = ["y"]\n'
        'bad = [3]\nself = ["demo[web]"]\n'
    )
    assert read(tmp_path, text).dependencies == ("click",)
    assert read(tmp_path, text, extras=("all",)).dependencies == ("click", "uvicorn", "orjson")
    assert read(tmp_path, text, groups=("Sidecar",)).dependencies == ("click", "x", "y")
    assert read(tmp_path, text, groups=("self",)).dependencies == ("click", "uvicorn")
    with pytest.raises(SidecarError, match=r"extras names 'gone', and the project has all"):
        read(tmp_path, text, extras=("gone",))
    with pytest.raises(SidecarError, match=r"groups names 'gone', and the project has bad"):
        read(tmp_path, text, groups=("gone",))
    with pytest.raises(SidecarError, match=r"dependency-groups\.bad has 3"):
        read(tmp_path, text, groups=("bad",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"\[project\] is missing"),
        ("project = 3", r"\[project\] is not a table"),
        ('[project]\nversion = "1"', "project.name is missing"),
        ('[project]\nname = "a b"\nversion = "1"', "not a project name"),
        (BASE, "project.version is missing"),
        (BASE + 'version = "1"\ndependencies = "click"', "not a list of texts"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, says: str) -> None:
    """Each with a right line."""
    with pytest.raises(SidecarError, match=says) as caught:
        read(tmp_path, text)
    assert caught.value.try_next


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "x"\nversion = "1"\noptional-dependencies = ["a"]\n',
        '[project]\nname = "x"\nversion = "1"\n[tool]\nsetuptools = 1\n',
        'dependency-groups = ["a"]\n[project]\nname = "x"\nversion = "1"\n',
        'build-system = "x"\n[project]\nname = "x"\nversion = "1"\n',
        '[project]\nname = "x"\ndynamic = ["version"]\n[tool.hatch]\nversion = "1"\n',
        '[project]\nname = "x"\ndynamic = ["version"]\n[tool.setuptools]\ndynamic = ["version"]\n',
        '[project]\nname = "x"\ndynamic = ["version"]\n'
        "[tool.setuptools.dynamic]\nversion = {file = []}\n",
    ],
)
def test_a_value_of_another_kind_is_no_accident_of_ours(tmp_path: Path, text: str) -> None:
    """It is left out, or it is an error with a name; never another exception."""
    with contextlib.suppress(SidecarError):
        read(tmp_path, text)


def test_requirements_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    """Windows' line ends, a file that includes itself, the project itself."""
    (tmp_path / "requirements.txt").write_bytes(
        b"-r requirements.txt\r\nclick==8.1.8 \\\r\n    --hash=sha256:00\r\n-e .[web]\r\n"
        b"--extra-index-url https://example.org/simple\r\n./lib\r\n"
    )
    path = tmp_path / "requirements.txt"
    assert list(dependency_files.requirements(path)) == ["click==8.1.8", "./lib"]
    assert dependency_files.indexes(tmp_path, "requirements.txt") == [
        "--extra-index-url https://example.org/simple"
    ]


def test_what_decides_versions_beside_the_requirements_is_read(tmp_path: Path) -> None:
    """Constraints, wherever they are included; one at an address is left to the resolver."""
    write(
        tmp_path,
        requirements_dot_txt="-r more.txt\n-c https://example.org/up.txt\n",
        more_dot_txt="--constraint pins.txt\n",
        pins_dot_txt="click<9  # why\n",
        pyproject_dot_toml="[tool.uv]\npackage = false\nsources.x.path = 'x'\n",
    )
    assert dependency_files.rules(tmp_path, "uv.lock") == {}, "that lock has it all"
    assert dependency_files.rules(tmp_path, "requirements.txt") == {
        "constraints": ["-c click<9", "-c https://example.org/up.txt"],
        "sources": {"x": {"path": "x"}},
    }


def test_lists_in_a_folder_of_requirements_are_a_backends_inputs(tmp_path: Path) -> None:
    """A ``setup.py`` reads them; they are no data of the program."""
    before = metadata.inputs_sha256(tmp_path)
    write(tmp_path, requirements__base_dot_txt="click")
    assert metadata.inputs_sha256(tmp_path) != before
    assert NOT_OF_THE_PROGRAM.search("requirements/base.txt")


def test_a_version_that_powershell_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("1.2\n", encoding="utf-16")
    text = '[project]\nname = "x"\ndynamic = ["version"]\n'
    text += '[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n'
    assert read(tmp_path, text).version == "1.2"


def test_a_setup_cfg_of_flake8_describes_no_project(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[flake8]\nmax-line-length = 100\n")
    assert not metadata.has_backend({}, tmp_path)
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = x\n")
    assert metadata.has_backend({}, tmp_path)


@pytest.mark.parametrize(
    ("text", "chosen", "expected"),
    [
        ("x>=1", set(), "x>=1"),
        ('x>=1 ; extra == "pg"', {"pg"}, "x>=1"),
        ('x>=1 ; extra == "pg"', {"web"}, ""),
        ('x>=1 ; extra == "pg" or extra == "all"', {"all"}, "x>=1"),
        (
            'x ; (os_name == \'nt\') and (extra == "pg" or extra == "all")',
            {"pg"},
            "x ; (os_name == 'nt') and (python_version >= '3' or python_version < '3')",
        ),
    ],
)
def test_a_requirement_of_several_extras_counts_for_each(
    text: str, chosen: set[str], expected: str
) -> None:
    assert metadata._with_extras(text, chosen) == expected
