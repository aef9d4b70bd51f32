"""Faults and random lives of a sidecar that prints nothing, and is ready when it answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import chaos
from benchmarks.faults import counts
from benchmarks.faults.counts import Cell
from benchmarks.faults.report import NAME
from benchmarks.faults.targets import NOT_OF_HELLO
from benchmarks.faults.verdict import Status
from spike.measure import results
from spike.project.sidecar import Sidecar
from tests.support import sidecars
from tests.support.others import OTHERS, VARIANT, frozen

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="needs Rust"),
]


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """It is frozen once."""
    main, settings = OTHERS["other-silent"]
    folder = tmp_path_factory.mktemp("others") / "faults-silent"
    with frozen(folder, "faults-silent", main, settings) as sidecar:
        yield sidecar


CASES = (
    *("sigterm_at_rest", "sigterm_during_start", "host_vanishes", "stdin_end_of_file"),
    *("path_awkward", "arguments_arrive", "abort", "eight_at_once"),
)


def tried(sidecar: Sidecar, folder: Path) -> dict[tuple[str, str], Cell]:
    """Case and target to what was seen, of the newest run over chosen cases."""
    (path,) = folder.glob(f"{NAME}-*")
    result = results.load_file(path, remedy="")
    assert result is not None
    assert result.sidecar == sidecar.name
    return {(cell.case, cell.target): cell for cell in counts.cells(result)}


def test_each_case_is_tried_or_says_what_it_needs(silent: Sidecar) -> None:
    """By the packager's program and behind our own code; what is not run is not passed."""
    words = [word for case in CASES for word in ("--case", case)]
    done = sidecars.invoke("faults", silent.folder, *words)
    assert done.returncode == 0, done.stdout
    seen = tried(silent, silent.workspace.results / "partial")
    for case in ("sigterm_at_rest", "sigterm_during_start", "path_awkward", "eight_at_once"):
        assert seen[case, VARIANT].status is Status.PASS, seen[case, VARIANT]
    for case, reason in (
        ("arguments_arrive", "needs the hello sidecar"),
        ("abort", "needs the probe"),
        ("host_vanishes", "needs a program that ends when its stdin does"),
        ("stdin_end_of_file", "needs a program that ends when its stdin does"),
    ):
        cell = seen[case, VARIANT]
        assert cell.status is Status.NOT_RUN
        assert cell.detail.startswith(reason)
        assert f"not run: {reason}" in done.stdout or reason in done.stdout
    assert set(NOT_OF_HELLO.values()) <= {cell.detail for cell in seen.values()}
    # Our own code watches its stdin, whatever the sidecar does.
    for case in ("sigterm_at_rest", "host_vanishes", "stdin_end_of_file"):
        assert seen[case, f"supervisor+{VARIANT}"].status is Status.PASS


def test_random_lives_leave_nothing(silent: Sidecar) -> None:
    """Each with another free port, four at once."""
    done = sidecars.invoke("chaos", silent.folder, "--lifecycles", "16", "--seed", "3")
    assert done.returncode == 0, done.stdout
    (path,) = (silent.workspace.results / "partial").glob(f"{chaos.NAME}-*")
    result = results.load_file(path, remedy="")
    assert result is not None
    (sample,) = result.samples
    assert (sample["lifecycles"], sample["violations"]) == (16, 0), sample
    assert sample["ready"] > 4
