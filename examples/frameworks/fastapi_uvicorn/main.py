"""FastAPI with uvicorn: READY after it accepts, exit code 0 after a stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI
from guard import Guard

NAME = "sidecar-fastapi-uvicorn"
VERSION = "0.1.0"


def say(line: str) -> None:
    """Write one protocol line and flush it: the host waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Stop:
    """Why the program stops, and how; the first reason counts."""

    reason = ""
    end: Callable[[], object]
    """Lets the server end; may be called from any thread, and twice."""

    @classmethod
    def on_signal(cls, number: int, _: object = None) -> None:
        """Stop as the host asks."""
        cls.because(f"reason=signal signal={signal.Signals(number).name}")

    @classmethod
    def with_stdin(cls) -> None:
        """Stop when the host is gone: its end of our stdin is then closed."""
        while os.read(0, 4096):
            pass
        cls.because("reason=normal")

    @classmethod
    def because(cls, reason: str) -> None:
        """Let the server end; the loop may be closed by now, and not to be woken."""
        cls.reason = cls.reason or reason
        with contextlib.suppress(RuntimeError):
            cls.end()

    @classmethod
    def over(cls) -> None:
        """Say why it stopped. A signal that comes now would kill a Python that ends."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        say(f"SHUTDOWN {cls.reason}")

    @classmethod
    def listen(cls, end: Callable[[], object]) -> None:
        """Hear of every way to be stopped; ``end`` lets the server end."""
        cls.end = staticmethod(end)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, cls.on_signal)
        if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
            threading.Thread(target=cls.with_stdin, daemon=True).start()


app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    """Tell the host that all is well."""
    return {"status": "ok"}


class Server(uvicorn.Server):
    """uvicorn that says READY once it accepts, and ends with 0.

    It would raise the signals again that it has caught, and a host would see a killed program; a
    signal that goes to our method is not caught in that sense.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it listens, after it does."""
        await super().startup(sockets)
        if self.started and sockets:
            say(f"LISTEN port={sockets[0].getsockname()[1]}")
            say("READY")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal; the requests in flight are finished."""
        Stop.on_signal(sig)

    def end(self) -> None:
        """Let it end; a second time changes nothing."""
        self.should_exit = True


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # bound here and kept: no race
        # The access log goes to stdout, which belongs to the protocol.
        server = Server(uvicorn.Config(Guard(app), log_level="warning", access_log=False))
        Stop.listen(server.end)  # its own handlers call ours, and it puts these back
        server.run([listener])
    Stop.over()
