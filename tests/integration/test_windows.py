"""Windows under Wine in its shortest form: a packager, few lives, the host's own tests."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from spike.measure import results
from spike.wine import proof
from spike.wine.compiler import Compiler
from spike.wine.prefix import Wine, windows_path
from spike.wine.proof import Proof
from tests.support.commands import nox
from tests.support.wine import everything

pytestmark = pytest.mark.integration

ASKS = """\
#include <stdio.h>
#include <windows.h>
int main(void) { return puts(GetDesktopWindow() ? "a desktop" : "none") < 0; }
"""


def test_a_program_that_needs_the_desktop_lets_go_of_its_pipe(tmp_path: Path) -> None:
    """Also when nothing has run for a while, and Wine would start a desktop for it."""
    everything(Wine(folder=proof.folder()))
    place = Wine(folder=tmp_path / "windows")
    source = tmp_path / "asks.c"
    source.write_text(ASKS, encoding="ascii")
    program = source.with_suffix(".exe")
    compiler = ("x86_64-w64-mingw32-gcc", "-o", program, source, "-luser32")
    subprocess.run(compiler, check=True)
    place.start()
    try:
        time.sleep(3)
        done = subprocess.run(
            ["wine", program],
            env={**os.environ, **place.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        )
    finally:
        place.stop()
    assert done.stdout == "a desktop\n"


def test_what_a_packager_builds_for_windows_starts_stops_and_leaves_nothing() -> None:
    """Launched, stopped and killed behind the supervisor, by the session that tries all of it."""
    place = Wine(folder=proof.folder())
    everything(place)
    done = nox("windows", "--short", "--packager", "cx_freeze", "--launches", "3")
    assert done.returncode == 0, done.stdout
    folder = proof.project_folder(place) / "benchmarks" / "results" / "windows-x64"
    bench = results.load_file(results.files(folder)["reliability"], remedy="")
    assert bench
    assert str(bench.provenance["emulated"]).startswith("wine ")


def test_a_step_that_hangs_is_ended_and_the_next_one_tried(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What it left running is named, and a Wine without it is what the next step finds."""
    place = Wine(folder=proof.folder())
    everything(place)
    place.start()
    try:
        with Compiler(place.folder / "mingw64") as compiler:
            project = proof.project_in(place)
            steps = Proof(place=place, project=project, compiler=compiler, step_s=10)
            words = ("-c", "import time; print('begun', flush=True); time.sleep(99)")
            steps.step("hangs", None, *words)
            steps.step("goes on", None, "-c", "print('on')")
    finally:
        place.stop()
    hung, done = steps.steps
    assert not hung.ok
    assert hung.said == "not over after 10 s: begun"
    assert "stays.exe" in capfd.readouterr().out.partition("still running in Wine:")[2]
    assert done.ok
    assert done.said == "on"


def test_a_step_is_run_again_when_wines_server_dies(tmp_path: Path) -> None:
    """What has waited for it is ended at once; the step says that it was run once more."""
    place = Wine(folder=proof.folder())
    everything(place)
    place.start()
    mark = tmp_path / "began"
    began = time.monotonic()

    def crash() -> None:
        while not mark.exists():
            time.sleep(0.1)
        os.kill(place.watch.pid, signal.SIGSEGV)

    crashing = threading.Thread(target=crash)
    crashing.start()
    try:
        with Compiler(place.folder / "mingw64") as compiler:
            steps = Proof(place=place, project=proof.project_in(place), compiler=compiler)
            path = windows_path(mark)
            again = (
                f"import os, time; again = os.path.exists({path!r}); open({path!r}, 'w').close()"
            )
            steps.step("goes on", None, "-c", f"{again}; again or time.sleep(999); print('on')")
    finally:
        place.stop()
        crashing.join()
    (step,) = steps.steps
    assert step.ok, step
    assert step.said == "on; again, since Wine's server had crashed (1)"
    assert time.monotonic() - began < 300
    assert not place.running()
