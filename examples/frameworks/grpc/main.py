"""gRPC: READY after its port is bound and it serves, a stop with a grace."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

NAME = "sidecar-grpc"
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


def echo(request: bytes, _: grpc.ServicerContext) -> bytes:
    """Give back what came."""
    return request


if __name__ == "__main__":
    say(f"BOOT sidecar={NAME} version={VERSION}")
    server = grpc.server(ThreadPoolExecutor(4))
    methods = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("Service", methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    stopped = threading.Event()
    Stop.listen(stopped.set)
    server.start()
    say(f"LISTEN port={port}")
    say("READY")
    # A wait without a limit would keep Python's signal handlers from running on some systems.
    while not stopped.wait(0.2):
        pass
    server.stop(grace=3).wait()
    Stop.over()
