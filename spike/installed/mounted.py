"""An application in a read-only mount, with the environment that an AppImage's start gives it.

The AppImage runtime mounts the application's folder read-only below ``/tmp``, and its ``AppRun``
puts the folder's libraries and programs in front. What breaks there breaks here: a program that
writes beside itself, one that is looked for by a name in ``/usr``, a ``LD_LIBRARY_PATH`` that a
sidecar inherits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator

from spike.core import process
from spike.installed.request import Request
from spike.installed.root import HOME, Root, mount, tools

PLACE = "/tmp/.mount_app"
"""Tauri takes no other place for an AppImage's."""


def request(whole: Request) -> Request:
    """The request for the same application at its place in the mount."""
    base = f"{PLACE.lstrip('/')}/"
    sidecars = tuple(base + path for path in whole.now.sidecars)
    now = dataclasses.replace(whole.now, main=base + whole.now.main, sidecars=sidecars)
    return dataclasses.replace(whole, now=now)


def environment() -> dict[str, str]:
    """What an AppImage's runtime and its AppRun set."""
    return {
        "APPDIR": PLACE,
        "APPIMAGE": f"/{HOME}/Applications/app.AppImage",
        "ARGV0": f"/{HOME}/Applications/app.AppImage",
        "OWD": f"/{HOME}",
        "LD_LIBRARY_PATH": f"{PLACE}/usr/lib:{PLACE}/usr/lib/x86_64-linux-gnu",
        "PATH": f"{PLACE}/usr/bin:/usr/local/bin:/usr/bin:/bin",
        "XDG_DATA_DIRS": f"{PLACE}/usr/share:/usr/local/share:/usr/share",
    }


@contextlib.contextmanager
def opened(root: Root, whole: Request) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """Mount what is installed as an AppImage is; give the words that start it, and its environment.

    The files are those of the version that is installed now.
    """
    content = root.base / "appdir"
    for path in whole.then.files:
        target = content / path
        target.parent.mkdir(parents=True, exist_ok=True)
        source = root.path / path
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            shutil.copy2(source, target)
    place = root.path / PLACE.lstrip("/")
    place.mkdir()
    mount("--bind", content, place)
    try:
        mount("-o", "remount,bind,ro", place)
        yield (f"{PLACE}/{whole.now.main}",), environment()
    finally:
        process.capture(["umount", "--lazy", str(place)], env={"PATH": tools()})
        with contextlib.suppress(OSError):
            place.rmdir()
        shutil.rmtree(content, ignore_errors=True)
