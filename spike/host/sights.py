"""The sidecar's processes as the system shows them while the host runs them.

What a host hands over is looked for where it arrives, whatever the program says of itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from spike.launch import leftovers
from spike.launch.procs import GONE
from spike.launch.spec import LAUNCH_ID, MARK

LOOK_EVERY_S = 0.02
"""Often enough to see a process before its program can change its own command line."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A process of the sidecar at one moment.

    Attributes:
        pid: Its id.
        args: Its arguments, without the program.
        env: The environment that it was started with.
    """

    pid: int
    args: tuple[str, ...]
    env: Mapping[str, str]


class Watching(threading.Thread):
    """Looks at the sidecar's processes of one run of the host until it is stopped.

    Attributes:
        sights: Each process, and each command line that it has had.
    """

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.sights: list[Sight] = []
        self._mark = mark
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look, again and again."""
        while not self._stopped.wait(LOOK_EVERY_S):
            self._look()

    def stop(self) -> None:
        """End it, begun or not."""
        self._stopped.set()
        if self.is_alive():
            self.join()

    def _look(self) -> None:
        for found, environment in leftovers.living():
            # The host and its helpers have the mark of the run; what it launches has its own too.
            if environment.get(MARK) != self._mark or LAUNCH_ID not in environment:
                continue
            try:
                args = tuple(found.cmdline()[1:])
            except GONE:
                continue
            known = ((sight.pid, sight.args) for sight in self.sights)
            if (found.pid, args) not in known:
                self.sights.append(Sight(pid=found.pid, args=args, env=environment))
