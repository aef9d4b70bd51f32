"""The recipes beyond the packagers' defaults: the same program, sooner and in one piece."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spike.build.buildinfo import Built
from spike.core.errors import MissingToolError
from spike.core.workspace import TOOL as ROOT
from spike.launch import launcher, leftovers
from spike.launch.spec import LaunchSpec
from spike.packagers import VARIANTS
from spike.project import interpreters
from spike.project.sidecar import load
from tests.support import sidecars
from tests.support.commands import nox

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="these recipes are for Linux"),
]

Build = Callable[..., Built]

SINGLE_FILES = [pytest.param("nuitka-single", marks=pytest.mark.nightly), "nuitka-lean"]
QUICK = ("nuitka-lean", "pyinstaller-onefile-lean", "cpython-folder")
"""Recipes whose builds take seconds; the others are for the long run."""
EXTRA = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.nightly)
    for name, variant in VARIANTS.items()
    if not variant.mode.default and variant.mode.name != "spec"  # which needs a file of its own
]
INTROSPECTION = "tests/sidecars/introspection"
ASYNCIO = "tests/sidecars/introspection_asyncio"


def facts(program: Path) -> dict[str, Any]:
    done = subprocess.run([program, "--facts"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("variant", EXTRA)
def test_every_recipe_lives_a_whole_life(built: Build, variant: str) -> None:
    """READY exactly once, a clean stop by SIGTERM, no process and no file left."""
    found = built(variant)
    spec = LaunchSpec(argv=(str(found.artifact), "--heartbeat", "0.05"), settle_s=0.3)
    done = launcher.launch(spec, inspect=leftovers.inspect)
    assert done.ok, done
    assert "HEARTBEAT n=1" in done.stdout_tail


@pytest.mark.parametrize("variant", SINGLE_FILES)
def test_a_single_file_runs_alone_from_an_empty_folder(
    built: Build, variant: str, tmp_path: Path
) -> None:
    """Nothing of it is left behind in dist, and it writes nothing at all."""
    found = built(variant)
    assert found.info.folder == ""
    beside = {path.name for path in found.artifact.parent.iterdir()}
    assert beside == {found.artifact.name}
    program = tmp_path / "alone" / "program"
    program.parent.mkdir()
    shutil.copy2(found.artifact, program)
    done = launcher.launch(LaunchSpec(argv=(str(program),)), inspect=leftovers.inspect)
    assert done.ok, done
    assert [path.name for path in program.parent.iterdir()] == ["program"]


def test_inspect_says_the_same_when_it_is_lazy(built: Build) -> None:
    """dataclasses, typing, inspect, and coroutines decorated before inspect was imported."""
    eager = facts(built("nuitka-single", INTROSPECTION).artifact)
    lean = facts(built("nuitka-lean", INTROSPECTION).artifact)
    # The one difference is the point: at first the lean program has not imported inspect. It
    # then has, because awaiting a generator-based coroutine needs it.
    assert lean == eager
    assert lean["states"] == [
        *("GEN_CREATED", "GEN_SUSPENDED", [], "GEN_CLOSED"),
        *("CORO_CREATED", "CORO_CLOSED"),
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_newer_pythons_say_the_same_when_it_is_lazy(version: str, tmp_path: Path) -> None:
    """What more Nuitka does at start there waits as well, and then is done: see start_up.py."""
    try:
        python = interpreters.find(version)
    except MissingToolError:
        pytest.skip(f"there is no Python {version} here")
    name = f"lazy-{version.replace('.', '')}"
    main = (ROOT / INTROSPECTION / "main.py").read_text(encoding="utf-8")
    folder = sidecars.write(tmp_path / name, name=name, main=main)
    said = {}
    with sidecars.cleaned(name):
        for mode in ("single", "lean", "standalone-lean"):
            done = sidecars.nox("build_nuitka", folder, "--mode", mode, "--python", version)
            assert done.returncode == 0, done.stdout
            place = load(folder, version).workspace.artifact_folder("nuitka", mode)
            said[mode] = facts(place / "main.dist" / "main.bin")
    assert said["lean"] == said["standalone-lean"]
    plain = subprocess.run([python, folder / "main.py", "--facts"], capture_output=True, check=True)
    script = json.loads(plain.stdout)
    assert said["lean"]["frame"] == script["frame"]
    assert said["lean"]["states"] == script["states"]
    # Only inspect's own presence at first differs, which is the point.
    assert {**said["single"], "before": None} == {**said["lean"], "before": None}


@pytest.mark.nightly
def test_a_program_without_inspect_never_imports_it(built: Build, tmp_path: Path) -> None:
    """The hello sidecar's lean program has no inspect in it; the single one imports it at start."""
    verbose = {**os.environ, "PYTHONVERBOSE": "1"}
    for variant, imports in (("nuitka-single", True), ("nuitka-lean", False)):
        traced = tmp_path / variant
        with traced.open("w") as stream:
            process = subprocess.Popen(
                [built(variant).artifact], env=verbose, stdout=subprocess.PIPE, stderr=stream
            )
            with process:
                assert process.stdout is not None
                assert b"READY\n" in iter(process.stdout.readline, b"")
                process.terminate()
        assert ("inspect" in traced.read_text()) is imports


@pytest.mark.nightly
def test_asyncio_works_the_same_in_a_lean_folder(built: Build) -> None:
    """An event loop, threads, a subprocess, async generators and context managers."""
    lean = facts(built("nuitka-standalone-lean", ASYNCIO).artifact)
    assert lean == facts(built("nuitka-standalone", ASYNCIO).artifact)
    assert lean["work"] == [True, True, "stepped", [1, 2, "timed out", 0], [0, 1, 2]]
    assert lean["accelerators"] == [True]


def test_a_program_that_needs_a_file_beside_it_is_refused(tmp_path: Path) -> None:
    """At once and by name, before a compiler is started."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "needs-ctypes"\nversion = "1"\n')
    (tmp_path / "main.py").write_text("import ctypes\nprint('READY', flush=True)\n")
    done = nox("build_nuitka", "--mode", "lean", "--sidecar", str(tmp_path))
    assert done.returncode != 0
    assert "it needs the module '_ctypes', which is a file of its own (_ctypes" in done.stdout
    assert "imported by ctypes" in done.stdout
    assert "--mode standalone" in done.stdout
    assert "-m nuitka" not in done.stdout


@pytest.mark.nightly
def test_what_the_sources_do_not_show_is_missed_in_plain_words(
    built: Build, tmp_path: Path
) -> None:
    """The price of leaving out the unreachable: an ImportError that names the module."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "hidden"\nversion = "1"\n')
    (tmp_path / "main.py").write_text(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "if '--hidden' in sys.argv:\n    __import__('js' + 'on')\n"
        "print('READY', flush=True)\nsys.stdin.read()\n"
    )
    program = built("nuitka-lean", str(tmp_path)).artifact
    done = subprocess.run([program, "--hidden"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Module 'json' was actively excluded" in done.stderr
    assert "list it in hidden_imports" in done.stderr


@pytest.mark.nightly
def test_the_cached_build_unpacks_once(built: Build, tmp_path: Path) -> None:
    """The first launch fills the user's cache, later ones leave it as it is, and all stop."""
    program = built("nuitka-cached").artifact
    spec = LaunchSpec(argv=(str(program),), env={"XDG_CACHE_HOME": str(tmp_path)})
    assert launcher.launch(spec).ok
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert files
    assert all(path.is_relative_to(tmp_path / "sidecar-hello") for path in files)
    assert launcher.launch(spec).ok
    assert {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()
    } == files
