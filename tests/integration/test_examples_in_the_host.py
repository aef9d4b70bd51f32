"""A real service in the real host: the window shows what its health route answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spike.build.buildinfo import Built
from spike.core.errors import SpikeError
from spike.host import application, staging, window
from spike.host.staging import Launching

pytestmark = [pytest.mark.integration, pytest.mark.host]


@pytest.fixture(scope="module")
def _tools() -> None:
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize(
    "variant",
    [
        "pyinstaller-onefile",
        pytest.param("cx_freeze-onedir", marks=pytest.mark.nightly),
        pytest.param("nuitka-onefile", marks=pytest.mark.nightly),
    ],
)
def test_the_window_shows_fastapis_health(
    built: Callable[..., Built], variant: str, tmp_path: Path
) -> None:
    """Packaged, unpacked elsewhere, started: READY, and the answer of GET /health on the page."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    found = built(variant, "examples/fastapi")
    launcher = application.build_launcher() if found.folder else None
    staged = staging.stage(found, launcher, Launching())
    package = application.package(staged, tmp_path / "Grüße aus dem Ordner")
    with application.display() as screen, window.opened(package.host, screen) as driver:
        health = driver.find_element(By.ID, "health")
        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(
            lambda _: health.is_displayed() and "200" in health.text
        )
        assert re.search(r"GET http://127\.0\.0\.1:\d+/health\s+→\s+200", health.text)
        assert '"status":"ok"' in health.text
        shown = window.read(driver)
    assert shown.state.lower() == "ready"
    assert any("LISTEN port=" in line for line in shown.log)
