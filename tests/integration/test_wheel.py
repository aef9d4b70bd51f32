"""The wheel: from an empty folder with nothing but it to a decision record."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.faults.needs import namespace_options
from commands import topic_tasks, topics
from packaging_spike.cli import FILES
from spike import __version__
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL, platform_id
from spike.measure import results
from spike.packagers import PACKAGERS
from spike.project import interpreters
from spike.scaffold import making
from tests.support import installed
from tests.support.commands import nox
from tests.support.installed import Installed

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not namespace_options(), reason="needs mount namespaces (Linux)"),
]

OTHER = "3.13"
BROUGHT = "packaging_spike/tool/"
FOLDERS = (
    *("packaging_spike", "spike", "benchmarks", "decision", "commands", "locks", "src-tauri"),
    *("sidecar", "docs", "examples/contract", "examples/libraries", "issues/TEMPLATE.md"),
    "examples/frameworks/fastapi_uvicorn",
)
ELSEWHERE = re.compile(
    r"^(benchmarks/report/|docs/.*\.png$|locks/(tools|wheel)\.txt$"
    r"|benchmarks/results/(?!.*/(faults|complexity|host_latency)\.json\.gz$))"
    r"|^benchmarks/results/[^/]+/.+/"
)
"""What stays in the repository: what was measured, pictures, the locks of its own tests."""


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The file that ``nox -s wheel`` makes, which looks at it as well."""
    done = nox("wheel")
    assert done.returncode == 0, done.stdout
    (made,) = (TOOL / installed.WHEELS).glob("*.whl")
    return made


@pytest.fixture(scope="module")
def here(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """It, installed by the Python of the tests."""
    return Installed(tmp_path_factory.mktemp("wheel"), wheel, sys.executable)


def tasks() -> set[str]:
    """Every task of the repository but those about the repository itself."""
    return {
        str(task.name).replace("_", "-").strip("-")
        for topic in topics()
        if topic.__name__ != "commands.dev"
        for task in topic_tasks(topic)
    }


def test_the_wheel_has_what_git_has_and_one_name(wheel: Path) -> None:
    """Each tracked file of the tool, no other, and nothing beside one package."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *FOLDERS],
        cwd=TOOL,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = {
        name
        for name in filter(None, listed.stdout.split("\0"))
        if (TOOL / name).is_file() and not ELSEWHERE.search(name)
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"packaging_spike-{__version__}.dist-info/"
    expected = {name if name.startswith("packaging_spike/") else BROUGHT + name for name in tracked}
    assert {name for name in names if not name.startswith(info)} == expected
    assert {f"{BROUGHT}locks/{packager}.txt" for packager in PACKAGERS} <= names
    assert wheel.stat().st_size < 2_000_000


def test_it_asks_for_what_the_tools_lock_pins(wheel: Path) -> None:
    """One list: the ranges of pyproject.toml, which the lock resolves with the tests' tools."""
    name = f"packaging_spike-{__version__}.dist-info/METADATA"
    text = zipfile.ZipFile(wheel).read(name).decode()
    asked = set(re.findall(r"^Requires-Dist: ([\w.-]+)", text, re.MULTILINE))
    lock = (TOOL / "locks" / "tools.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert {"invoke", "nox", "uv"} <= asked <= pinned
    assert not asked & {"pytest", "mypy", "ruff"}


def life(place: Installed) -> None:
    """From an empty folder to the record, with two files of two lines and a sidecar."""
    before = place.files()
    with pytest.raises(AssertionError, match="Read-only file system"):
        place.run("python", "-c", "import invoke; open(invoke.__file__, 'a')")

    assert place.run("packaging-spike", "--version").split() == ["packaging-spike", __version__]
    assert "tasks.py: written" in place.run("packaging-spike", "init")
    for name in FILES:
        lines = (place.root / name).read_text(encoding="utf-8").splitlines()
        assert len(list(filter(None, lines))) == 2
    place.write(installed.SIDECAR)

    listed = json.loads(place.run("invoke", "--list", "--list-format=json"))
    assert {task["name"] for task in listed["tasks"]} == tasks()
    sessions = set(re.findall(r"^- (\w+)", place.run("nox", "--list"), re.MULTILINE))
    assert sessions == {*(f"build_{name}" for name in PACKAGERS), "sidecar_env", "lock"}
    assert "Tauri host" in place.run("invoke", "doctor", codes=(0, 2))
    place.run("nox", "-s", "build_pyinstaller")
    assert (place.root / "dist" / "pyinstaller" / "theirs").is_file()
    assert "pyinstaller-onefile" in place.run("invoke", "bench", "--launches", "3")
    place.run("invoke", "adr")
    record = (place.root / "decision-record.md").read_text(encoding="utf-8")
    assert "pyinstaller-onefile" in record
    assert "complexity" not in results.files(place.root / "benchmarks/results" / platform_id())
    place.run("invoke", "adr", "--check")

    # Nothing lies elsewhere, and what was published leads to what is there.
    kept = [path for path in place.home.rglob("*") if path.is_file()]
    assert {path.relative_to(place.home).parts[0] for path in kept} <= {".cache"}
    assert list(place.temporary.iterdir()) == []
    published = [place.root / "decision-record.md", *(place.root / "benchmarks").rglob("*.md")]
    assert len(published) > 2
    for page in published:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)|^\[[^]]+\]: (\S+)", text, re.MULTILINE):
            link = "".join(target)
            assert "://" in link or (page.parent / link).exists(), f"{page.name}: {link}"
        for secret in (place.environment, place.root, TOOL):
            assert str(secret) not in text
    # Which results count for every sidecar, the wheel knows.
    assert "the tool's own" in place.run("invoke", "recommend", codes=(0, 1))
    assert place.files() == before


def test_from_an_empty_folder(here: Installed) -> None:
    """By the Python of the tests; the tool is read-only, and as it was afterwards."""
    life(here)


@pytest.mark.nightly
def test_from_an_empty_folder_by_another_python(wheel: Path, tmp_path: Path) -> None:
    """The same, by another Python."""
    try:
        python = interpreters.find(OTHER)
    except SpikeError:
        pytest.skip(f"there is no Python {OTHER}")
    life(Installed(tmp_path, wheel, str(python)))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["invoke", "size"], "nox -s build_"),
        (["invoke", "bench", "--sidecar", "nowhere"], "--sidecar"),
        (["invoke", "doctor", "--windows"], "invoke doctor"),
        (["invoke", "contract", "--", "./nothing"], "invoke contract -- "),
        (["invoke", "issue", "--list"], "issues/TEMPLATE.md"),
        (["invoke", "fit", "--sidecar", "bare"], 'write into it: [project], name = "bare"'),
        (["python", "-m", "packaging_spike.reproduce", "no_case", "x"], "invoke faults --list"),
        (["python", "-m", "packaging_spike.reproduce", "sighup_at_rest", "x"], "--variant"),
        (["packaging-spike", "init"], "tasks.py is there already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_hold_there_too(here: Installed, words: list[str], named: str) -> None:
    """No command and no file is named that only a clone has."""
    root, here.root = here.root, here.root.with_name("mistakes")
    try:
        shutil.rmtree(here.root, ignore_errors=True)
        here.write({**FILES, **installed.SIDECAR, "bare/main.py": "", "issues/0001-x.md": "# x\n"})
        if words[0] == "packaging-spike":
            here.write({"tasks.py": "from invoke import task\n"})
        told = here.run(*words, codes=(2,))
    finally:
        here.root = root
    assert "error: " in told
    assert named in told
    for wrong in ("bootstrap.py", ".venv", "python -m benchmarks"):
        assert wrong not in told
    brought = re.findall(rf"{re.escape(str(here.environment))}\S*?\.(?:md|toml|py)\b", told)
    assert bool(brought) == ("/" in named and "invoke" not in named)
    assert all(Path(path).is_file() for path in brought), brought


@pytest.mark.parametrize("name", FILES)
def test_a_module_of_the_same_name_is_said(here: Installed, name: str) -> None:
    """Two modules cannot have one name in one process; which it is, and what to do."""
    program, root = {"tasks.py": "invoke", "noxfile.py": "nox"}[name], here.root
    here.root = root.with_name(f"clash-{program}")
    try:
        here.write({name: f"{FILES[name]}import spike\n", "spike.py": "MINE = True\n"})
        told = here.run(program, "--list", codes=(2,))
        assert f"error: {name} needs modules of its own" in told
        assert f"spike ({name})" in told

        # What the error says to do works.
        assert "written" in here.run("packaging-spike", "init", "measure")
        here.root /= "measure"
        assert len(here.run(program, "--list").splitlines()) > 5
    finally:
        here.root = root


def test_a_new_application_is_that_of_a_clone(here: Installed) -> None:
    """Byte by byte; and its next commands need nothing but the environment that is active."""
    told = here.run("packaging-spike", "new", "new one")
    assert "export" not in told
    made = here.root / "new one"
    found = {path.relative_to(made).as_posix(): path for path in made.rglob("*") if path.is_file()}
    content = making.files("new-one", "com.example.new-one")
    assert {name: path.read_bytes() for name, path in found.items()} == content
