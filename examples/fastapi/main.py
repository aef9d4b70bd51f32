"""A FastAPI sidecar that says READY when, and only when, it accepts connections.

Protocol on stdout, one flushed ASCII line each::

    BOOT sidecar=sidecar-fastapi version=0.1.0 pid=4242
    LISTEN port=40123
    READY
    SHUTDOWN reason=signal signal=SIGTERM

Logs go to stderr. Exit code 0 after a requested stop, 1 when the service could not start.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

NAME = "sidecar-fastapi"
VERSION = "0.1.0"

# How long requests in flight may still run after a stop was asked for. It must stay below the
# host's own grace, or the host kills the process while an answer is being written.
GRACE_S = 3


def say(line: str) -> None:
    """Write one protocol line and flush it: the host waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Stop:
    """The first request to stop wins; later ones change neither the reason nor the manner.

    A second SIGINT would make uvicorn drop the requests in flight. A sidecar does get two: from
    the process group, and again from a packager's launcher process that passes signals on.
    """

    def __init__(self) -> None:
        self.requested = False
        self.reason = "reason=normal"
        self.server: uvicorn.Server | None = None

    def on_signal(self, number: int, frame: FrameType | None = None) -> None:
        """Note the signal and ask the server to finish, or leave when there is none yet."""
        if not self.requested:
            self.requested = True
            self.reason = f"reason=signal signal={signal.Signals(number).name}"
        if self.server is None:
            raise SystemExit(0)
        self.server.should_exit = True

    def on_end_of_stdin(self) -> None:
        """Read stdin to its end, then ask for a normal stop (runs in a thread of its own)."""
        # os.read, not sys.stdin: a daemon thread inside sys.stdin would hold its lock at exit.
        while os.read(0, 4096):
            pass
        self.requested = True
        if self.server is not None:
            self.server.should_exit = True


def data_folder() -> Path:
    """Return the folder of the database: the user's data folder of the platform."""
    import platformdirs

    return platformdirs.user_data_path(NAME, appauthor=False)


def main() -> int:
    """Run the service until it is told to stop."""
    parser = argparse.ArgumentParser(prog=NAME, description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: the system picks a free port")
    parser.add_argument("--data-dir", type=Path, help="default: the user's data folder")
    options = parser.parse_args()

    stop = Stop()
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # the last one is Windows'
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    for number in signals:
        signal.signal(number, stop.on_signal)
    try:
        say(f"BOOT sidecar={NAME} version={VERSION} pid={os.getpid()}")
        return serve(options, stop)
    finally:
        # A signal that comes from now on would kill a Python that ends.
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        if stop.requested:
            say(f"SHUTDOWN {stop.reason}")


def serve(options: argparse.Namespace, stop: Stop) -> int:
    """Bind, start, announce, serve; returns the exit code."""
    # Imported here, after BOOT, so that a launch tells "did not start" from "slow to import".
    import uvicorn

    from app import create_app
    from store import Store

    class Server(uvicorn.Server):
        """uvicorn, with READY after it accepts, and with our signal handlers left in place."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and not self.should_exit:
                say(f"LISTEN port={listener.getsockname()[1]}")
                say("READY")

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            stop.on_signal(sig)

    # Bound here and kept: asking for a free port first and binding it later is a race.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", options.port))
    store = Store((options.data_dir or data_folder()) / "notes.sqlite3")
    config = uvicorn.Config(
        create_app(store=store, version=VERSION),
        log_level="warning",
        access_log=False,  # it would go to stdout, which belongs to the protocol
        timeout_graceful_shutdown=GRACE_S,
    )
    stop.server = server = Server(config)
    if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
        threading.Thread(target=stop.on_end_of_stdin, daemon=True).start()
    server.run(sockets=[listener])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
