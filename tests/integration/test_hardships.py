"""A handful of hardships against the real frozen binaries that are in dist/."""

from __future__ import annotations

import pytest

from benchmarks.hardships import report, runner
from benchmarks.hardships.verdict import Outcome
from spike import buildinfo, residue, sidecar
from spike.buildinfo import Built
from spike.errors import SpikeError
from spike.packagers import variant_named

pytestmark = pytest.mark.integration


def built(name: str) -> Built:
    """A variant's build; the test is skipped when it is not there."""
    try:
        return buildinfo.find(variant_named(name), sidecar.load())
    except SpikeError as error:
        pytest.skip(str(error))


def done(case: str, variant: str) -> runner.Done:
    """One case on one variant."""
    residue.adopt_orphans()
    (target,) = report.targets([built(variant)])
    result = runner.run_one(case, target, runner.SEED)
    assert not result.broken, result.reason
    return result


VARIANTS = ("nuitka-onefile", "nuitka-standalone", "pyinstaller-onefile", "pyinstaller-onedir")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", ["sigterm_at_rest", "stdin_end_of_file", "path_awkward"])
def test_every_variant_bears_the_everyday(case: str, variant: str) -> None:
    """A stop, the host's end and an awkward path are borne by all of them."""
    assert done(case, variant).outcome is Outcome.AS_EXPECTED


def test_the_suite_sees_an_orphan() -> None:
    """PyInstaller's onefile leaves Python running when its launcher is killed."""
    result = done("sigkill_at_rest", "pyinstaller-onefile")
    assert result.outcome is Outcome.WRONG
    assert result.finding is not None
    assert len(result.finding.processes_left) == 1


def test_the_suite_sees_files_left_behind() -> None:
    """Nuitka's onefile dies of SIGHUP before it can remove what it unpacked."""
    result = done("sighup_at_rest", "nuitka-onefile")
    assert result.outcome is Outcome.WRONG
    assert result.finding is not None
    assert result.finding.bytes_left > 1_000_000


def test_a_full_temporary_folder_is_the_cases_own() -> None:
    """The mount lives in a namespace: what the suite's own /tmp holds is untouched."""
    result = done("tmpdir_full", "pyinstaller-onedir")
    if result.outcome is Outcome.NOT_RUN:
        pytest.skip(result.reason)
    assert result.outcome is Outcome.AS_EXPECTED


@pytest.mark.parametrize("case", ["truncated", "sigterm_during_start"])
def test_a_sweep_tells_how_many(case: str) -> None:
    """Counts add up to the number of tries."""
    result = done(case, "nuitka-onefile")
    assert result.finding is not None
    assert sum(result.finding.counts.values()) in (10, 20)
