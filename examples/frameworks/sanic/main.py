"""Sanic in one process: READY after it has started, its own signal handling kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from sanic import Request, Sanic, json
from sanic.response import HTTPResponse

NAME = "sidecar-sanic"
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


app = Sanic("sidecar", configure_logging=False)  # its logs would go to stdout


@app.get("/health")
async def health(_: Request) -> HTTPResponse:
    """Tell the host that all is well."""
    return json({"status": "ok"})


@app.after_server_start
async def started(app: Sanic) -> None:
    """Come up a moment later: a stop that comes while Sanic still runs this step is lost."""
    loop = asyncio.get_running_loop()

    def ready() -> None:
        """Say where it listens, and stop on our signals with their names."""
        Stop.listen(lambda: loop.call_soon_threadsafe(app.stop, False))
        say(f"LISTEN port={app.ctx.port}")
        say("READY")

    loop.call_later(0.05, ready)


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.ctx.port = listener.getsockname()[1]
        # One process: its workers are further starts of the program, which a package has not.
        app.run(sock=listener, single_process=True, motd=False, access_log=False)
    Stop.over()
