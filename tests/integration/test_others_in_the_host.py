"""Sidecars that do not speak as the hello sidecar does, frozen and checked in the real host.

One prints nothing and answers at an address, one prints a framework's line to stderr, one speaks by
the plan's words, and one does everything well but ends by a signal.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.faults import counts, report
from benchmarks.faults.verdict import Status
from spike.build import buildinfo
from spike.core import requirements
from spike.core.errors import SpikeError
from spike.host import application, staging, verify, window
from spike.host.staging import Launching
from spike.measure import results
from spike.packagers import variant_named
from spike.project.sidecar import Sidecar
from tests.support import sidecars
from tests.support.others import OTHERS, RAISES_AGAIN, VARIANT, frozen

pytestmark = [pytest.mark.integration, pytest.mark.host]


@pytest.fixture(scope="module")
def _tools() -> None:
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))


def verified(sidecar: Sidecar, *, code: int) -> dict[str, tuple[str, str]]:
    """Status and evidence by row, from the command as a user types it."""
    done = sidecars.invoke("verify", sidecar.folder)
    assert done.returncode == code, done.stdout[-9000:]
    result = results.load(verify.NAME, sidecar, remedy="")
    assert result is not None
    rows = {row["row"]: (row["status"], row["evidence"]) for row in result.of(VARIANT)}
    assert list(rows) == list(requirements.CHECKLIST)
    return rows


SEEN = {
    "other-silent": {
        "B1": "WORDS=good day is in its environment",
        "C2": "by its answer after",
        "E2": "it printed nothing",
    },
    "other-serving": {
        "C1": "INFO: Serving on http://127.0.0.1:",
        "C2": "on stderr",
        "C4": "waited for a line with 'Serving on",
    },
    "other-plan": {"B3": "PID", "E2": "its last line is 'SHUTDOWN reason=signal signal=SIGTERM'"},
}


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("name", OTHERS)
def test_a_good_sidecar_passes_every_row_however_it_speaks(name: str, tmp_path: Path) -> None:
    """And each row rests on something that was seen."""
    main, settings = OTHERS[name]
    with frozen(tmp_path / name, name, main, settings) as sidecar:
        rows = verified(sidecar, code=0)
        assert {status for status, _ in rows.values()} == {"pass"}
        for row, words in SEEN[name].items():
            assert words in rows[row][1]
        assert not list(sidecar.workspace.issues.glob("*.md"))
        if name == "other-silent":
            look_at_the_window(sidecar, tmp_path)


def look_at_the_window(sidecar: Sidecar, place: Path) -> None:
    """It says at which address the sidecar answers, though no line was ever printed."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    built = buildinfo.find(variant_named(VARIANT), sidecar)
    staged = staging.stage(built, application.build_launcher(), Launching())
    package = application.package(staged, place / "package")
    with application.display() as screen, window.opened(package.host, screen) as driver:
        state = "return document.body.dataset.state"
        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(
            lambda _: driver.execute_script(state) == "ready"
        )
        sentence = driver.find_element(By.ID, "sentence").text
        health = driver.find_element(By.ID, "health")
        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(lambda _: "200" in health.text)
        asked = health.text
        assert window.read(driver).log == ()
    address = sentence.removeprefix("The sidecar answers at ").removesuffix(".")
    assert address.startswith("http://127.0.0.1:")
    assert "{" not in address
    assert asked.startswith(f"GET {address}")
    assert "good day" in asked


@pytest.mark.usefixtures("_tools")
def test_build_bench_and_checklist_agree_about_a_stop_by_signal(tmp_path: Path) -> None:
    """As uvicorn ends by itself: after a clean shutdown it raises the signal again."""
    name = "other-raises"
    with frozen(tmp_path / name, name, *RAISES_AGAIN, code=1) as sidecar:
        info = buildinfo.find(variant_named(VARIANT), sidecar).info
        assert info.first_launch == "unclean_stop"
        bench = sidecars.invoke("bench", sidecar.folder, "--launches", "2")
        assert bench.returncode == 1, bench.stdout
        rows = verified(sidecar, code=1)
        failed = {row for row, (status, _) in rows.items() if status != "pass"}
        assert failed == {"E2", "E3"}
        for words in ("it ended with signal 15", "unclean_stop", "killed by SIGTERM"):
            assert words in rows["E2"][1]
        assert "0 of 5 cycles stable, the others with signal 15" in rows["E3"][1]
        # Nobody has asked for entries of the issue log.
        assert not list(sidecar.workspace.issues.glob("*.md"))
        asked = sidecars.invoke("bench", sidecar.folder, "--launches", "2", "--draft")
        assert "issue log: drafted" in asked.stdout
        assert len(list(sidecar.workspace.issues.glob("*.md"))) == 1


@pytest.mark.usefixtures("_tools")
def test_the_cases_of_life_and_death_run_in_the_host_with_another_sidecar(tmp_path: Path) -> None:
    """The host says itself that it is ready, since the sidecar says nothing."""
    name = "other-faults"
    with frozen(tmp_path / name, name, *OTHERS["other-silent"]) as sidecar:
        cases = ("sigterm_at_rest", "sigkill_at_rest", "host_vanishes", "sigstop_and_sigcont")
        words = [word for case in cases for word in ("--case", case)]
        done = sidecars.invoke("faults", sidecar.folder, "--host", *words)
        assert done.returncode == 0, done.stdout
        (path,) = (sidecar.workspace.results / "partial").glob(f"{report.IN_HOST}-*")
        result = results.load_file(path, remedy="")
        assert result is not None
        cells = {cell.case: cell for cell in counts.cells(result)}
        for case in cases[:-1]:
            assert cells[case].status is Status.PASS, cells[case]
        assert "READY" in cells["sigterm_at_rest"].detail
        assert cells["sigstop_and_sigcont"].status is Status.NOT_RUN
        assert cells["sigstop_and_sigcont"].detail.startswith("needs the hello sidecar")
