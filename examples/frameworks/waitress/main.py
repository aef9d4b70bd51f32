"""A WSGI application with waitress, which ends its loop on SystemExit."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from waitress.server import create_server

NAME = "sidecar-waitress"
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


def app(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
    """Tell the host that all is well."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b'{"status": "ok"}']


def end() -> None:
    """Leave the server's loop, which closes it; another thread wakes it for that."""
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(0)
    _thread.interrupt_main(signal.SIGTERM)
    server.trigger.pull_trigger()


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    server = create_server(app, host="127.0.0.1", port=0)  # it listens from here on
    with contextlib.suppress(SystemExit):  # of a stop that comes before the loop
        Stop.listen(end)
        say(f"LISTEN port={server.effective_port}")
        say("READY")
        server.run()
    Stop.over()
