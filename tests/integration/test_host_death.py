"""The host is killed without a word, at random moments: no sidecar may outlive it."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spike.build.buildinfo import Built
from spike.core import process
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL as ROOT
from spike.host import application, staging
from spike.host.staging import Launching
from spike.launch import leftovers
from spike.launch.procs import GONE, Process
from spike.launch.spec import MARK
from spike.packagers import DEFAULT_VARIANTS

pytestmark = [pytest.mark.integration, pytest.mark.host, pytest.mark.nightly]

MOMENTS = 50
LATEST_S = 2.5
"""From before the launch, through unpacking, to well after READY; later on a machine that is busy:
up to twice the time after which a first host has launched its sidecar."""

FIRST_TIMEOUT_S = 30.0

SEED = 20260115
SIDE_BY_SIDE = 2
GONE_WITHIN_S = 10.0
"""Nuitka's onefile child notices its parent's end by a poll each second; the rest is load."""

OURS = "SIDECAR_LAUNCH_ID"
"""The supervisor's mark: tells the sidecar's processes from those of the window."""


@pytest.mark.parametrize("variant", DEFAULT_VARIANTS)
def test_no_sidecar_outlives_a_killed_host(
    built: Callable[..., Built], tmp_path: Path, variant: str
) -> None:
    """SIGKILL of the host at 50 random moments leaves no sidecar; the next host clears up."""
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))
    item = built(variant)
    launcher = application.build_launcher() if item.folder else None
    package = application.package(
        staging.stage(item, launcher, Launching()), ROOT / "build" / "host" / "death" / variant
    )
    generator = random.Random(SEED)
    with (
        application.display() as screen,
        application.surroundings(screen) as (changes, _, tmp),
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        environment = {**os.environ, **changes}
        latest_s = max(LATEST_S, 2 * _time_to_launch(package.host, environment))
        moments = [generator.uniform(0.0, latest_s) for _ in range(MOMENTS)]
        outcomes = list(pool.map(lambda at: _kill_at(at, package.host, environment), moments))
        launched = sum(seen for seen, _ in outcomes)
        left = {at: names for at, (_, names) in zip(moments, outcomes, strict=True) if names}
        assert not left, f"outlived the host that was killed at this second: {left}"
        assert launched >= MOMENTS // 4, f"only {launched} hosts had launched their sidecar"
        # The last host is killed too late to clear up; one that lives long enough does it.
        out = tmp_path / "journal.json"
        words = [str(package.host), "--self-test", str(out), "--scenario", "ready"]
        done = process.capture(words, env=environment)
        assert done.ok, done.errors
        assert [path.name for path in tmp.iterdir()] == []


def _time_to_launch(host: Path, environment: dict[str, str]) -> float:
    """Seconds from the start of a host to the moment when its sidecar is seen."""
    mark = f"{environment[MARK]}-first"
    started = time.monotonic()
    child = process.spawn(
        [str(host)],
        env={**environment, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _sidecars(mark) and time.monotonic() - started < FIRST_TIMEOUT_S:
            time.sleep(0.02)
        return time.monotonic() - started
    finally:
        child.terminate()
        child.wait()


def _kill_at(moment_s: float, host: Path, environment: dict[str, str]) -> tuple[bool, list[str]]:
    """Start a host, kill it; tell whether a sidecar ran then, and which are left of it."""
    mark = f"{environment[MARK]}-{moment_s}"
    child = process.spawn(
        [str(host)],
        env={**environment, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(moment_s)
        seen = bool(_sidecars(mark))
    finally:
        child.kill()
        child.wait()
    deadline = time.monotonic() + GONE_WITHIN_S
    while (left := _sidecars(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    names = [leftovers.command_line(found) for found in left]
    leftovers.end(left)
    leftovers.end(leftovers.wait_until_gone(mark, GONE_WITHIN_S))
    return seen, names


def _sidecars(mark: str) -> list[Process]:
    found = []
    for candidate in leftovers.survivors(mark):
        try:
            if OURS in candidate.environ():
                found.append(candidate)
        except GONE:
            continue
    return found
