"""Wine's server: everything in a prefix waits for its answers, for ever where it has died.

The server of Wine 8 crashes now and then on a busy machine (in 2 of about 90 runs of the
supervisor's own tests, beside six busy processes). Nothing says so: programs stand still.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from spike.core.errors import SpikeError
from spike.launch import procs
from spike.launch.procs import Process

LOOK_S = 0.2
"""How often a server is looked for: as late may be seen that it has died."""

ROUNDS = 10
"""So often are processes ended that are there, since the last ones may have started others."""


def processes(prefix: Path) -> Iterator[Process]:
    """Everything that runs in a prefix, what has started it there, and the server.

    Args:
        prefix: Its folder, as the variable of the environment names it.
    """
    for each in procs.processes():
        with contextlib.suppress(*procs.GONE):
            if each.environ().get("WINEPREFIX") == str(prefix):
                yield each


def end_all(prefix: Path) -> None:
    """End everything in a prefix at once: also what waits for an answer that will not come."""
    for _ in range(ROUNDS):
        found = list(processes(prefix))
        for each in found:
            with contextlib.suppress(*procs.GONE):
                each.kill()
        if not found:
            return
        procs.wait_gone(found, LOOK_S)


class Watch:
    """Sees a server die, and ends what would wait for it.

    Attributes:
        pid: The server's process id.
    """

    def __init__(self, prefix: Path) -> None:
        """Begin to watch.

        Args:
            prefix: A folder whose server runs.

        Raises:
            SpikeError: It does not.
        """
        found = [each for each in processes(prefix) if self._is_server(each)]
        if not found:
            raise SpikeError(
                "Wine's server was started, and is not there.", try_next="invoke doctor --windows"
            )
        self.pid = found[0].pid
        self._server, self._prefix = found[0], prefix
        self._over, self._died = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    @property
    def crashed(self) -> bool:
        """Whether the server has died since, by nobody's wish."""
        return self._died.is_set() or not self._lives()

    def end(self) -> None:
        """Watch no more: its end is wished now."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            if not self._lives():
                self._died.set()
                end_all(self._prefix)
                return

    def _lives(self) -> bool:
        try:
            return self._is_server(self._server) and not procs.dead(self._server)
        except procs.GONE:
            return False

    @staticmethod
    def _is_server(each: Process) -> bool:
        try:
            return each.name().startswith("wineserver")
        except procs.GONE:
            return False
