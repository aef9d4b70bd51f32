"""When a program is ready: it says a line, a line with a pattern, or it answers at an address.

The forms are those of the host's supervisor (``src-tauri/supervisor/src/ready.rs``),
which has to wait for the same. Pure, but for :func:`free_port` and :func:`answers`, which ask the
system. Standard library only: a build launches, too.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from spike.project.settings import FREE_PORT
from spike.project.sidecar import Sidecar

GOOD = range(200, 400)
"""Answers that mean ready."""

ASK_TIMEOUT_S = 1.0
"""A program that takes longer to answer is asked again."""

ASK_EVERY_S = 0.01
"""Pause between two questions."""

REMEMBERED_PORTS = 1024
"""Far more programs than start at the same time, far fewer ports than the system has."""

_handed_over: deque[int] = deque(maxlen=REMEMBERED_PORTS)
_handing_over = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What is waited for: one of line, pattern and address.

    Attributes:
        line: A whole line, exactly.
        pattern: A regular expression that is found in a line; empty for none.
        stream: Where the line comes: ``stdout``, ``stderr`` or ``either``.
        url: An address that answers; empty for none. No line is waited for then.
    """

    line: str = "READY"
    pattern: str = ""
    stream: str = "stdout"
    url: str = ""

    @classmethod
    def of(cls, sidecar: Sidecar) -> Self:
        """What a sidecar says, or where it answers."""
        return cls(
            line=sidecar.ready,
            pattern=sidecar.ready_pattern,
            stream=sidecar.ready_stream,
            url=sidecar.ready_url,
        )

    def heard(self, stream: str, text: str) -> bool:
        """Whether a line of a stream says it."""
        return not self.url and self.stream in (stream, "either") and self.is_said_by(text)

    def is_said_by(self, text: str) -> bool:
        """Whether a line says it, on whatever stream."""
        if self.pattern:
            return re.search(self.pattern, text, re.ASCII) is not None
        return text == self.line

    def __str__(self) -> str:
        """What has not come, in words."""
        if self.url:
            return f"no answer from {self.url}"
        where = {"stdout": "", "either": " on either stream"}.get(self.stream, f" on {self.stream}")
        if self.pattern:
            return f"no line with {self.pattern!r}{where}"
        return f"no line {self.line!r}{where}"


class Asking(threading.Thread):
    """Asks an address again and again until it answers.

    Attributes:
        answered_ns: When it did, by ``time.perf_counter_ns``; 0 before.
        status: That of its last answer; None when there was none.
    """

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.answered_ns = 0
        self.status: int | None = None
        self._stopped = threading.Event()

    def run(self) -> None:
        """Ask; the first good answer ends it."""
        while not self._stopped.wait(ASK_EVERY_S):
            self.status = status(self.url) or self.status
            if self.status in GOOD:
                self.answered_ns = time.perf_counter_ns()
                return

    def stop(self) -> None:
        """End it, answered or not."""
        self._stopped.set()
        self.join()


def asks_for_port(texts: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether arguments or environment hand a free port over."""
    return any(FREE_PORT in text for text in (*texts, *env.values()))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago, and none of those handed over lately.

    The system may give a closed port again, while the program that it was handed to still starts:
    two of eight ports asked for at once were the same once in some five hundred times.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        with _handing_over:
            if port not in _handed_over:
                _handed_over.append(port)
                return port


def filled(text: str, port: int | None) -> str:
    """A text with the free port in its place; as it is without one."""
    return text if port is None else text.replace(FREE_PORT, str(port))


def listens(url: str) -> bool:
    """Whether somebody takes connections at an address."""
    parts = urllib.parse.urlsplit(url)
    try:
        socket.create_connection(_address(parts), ASK_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Whether an address answers a GET with 200 to 399."""
    return status(url) in GOOD


def status(url: str) -> int | None:
    """What an address answers a GET with; None for no answer."""
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    connection = http.client.HTTPConnection(*_address(parts), timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", target)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _address(parts: urllib.parse.SplitResult) -> tuple[str, int]:
    return parts.hostname or "127.0.0.1", parts.port or 80
