"""A user's session inside the root: a display, a message bus, and the environment of a login."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spike.core import process
from spike.host import application
from spike.installed.root import HOME, USER, Root, chroot

UP_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Session:
    """What an application of this session is started with.

    Attributes:
        display: Name of the display.
        environment: The whole environment.
        bus: Whether there is a message bus.
    """

    display: str
    environment: Mapping[str, str]
    bus: bool


@contextlib.contextmanager
def opened(root: Root, env: Mapping[str, str]) -> Iterator[Session]:
    """A session; on leaving, its display and its bus are ended.

    Args:
        root: Where.
        env: Variables on top.

    Raises:
        SpikeError: The display did not come up.
    """
    helpers: list[process.Popen] = []
    try:
        server, display = _display(root)
        helpers.append(server)
        bus = _bus(root)
        if bus:
            helpers.append(bus)
        root.helpers |= {each.pid for each in helpers}
        environment = {
            "HOME": f"/{HOME}",
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games",
            "XDG_RUNTIME_DIR": f"/{root.session}",
            "XDG_SESSION_TYPE": "x11",
            **application.desktop(display),
            **({"DBUS_SESSION_BUS_ADDRESS": _address(root)} if bus else {}),
            **env,
        }
        yield Session(display=display, environment=environment, bus=bus is not None)
    finally:
        for helper in reversed(helpers):
            process.kill_group(helper.pid)
            helper.wait()


def _display(root: Root) -> tuple[process.Popen, str]:
    """A virtual display; its lock file and socket lie in the root, not on this machine."""
    sockets = root.path / "tmp" / ".X11-unix"
    sockets.mkdir()
    sockets.chmod(0o1777)
    program = shutil.which("Xvfb") or "/usr/bin/Xvfb"
    return application.start_display(
        [chroot(), str(root.path), program],
        "-ac",  # who could connect is in this network namespace, or asked for the machine's
        env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )


def _address(root: Root) -> str:
    return f"unix:path=/{root.session}/bus"


def _bus(root: Root) -> process.Popen | None:
    """A session bus, where this system has one: an application asks it whether it runs already."""
    if not Path("/usr/bin/dbus-daemon").exists():
        return None
    words = ("/usr/bin/dbus-daemon", "--session", "--nofork", f"--address={_address(root)}")
    bus = process.spawn(
        root.user_words(words),
        env={"HOME": f"/{HOME}", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        | {"XDG_RUNTIME_DIR": f"/{root.session}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + UP_S
    while not (root.path / root.session / "bus").exists():
        if bus.poll() is not None or time.monotonic() > deadline:
            process.kill_group(bus.pid)
            bus.wait()
            return None
        time.sleep(0.02)
    return bus
