"""The whole checklist in the real host, on real frozen binaries and a real package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from spike.build.buildinfo import Built
from spike.core import requirements
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL as ROOT
from spike.core.workspace import platform_id
from spike.host import application, staging, verify, window
from spike.host.observed import STDERR_LINE
from spike.host.staging import Launching
from spike.measure import results
from tests.support import commands

pytestmark = [pytest.mark.integration, pytest.mark.host]

VARIANTS = (
    *("nuitka-onefile", "pyinstaller-onefile", "cx_freeze-onedir"),
    pytest.param("cpython-folder", marks=pytest.mark.nightly),
)
"""The plan's two, and folder builds, which go through the launcher."""


LIKE_THE_PACKAGE = (
    *("--workspace", "--locked", "--release"),
    *("--features", "tauri/custom-protocol"),
)
"""The profile and features of `tauri build`, so that Tauri is compiled once and not twice."""


@pytest.fixture(scope="module")
def _tools() -> None:
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_passes(built: Callable[..., Built], variant: str) -> None:
    """`invoke verify` exits with 0, and all seventeen rows are a pass with evidence."""
    built(variant)
    built(variant, "spike/host/faulty")
    done = commands.invoke("verify", "--variant", variant)
    assert done.returncode == 0, done.stdout[-9000:]
    folder = ROOT / "benchmarks" / "results" / platform_id() / "partial"
    result = results.load_file(folder / f"checklist-{variant}.json", remedy="")
    assert result is not None
    samples = result.samples
    assert [sample["row"] for sample in samples] == list(requirements.CHECKLIST)
    assert {sample["status"] for sample in samples} == {"pass"}
    assert all(sample["evidence"] for sample in samples)


@pytest.mark.usefixtures("_tools")
def test_the_windows_buttons_do_what_they_say(built: Callable[..., Built]) -> None:
    """Stop and Restart by mouse and by keyboard; Copy puts all of it on the clipboard."""
    hello, faulty = built("pyinstaller-onefile"), built("pyinstaller-onefile", str(verify.FAULTY))
    area = ROOT / "build" / "host" / "buttons"
    good = application.package(staging.stage(hello, None, Launching()), area / "good")
    failing = Launching(args=("--fault", "crash"))
    crash = application.with_sidecar(good, area / "crash", faulty, failing)

    with application.display() as screen:
        with window.opened(good.host, screen) as driver:
            until(driver, "ready")
            first = driver.find_element(By.ID, "pid").text
            driver.find_element(By.ID, "stop").click()
            until(driver, "exited")
            assert "SHUTDOWN" in window.read(driver).log[-1]
            driver.find_element(By.ID, "restart").send_keys(Keys.ENTER)
            until(driver, "ready")
            assert driver.find_element(By.ID, "pid").text != first
            driver.find_element(By.ID, "stop").send_keys(Keys.SPACE)
            until(driver, "exited")
        with window.opened(crash.host, screen) as driver:
            until(driver, "failed")
            text = driver.find_element(By.ID, "failure-text").get_attribute("textContent")
            assert text
            assert STDERR_LINE in text
            driver.find_element(By.ID, "copy").click()
            said = driver.find_element(By.ID, "announce")
            WebDriverWait(driver, 5).until(lambda _: said.get_attribute("textContent"))
            assert said.get_attribute("textContent") == "The diagnostics were copied."
            assert pasted(driver) == text
            driver.find_element(By.ID, "report").click()
            shown = driver.find_element(By.ID, "report-text")
            WebDriverWait(driver, 5).until(lambda _: shown.is_displayed())
            report = str(shown.get_attribute("textContent"))
            assert STDERR_LINE in report
            driver.find_element(By.ID, "save-report").click()
            where = driver.find_element(By.ID, "report-saved")
            WebDriverWait(driver, 5).until(lambda _: "saved" in where.text)
            saved = where.text.partition(": ")[2]
            assert Path(saved).read_text(encoding="utf-8") == report
    shutil.rmtree(area)


def until(driver: WebDriver, state: str) -> None:
    """Wait for a state of the window."""
    WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(
        lambda _: driver.execute_script("return document.body.dataset.state") == state
    )


def pasted(driver: WebDriver) -> str:
    """What Ctrl+V puts into a text field: the clipboard as a user gets it."""
    driver.execute_script(
        "const field = document.createElement('textarea'); field.id = 'pasted';"
        "document.body.append(field); field.focus();"
    )
    field = driver.find_element(By.ID, "pasted")
    field.send_keys(Keys.CONTROL + "v")
    WebDriverWait(driver, 5).until(lambda _: field.get_property("value"))
    return str(field.get_property("value"))


def test_a_missing_library_is_named_with_its_remedy(tmp_path: object) -> None:
    """Without the display server nothing is built; the message has the command."""
    path = "/nonexistent"
    bare = {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code = "from spike.host import application; application.check_tools()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Missing for the Tauri host" in done.stderr
    assert "Xvfb" in done.stderr


@pytest.mark.skipif(not shutil.which("cargo"), reason="needs Rust")
@pytest.mark.parametrize(
    "words",
    [
        ("fmt", "--all", "--check"),
        ("clippy", *LIKE_THE_PACKAGE, "--all-targets", "--", "-D", "warnings"),
        ("test", *LIKE_THE_PACKAGE),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.usefixtures("_tools")
def test_the_rust_side_is_clean_and_its_tests_pass(words: tuple[str, ...]) -> None:
    """Format, lints as errors, and the supervisor against its fake children."""
    import os

    done = subprocess.run(
        ["cargo", *words],
        cwd=ROOT / "src-tauri",
        # The code is checked without a staged sidecar; `invoke verify` packages real ones.
        env={**os.environ, "TAURI_CONFIG": '{"bundle":{"externalBin":null,"resources":null}}'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
