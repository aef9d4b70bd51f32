"""Tornado: READY after it listens, a stop that lets the loop end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

import tornado.httpserver
import tornado.netutil
import tornado.web

NAME = "sidecar-tornado"
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


class Health(tornado.web.RequestHandler):
    """Tells the host that all is well."""

    def get(self) -> None:
        """Answer."""
        self.write({"status": "ok"})


async def main() -> None:
    """Serve until a signal comes."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    Stop.listen(lambda: loop.call_soon_threadsafe(stopped.set))
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server = tornado.httpserver.HTTPServer(tornado.web.Application([("/health", Health)]))
    server.add_sockets(sockets)
    say(f"LISTEN port={sockets[0].getsockname()[1]}")
    say("READY")
    await stopped.wait()
    server.stop()
    await server.close_all_connections()


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    asyncio.run(main())
    Stop.over()
