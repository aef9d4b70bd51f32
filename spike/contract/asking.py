"""Asking a program at its port: who listens where, and who is answered."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ASK_TIMEOUT_S = 2.0
"""A program that says nothing for so long is silent."""

OPEN_S = 0.5
"""A connection that is not closed for so long after the token was shown is taken."""

REFUSALS = (401, 403)
"""What HTTP says to somebody who shows no token, or a wrong one."""

REST_S = 0.2
"""Who has begun to answer, and keeps the connection, has said all that is waited for."""

MOST_BYTES = 65536


@dataclass(frozen=True, kw_only=True, order=True)
class Address:
    """Where a program listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody reaches it from another machine."""
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(self.host)
            # Java listens so on 127.0.0.1, and Python before 3.13 does not look through it.
            return (getattr(address, "ipv4_mapped", None) or address).is_loopback
        return False

    def __str__(self) -> str:
        """As people write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kind(StrEnum):
    """What comes of a question."""

    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came of a question.

    Attributes:
        kind: What kind of answer.
        text: In words.
        http: Whether it was HTTP.
    """

    kind: Kind
    text: str
    http: bool = False


def listening(pids: Iterable[int]) -> tuple[Address, ...]:
    """Where these processes listen for TCP connections, sorted."""
    import psutil

    found = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            for each in psutil.Process(pid).net_connections(kind="tcp"):
                if each.status == psutil.CONN_LISTEN and each.laddr:
                    found.add(Address(host=each.laddr.ip, port=each.laddr.port))
    return tuple(sorted(found))


def local(port: int, addresses: Iterable[Address] = ()) -> Address:
    """Where a port is asked: at 127.0.0.1, or at ::1 when it is the only one."""
    hosts = {each.host for each in addresses if each.port == port}
    return Address(host="::1" if hosts == {"::1"} else "127.0.0.1", port=port)


def connects(address: Address) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError):
        socket.create_connection((address.host, address.port), ASK_TIMEOUT_S).close()
        return True
    return False


def ask(address: Address, token: str = "") -> Reply:
    """Ask over HTTP.

    Args:
        address: Where.
        token: Shown as a bearer token; empty to show none.
    """
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    question = f"GET / HTTP/1.1\r\nHost: {address}\r\n{shown}Connection: close\r\n\r\n"
    return _reply(address, question.encode(), ASK_TIMEOUT_S)


def show_line(address: Address, token: str) -> Reply:
    """Show the token as the first line, as a protocol other than HTTP has it."""
    return _reply(address, f"{token}\n".encode(), OPEN_S)


def _reply(address: Address, question: bytes, timeout_s: float) -> Reply:
    deadline = time.monotonic() + timeout_s
    answer = b""
    try:
        with socket.create_connection((address.host, address.port), timeout_s) as connection:
            connection.sendall(question)
            # To the end of a short answer, or its server would see a broken connection.
            while len(answer) < MOST_BYTES:
                left_s = max(0.01, deadline - time.monotonic())
                connection.settimeout(min(left_s, REST_S) if answer else left_s)
                part = connection.recv(4096)
                if not part:
                    break
                answer += part
    except TimeoutError:
        if not answer:
            return Reply(kind=Kind.SILENT, text=f"said nothing for {timeout_s:g} s")
    except ConnectionRefusedError as error:
        return Reply(kind=Kind.UNREACHABLE, text=f"{address}: {error.strerror}")
    except OSError:
        pass  # reset: closed, if nothing was said before
    if not answer:
        return Reply(kind=Kind.REFUSED, text="closed the connection")
    status = _status(answer)
    if status is None:
        return Reply(kind=Kind.ANSWERED, text="answered, and not over HTTP/1")
    kind = Kind.REFUSED if status in REFUSALS else Kind.ANSWERED
    return Reply(kind=kind, text=f"answered {status}", http=True)


def _status(answer: bytes) -> int | None:
    words = answer.split(b"\r\n", 1)[0].split()
    if len(words) > 1 and words[0].startswith(b"HTTP/1") and words[1].isdigit():
        return int(words[1])
    return None
