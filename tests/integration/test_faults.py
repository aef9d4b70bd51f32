"""A handful of faults against real frozen binaries."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from benchmarks import chaos
from benchmarks.faults import runner, supervised, targets
from benchmarks.faults.verdict import Status
from spike.build.buildinfo import Built
from spike.core.errors import SpikeError
from spike.host import application
from spike.launch import leftovers

pytestmark = pytest.mark.integration

PROBE = "benchmarks/faults/probe"
VARIANTS = ("nuitka-onefile", "nuitka-standalone", "pyinstaller-onefile", "pyinstaller-onedir")

needs_rust = pytest.mark.skipif(shutil.which("cargo") is None, reason="needs Rust")


def run(case: str, target: targets.FaultTarget) -> runner.CaseRun:
    """One case on one target."""
    leftovers.adopt_orphans()
    case_run = runner.run_one(case, target, runner.SEED)
    assert not case_run.broken, case_run.reason
    return case_run


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", ["sigterm_at_rest", "stdin_end_of_file", "path_awkward"])
def test_every_variant_bears_the_everyday(
    built: Callable[..., Built], case: str, variant: str
) -> None:
    """A stop, the host's end and an awkward path are borne by all of them."""
    (target,) = targets.fault_targets([built(variant)])
    assert run(case, target).status is Status.PASS


def test_every_case_can_be_tried(built: Callable[..., Built]) -> None:
    """Whatever comes of it, no case fails itself, and what it could not do has a reason."""
    built("pyinstaller-onedir", PROBE)
    hello = built("pyinstaller-onedir")
    work = runner.jobs(runner.select(()), targets.fault_targets([hello]))
    done = list(runner.run(work))
    assert len(done) == len(work) > 100
    assert [case_run for case_run in done if case_run.broken] == []
    assert all(case_run.result or case_run.reason for case_run in done)


@pytest.mark.nightly
def test_an_orphan_is_seen(built: Callable[..., Built]) -> None:
    """PyInstaller's onefile leaves Python running when its launcher is killed."""
    (target,) = targets.fault_targets([built("pyinstaller-onefile")])
    case_run = run("sigkill_at_rest", target)
    assert case_run.status is Status.FAIL
    assert case_run.result is not None
    assert len(case_run.result.processes_left) == 1


@pytest.mark.nightly
def test_files_left_behind_are_seen(built: Callable[..., Built]) -> None:
    """Nuitka's onefile dies of SIGHUP before it can remove what it unpacked."""
    (target,) = targets.fault_targets([built("nuitka-onefile")])
    case_run = run("sighup_at_rest", target)
    assert case_run.status is Status.FAIL
    assert case_run.result is not None
    assert case_run.result.bytes_left > 1_000_000


def test_a_mount_is_the_cases_own(built: Callable[..., Built]) -> None:
    """The full file system of the case lives in a namespace and goes with it."""
    (target,) = targets.fault_targets([built("pyinstaller-onedir")])
    case_run = run("tmpdir_full", target)
    if case_run.status is Status.NOT_RUN:
        pytest.skip(case_run.reason)
    assert case_run.status is Status.PASS


@pytest.mark.nightly
@pytest.mark.parametrize(("case", "tries"), [("truncated", 10), ("sigterm_during_start", 20)])
def test_a_sweep_tells_how_many(built: Callable[..., Built], case: str, tries: int) -> None:
    """Counts add up to the number of tries."""
    (target,) = targets.fault_targets([built("nuitka-onefile")])
    case_run = run(case, target)
    assert case_run.result is not None
    assert sum(case_run.result.counts.values()) == tries


@pytest.mark.nightly
def test_the_probe_tells_a_leak_from_what_works(built: Callable[..., Built]) -> None:
    """PyInstaller leaks LD_LIBRARY_PATH into subprocesses, and its spawned workers work."""
    built("pyinstaller-onedir", PROBE)
    (target,) = targets.fault_targets([built("pyinstaller-onedir")])
    assert run("subprocess_environment", target).status is Status.FAIL
    assert run("multiprocessing_spawn", target).status is Status.PASS
    assert run("metadata_and_resources", target).status is Status.PASS


@pytest.mark.nightly
@pytest.mark.parametrize("case", ["sigterm_after_fork", "sigkill_after_fork"])
def test_the_moment_after_a_fork_is_held_open(built: Callable[..., Built], case: str) -> None:
    """PyInstaller's child waits for a launcher that has gone; a folder build starts no child."""
    onefile, onedir = targets.fault_targets(
        [built("pyinstaller-onefile"), built("pyinstaller-onedir")]
    )
    case_run = run(case, onefile)
    if case_run.status is Status.NOT_RUN:
        pytest.skip(case_run.reason)
    assert case_run.status is Status.FAIL
    assert case_run.result is not None
    assert "futex" in case_run.result.processes_left[0]
    assert run(case, onedir).status is Status.PASS


@needs_rust
@pytest.mark.parametrize(
    "case", ["sigkill_at_rest", "sighup_at_rest", "host_vanishes", "sigkill_after_fork"]
)
@pytest.mark.parametrize("variant", ["pyinstaller-onefile", "pyinstaller-onedir"])
def test_behind_the_supervisor_nothing_is_left(
    built: Callable[..., Built], case: str, variant: str
) -> None:
    """Though by itself the one leaves a process and files; the other goes through the launcher."""
    behind = targets.behind_ours(targets.fault_targets([built(variant)]))
    case_run = run(case, next(one for one in behind if one.supervisor))
    assert case_run.status is Status.PASS, case_run


@pytest.mark.host
def test_in_the_real_host_nothing_is_left(built: Callable[..., Built]) -> None:
    """The application is stopped, killed and starved; its sidecar is the one that tends to stay."""
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))
    with supervised.in_host([built("pyinstaller-onefile")]) as programs:
        (program,) = programs.values()
        target = targets.FaultTarget(id="host", hello=program, probe=None, host=True)
        for case in ("sigterm_at_rest", "sigkill_at_rest", "sigquit_at_rest", "host_vanishes"):
            case_run = run(case, target)
            assert case_run.status is Status.PASS, case_run
            assert case_run.result is not None
            assert "READY" in case_run.result.detail or "later" in case_run.result.detail, case_run


@pytest.mark.nightly
@needs_rust
def test_random_lives_leave_nothing(built: Callable[..., Built]) -> None:
    """A short chaos run; `invoke chaos` is the long one."""
    supervised.build()
    counts = chaos.one(built("pyinstaller-onedir").artifact, lifecycles=40, seed=7)
    assert counts["lifecycles"] == 40
    assert counts["violations"] == 0, counts["violations_in_words"]
