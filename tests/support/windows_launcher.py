"""The launcher for Windows on whatever system this is: all of it but the start and its job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from spike.core import process
from spike.launch.running import Running
from spike.launch.running_windows import RunningOnWindows


class Threads(RunningOnWindows):
    """The launcher for Windows, with this system's own start."""

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> process.Child:
        if sys.platform == "win32":
            return super()._start(argv, environment)
        return Running._start(self, argv, environment)
