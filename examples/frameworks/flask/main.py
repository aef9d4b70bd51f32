"""Flask with werkzeug's own server: READY after it listens, a stop that ends its loop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from flask import Flask
from guard import Guard
from werkzeug.serving import make_server

NAME = "sidecar-flask"
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


app = Flask(__name__)
app.wsgi_app = Guard(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/health")
def health() -> dict[str, str]:
    """Tell the host that all is well."""
    return {"status": "ok"}


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    server = make_server("127.0.0.1", 0, app, threaded=True)  # it listens from here on
    # The loop runs in this very thread, so that another one has to end it.
    Stop.listen(lambda: threading.Thread(target=server.shutdown).start())
    say(f"LISTEN port={server.port}")
    say("READY")
    server.serve_forever()
    Stop.over()
