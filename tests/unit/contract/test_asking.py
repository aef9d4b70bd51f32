"""What is asked at a port, and what is made of the answer."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from spike.contract import asking
from spike.contract.asking import Address, Kind

Handler = Callable[[socket.socket], object]


@contextmanager
def serving(handle: Handler) -> Iterator[Address]:
    """One connection after the other, each handled and then closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    handle(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address(host="127.0.0.1", port=server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def said(text: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text)

    return handle


@pytest.mark.parametrize(
    ("handle", "kind", "text", "http"),
    [
        (said(b"HTTP/1.1 200 OK\r\n\r\n"), Kind.ANSWERED, "answered 200", True),
        (said(b"HTTP/1.0 404 No\r\n\r\n"), Kind.ANSWERED, "answered 404", True),
        (said(b"HTTP/1.1 401 No\r\n\r\n"), Kind.REFUSED, "answered 401", True),
        (said(b"HTTP/1.1 403 No\r\n\r\n"), Kind.REFUSED, "answered 403", True),
        (said(b"hello\n"), Kind.ANSWERED, "answered, and not over HTTP/1", False),
        (said(b""), Kind.REFUSED, "closed the connection", False),
        (lambda _: None, Kind.REFUSED, "closed the connection", False),
    ],
)
def test_an_answer_is_read(handle: Handler, kind: Kind, text: str, http: bool) -> None:
    """HTTP by its status, anything else by whether something came."""
    with serving(handle) as address:
        reply = asking.ask(address)
    assert (reply.kind, reply.text, reply.http) == (kind, text, http)


def test_one_that_says_nothing_and_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent one is not waited for without end."""
    monkeypatch.setattr(asking, "ASK_TIMEOUT_S", 0.2)
    held = threading.Event()
    with serving(lambda _: held.wait(5)) as address:
        assert asking.ask(address).kind is Kind.SILENT
        assert asking.show_line(address, "token").kind is Kind.SILENT
        held.set()
    assert asking.ask(address).kind is Kind.UNREACHABLE
    assert not asking.connects(address)


def test_the_token_is_shown_in_the_header_or_as_the_first_line() -> None:
    """And not at all where none is."""
    got: list[bytes] = []
    with serving(lambda connection: got.append(connection.recv(4096))) as address:
        assert asking.connects(address)
        asking.ask(address)
        asking.ask(address, "abc")
        asking.show_line(address, "abc")
    bare, header, line = got[-3:]
    assert bare.startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Authorization" not in bare
    assert b"\r\nAuthorization: Bearer abc\r\n" in header
    assert line == b"abc\n"


def test_where_a_process_listens_is_seen() -> None:
    """With the address, also of another family; a process that is gone listens nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        found = asking.listening([os.getpid(), 2**22 + 1])
        assert Address(host="127.0.0.1", port=port) in found
        assert asking.local(port, found) == Address(host="127.0.0.1", port=port)
    assert Address(host="127.0.0.1", port=port) not in asking.listening([os.getpid()])
    only = [Address(host="::1", port=80)]
    assert asking.local(80, only).host == "::1"
    assert str(only[0]) == "[::1]:80"
