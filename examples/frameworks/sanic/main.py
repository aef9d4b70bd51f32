"""Sanic in one process: READY after it has started, its own signal handling kept."""

from __future__ import annotations

import asyncio
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
        cls.reason = cls.reason or f"reason=signal signal={signal.Signals(number).name}"
        cls.end()

    @classmethod
    def with_stdin(cls) -> None:
        """Stop when the host is gone: its end of our stdin is then closed."""
        while os.read(0, 4096):
            pass
        cls.reason = cls.reason or "reason=normal"
        cls.end()

    @classmethod
    def listen(cls, end: Callable[[], object], *, signals: bool = True) -> None:
        """Hear of every way to be stopped; ``end`` lets the server end."""
        cls.end = staticmethod(end)
        for name in (signal.SIGTERM, signal.SIGINT) if signals else ():
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
    """Say where it listens, and stop on our signals with their names."""
    loop = asyncio.get_running_loop()
    Stop.listen(lambda: loop.call_soon_threadsafe(app.stop, False))
    say(f"LISTEN port={app.ctx.port}")
    say("READY")


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.ctx.port = listener.getsockname()[1]
        # One process: its workers are further starts of the program, which a package has not.
        app.run(sock=listener, single_process=True, motd=False, access_log=False)
    say(f"SHUTDOWN {Stop.reason}")
