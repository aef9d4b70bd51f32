"""A walk over the pages of a real server, and what differs between two of them."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spike.completeness import crawl
from spike.completeness.crawl import Page

HOME = b"""<html><link rel=stylesheet href="/static/own.css"><a href="second?q=1">2</a>
<a href="/logout">go</a> <a href="http://example.invalid/">far</a> <img src=/gone.png></html>"""
SITE = {
    "/": (200, "text/html", HOME),
    "/second?q=1": (200, "text/html", b"<a href=/>back</a>"),
    "/static/own.css": (
        *(200, "text/css"),
        b"@import url('more.css'); @import 'last.css'; body { background: url('/static/dot.png') }",
    ),
    "/static/dot.png": (200, "image/png", b"\x89PNG"),
}


@contextmanager
def served(site: Mapping[str, tuple[int, str, bytes]]) -> Iterator[str]:
    """A server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = site.get(self.path, (404, "text/plain", b"no such page"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_pages_styles_and_pictures_are_asked_for_and_orders_are_not() -> None:
    """Of the same origin alone; from the address of a health check, the first page as well."""
    with served(SITE | {"/health": (200, "application/json", b"{}")}) as base:
        found = crawl.walk(f"{base}/health")
    assert list(found) == [
        *("/health", "/", "/static/own.css", "/second?q=1", "/gone.png"),
        *("/static/more.css", "/static/last.css", "/static/dot.png"),
    ]
    assert found["/static/dot.png"] == Page(status=200, kind="image/png", body=b"\x89PNG")
    assert found["/gone.png"].status == 404


def test_nobody_there_is_an_answer_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ended while it was asked; one that is ready a moment early is waited for."""
    with served(SITE) as base:
        pass
    found = crawl.walk(base, patience_s=0)
    assert [page.status for page in found.values()] == [0]
    answers = [Page(status=0), Page(status=0), page("late")]
    monkeypatch.setattr(crawl, "ask", lambda _: answers.pop(0))
    assert list(crawl.walk(base).values()) == [page("late")]


@pytest.mark.parametrize(
    ("said", "body", "expected"),
    [
        ("gzip", gzip.compress(b"text", mtime=0), Page(status=200, kind="text/html", body=b"text")),
        ("deflate", zlib.compress(b"text"), Page(status=200, kind="text/html", body=b"text")),
        ("br", b"\x1b\x03", Page(status=200, kind="br text/html", body=b"\x1b\x03")),
        ("gzip", b"none", Page(status=200, kind="gzip text/html", body=b"none")),
    ],
)
def test_an_encoded_page_is_text_when_it_can_be_decoded(
    said: str, body: bytes, expected: Page
) -> None:
    """Some servers encode without being asked; what nobody here can read is compared as bytes."""
    with served({"/": (200, f"text/html\r\nContent-Encoding: {said}", body)}) as base:
        assert crawl.ask(base) == expected


def test_the_number_of_pages_is_bounded() -> None:
    """A calendar links to the next day for ever."""
    days = {f"/{n}": (200, "text/html", b"<a href=/%d>" % (n + 1)) for n in range(1, 200)}
    with served(days | {"/": (200, "text/html", b"<a href=/1>")}) as base:
        assert len(crawl.walk(base)) == crawl.MOST_PAGES


def page(text: str, status: int = 200, kind: str = "text/html") -> Page:
    return Page(status=status, kind=kind, body=text.encode())


def test_what_a_program_answers_otherwise_is_named() -> None:
    """A status, a kind, a text; the port of a launch and a token of a form are no difference."""
    plain = {
        "/": page("home <input value=t0ken1> at http://127.0.0.1:4001/"),
        "/style.css": page("body {}", kind="text/css"),
        "/list": page("one\ntwo"),
        "/long": page("x" * 99 + "b9"),
        "/dot.png": Page(status=200, kind="image/png", body=b"1"),
    }
    again = dict(plain) | {"/": page("home <input value=other2> at http://127.0.0.1:4002/")}
    same = dict(plain) | {"/": page("home <input value=third3> at http://127.0.0.1:4003/")}
    assert crawl.differences(plain, again, same) == []
    program = {
        "/": page("Internal Server Error", status=500, kind="text/plain"),
        "/style.css": page("", status=404, kind="text/css"),
        "/list": page("one"),
        "/long": page("x" * 99 + "a8"),
        "/dot.png": Page(status=200, kind="image/png", body=b"2"),
    }
    told = crawl.differences(plain, again, program)
    assert told == [
        "GET /: 200 text/html in the plain script, 500 text/plain",
        "GET /style.css: 200 text/css in the plain script, 404 text/css",
        "GET /list: another text than in the plain script, which has 'two'",
        f"GET /long: another text than in the plain script, '…{'x' * 20}a8' for '…{'x' * 20}b9'",
        "GET /dot.png: another text than in the plain script",
    ]
    assert crawl.shown(told).endswith("; and 2 more")


def test_the_time_of_a_file_in_an_address_is_no_difference() -> None:
    """Many servers put it behind a style's name; a copy that ships has another one."""
    plain = {
        "/": page("<link href=/own.css?m=1796054419.007>"),
        "/own.css?m=1796054419.007": page("body {}", kind="text/css"),
    }
    program = {"/": page("<link href=/own.css?m=1796054949.07>")}
    program["/own.css?m=1796054949.07"] = page("", status=404, kind="text/css")
    told = "GET /own.css?m=1796054419.007: 200 text/css in the plain script, 404 text/css"
    assert crawl.differences(plain, plain, program) == [told]
    # NiceGUI has the digest of a file's place there; of two alike none is known to be the other.
    plain = {f"/{digit * 32}/a.js": page(digit) for digit in "12"}
    program = {f"/{digit * 32}/a.js": page("x") for digit in "34"}
    assert crawl.differences(plain, plain, program) == []
    one = {f"/{'1' * 32}/a.js": page("1")}
    assert len(crawl.differences(one, one, {f"/{'3' * 32}/a.js": page("x")})) == 1


def test_what_differs_between_two_runs_of_the_script_is_no_difference() -> None:
    """A picture that is drawn anew, a page that comes and goes."""
    plain = {"/now.png": Page(status=200, kind="image/png", body=b"1"), "/x": page("a")}
    again = {"/now.png": Page(status=200, kind="image/png", body=b"2"), "/x": page("", 503)}
    program = {"/now.png": Page(status=200, kind="image/png", body=b"3"), "/x": page("", 404)}
    assert crawl.differences(plain, again, program) == []
