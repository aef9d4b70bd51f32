"""Read the application's own window through WebDriver, as a user sees it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spike.core.errors import MissingToolError
from spike.host.application import LEFTOVER_TIMEOUT_S, Package, surroundings
from spike.launch import leftovers

if TYPE_CHECKING:
    from selenium.webdriver import Remote

PAGE_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the window showed.

    Attributes:
        state: The title of the state.
        failure: The diagnostics panel's whole text; empty while it is hidden.
        log: The lines of the live log.
        processes_left: Command lines of processes that outlived the window.
    """

    state: str
    failure: str
    log: tuple[str, ...]
    processes_left: tuple[str, ...] = ()


@contextlib.contextmanager
def opened(host: Path, screen: str, *, dark: bool = False) -> Iterator[Remote]:
    """The window of a Tauri application under WebDriver; ended on leaving.

    Args:
        host: The application's program.
        screen: The display.
        dark: Whether the desktop prefers dark colours.

    Raises:
        MissingToolError: WebKitWebDriver is not there.
    """
    from selenium.webdriver import Remote, WebKitGTKOptions
    from selenium.webdriver.remote.client_config import ClientConfig
    from selenium.webdriver.remote.remote_connection import RemoteConnection
    from selenium.webdriver.webkitgtk.service import Service

    program = shutil.which("WebKitWebDriver")
    if program is None:
        raise MissingToolError(
            "WebKitWebDriver is not on PATH.", try_next="apt-get install webkit2gtk-driver"
        )
    with surroundings(screen) as (environment, mark, _tmp):
        options = WebKitGTKOptions()
        # The driver compares names, and an application that embeds WebKit has one of its own.
        for name in list(options.capabilities):
            if name != "pageLoadStrategy":
                del options.capabilities[name]
        options.binary_location = str(host)
        # Tauri lets itself be driven only when asked to.
        automation = {"TAURI_AUTOMATION": "true", "TAURI_WEBVIEW_AUTOMATION": "true"}
        environment["GTK_THEME"] = "Adwaita:dark" if dark else "Adwaita"
        service = Service(executable_path=program, env={**os.environ, **environment, **automation})
        try:
            service.start()
            # Given as a text, Selenium 4.51 warns of its own use of the address.
            address = RemoteConnection(client_config=ClientConfig(service.service_url))
            driver = Remote(command_executor=address, options=options)
            try:
                yield driver
            finally:
                driver.quit()
        finally:
            service.stop()
            leftovers.end(leftovers.wait_until_gone(mark, LEFTOVER_TIMEOUT_S))


def read_failure(package: Package, screen: str, screenshot: Path | None = None) -> Shown:
    """Open the window on a sidecar that fails and read what the user is told in time."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    with opened(package.host, screen) as driver:
        panel = driver.find_element(By.ID, "failure")
        # A window that shows no failure is what the rows have to say, and no end of the checklist.
        with contextlib.suppress(TimeoutException):
            WebDriverWait(driver, PAGE_TIMEOUT_S).until(lambda _: panel.is_displayed())
        shown = read(driver)
        if screenshot is not None:
            screenshot.parent.mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(screenshot))
        return shown


def read(driver: Remote) -> Shown:
    """What the window shows now."""
    from selenium.webdriver.common.by import By

    def text(identifier: str) -> str:
        return driver.find_element(By.ID, identifier).text

    visible = driver.find_element(By.ID, "failure").is_displayed()
    lines = driver.find_elements(By.CSS_SELECTOR, "#log > li")
    return Shown(
        state=text("state"),
        failure=text("failure") if visible else "",
        log=tuple(line.text.replace("\n", " ") for line in lines),
    )
