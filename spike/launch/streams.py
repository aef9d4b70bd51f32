"""One pipe of a launched program: whole lines out of raw reads, with bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

TAIL_LINES = 50
TAIL_BYTES = 16 * 1024
"""Bounds of what is kept of each stream: lines, and bytes of all of them together."""

MAX_LINE_BYTES = 4096
"""A longer line is kept cut; READY is never that long."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that a program wrote.

    Attributes:
        stream: ``stdout`` or ``stderr``.
        at_ms: Milliseconds from the launch to the read that completed it.
        text: The line without its end, decoded leniently, cut at :data:`MAX_LINE_BYTES`.
    """

    stream: str
    at_ms: float
    text: str


class Sink(Protocol):
    """What takes bytes: a pipe, or what stands before one."""

    def write(self, data: bytes, /) -> object:
        """Take them."""


class Stream:
    """One pipe: whole lines out of raw reads, with bounded memory."""

    def __init__(self, name: str, started_ns: int) -> None:
        self.name = name
        self.lines: deque[Line] = deque()
        self.open = True
        self._started_ns = started_ns
        self._kept_bytes = 0
        self._partial = b""

    def feed(self, data: bytes, at_ns: int) -> list[Line]:
        """Take what a read returned and give the lines that it completed."""
        at_ms = (at_ns - self._started_ns) / 1e6
        *whole, rest = (self._partial + data).split(b"\n")
        lines = [self._line(raw, at_ms) for raw in whole]
        if len(rest) > MAX_LINE_BYTES:
            # Only the start of an overlong line is kept, so a flood costs no memory.
            rest = rest[: MAX_LINE_BYTES + 1]
        self._partial = rest
        return lines

    def end(self, at_ns: int) -> list[Line]:
        """The pipe is closed: what stands without a line end was no whole line, but is kept."""
        self.open = False
        if self._partial:
            self._keep(self._decode(self._partial), (at_ns - self._started_ns) / 1e6)
            self._partial = b""
        return []

    def tail(self) -> tuple[str, ...]:
        """The last lines, within the bounds, and what stands unfinished behind them."""
        texts = [line.text for line in self.lines]
        if self._partial:
            texts.append(self._decode(self._partial))
        return tuple(texts)

    def _line(self, raw: bytes, at_ms: float) -> Line:
        return self._keep(self._decode(raw.removesuffix(b"\r")), at_ms)

    def _decode(self, raw: bytes) -> str:
        text = raw[:MAX_LINE_BYTES].decode("utf-8", "backslashreplace")
        return text + " [cut]" if len(raw) > MAX_LINE_BYTES else text

    def _keep(self, text: str, at_ms: float) -> Line:
        line = Line(stream=self.name, at_ms=at_ms, text=text)
        self.lines.append(line)
        self._kept_bytes += len(text)
        while len(self.lines) > TAIL_LINES or self._kept_bytes > TAIL_BYTES:
            self._kept_bytes -= len(self.lines.popleft().text)
        return line
