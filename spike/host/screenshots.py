"""Pictures of the real window for README and docs."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from spike.build.buildinfo import Built
from spike.core.workspace import project
from spike.host import application, staging, verify, window
from spike.host.application import Package
from spike.host.staging import Launching

SIZES = {"ready": (900, 620), "failed": (900, 940)}
"""Width and height of the window in pixels: a failure has more to say."""

_BEATS_S = 3.2
"""A few heartbeats, so that the log is seen to live."""


def take(built: Built) -> list[Path]:
    """Open the window on a good launch, light and dark, and on a crash, and save what it shows.

    Raises:
        SpikeError: The host cannot be built or shown.
    """
    application.check_tools()
    faulty = verify.faulty_build(built.variant, built.sidecar)
    launcher = application.build_launcher() if built.folder else None
    args = (*built.sidecar.args, "--heartbeat", "1") if built.sidecar.is_hello else None
    staged = staging.stage(built, launcher, Launching(args=args))
    taken = []
    with tempfile.TemporaryDirectory(prefix="pictures-") as name, application.display() as screen:
        # Not in the checkout: the window shows paths, and these are published.
        area = Path(name)
        good = application.package(staged, area / "good")
        crash = application.with_sidecar(
            good, area / "crash", faulty, Launching(args=("--fault", "crash"))
        )
        for name, package, state, dark in (
            ("window-light", good, "ready", False),
            ("window-dark", good, "ready", True),
            ("failure-light", crash, "failed", False),
        ):
            path = project() / "docs" / f"{name}.png"
            _shoot(package, screen, state, path, dark=dark)
            taken.append(path)
    return taken


def _shoot(package: Package, screen: str, state: str, path: Path, *, dark: bool) -> None:
    from PIL import Image
    from selenium.webdriver.support.ui import WebDriverWait

    with window.opened(package.host, screen, dark=dark) as driver:
        driver.set_window_size(*SIZES[state])
        shown = "return document.body.dataset.state"
        WebDriverWait(driver, window.PAGE_TIMEOUT_S).until(
            lambda _: driver.execute_script(shown) == state
        )
        if state == "ready":
            time.sleep(_BEATS_S)
        driver.save_screenshot(str(path))
    # A flat window has few colours: with 72 its fills are what they are.
    with Image.open(path) as picture:
        palette = picture.convert("RGB").quantize(72, Image.Quantize.MAXCOVERAGE, kmeans=3)
    palette.save(path, optimize=True)
