"""A walk over the pages that a running service answers with, for a comparison of two of them.

READY says that a program runs; whether its pages are whole shows when they are asked for. From one
address on, links of the same origin are followed (pages, styles, scripts, pictures), a few dozen.
Only GET is sent, and nothing that looks like an order: no logout, no delete, no shutdown.

Standard library only: a build walks, too.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from types import MappingProxyType

from spike.completeness import outputs

MOST_PAGES = 40
"""So many addresses are asked."""
MOST_BYTES = 4_000_000
"""So much is read of an answer."""
ANSWER_TIMEOUT_S = 10.0
TIMEOUT_S = 30.0
"""Seconds for one answer, and for all of them."""

_ORDER = re.compile(
    r"\b(log-?out|sign-?out|delete|remove|destroy|shutdown|quit|exit|stop|restart|reset)\b",
    re.IGNORECASE,
)
_LINKS = {"a": "href", "link": "href", "script": "src", "img": "src", "iframe": "src"} | {
    "source": "src",
    "audio": "src",
    "video": "src",
}
_OF_STYLE = re.compile(r"""(?:url\(\s*|@import\s+(?!url))['"]?([^'")\s;]+)""")
_PLACE = re.compile(r"(?<=/)[0-9a-f]{32,64}(?=/)")
"""A digest in an address, of a file's place or of what is asked for there."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer.

    Attributes:
        status: Of HTTP; 0 for none.
        kind: Content type without its parameters, behind an encoding that could not be undone.
        body: Its first bytes; for no answer, why.
    """

    status: int
    kind: str = ""
    body: bytes = b""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if link := values.get(_LINKS.get(tag, ""), ""):
            self.found.append(link)


def walk(start: str, *, patience_s: float = 3.0) -> dict[str, Page]:
    """Ask for an address and for what it leads to.

    Args:
        start: The first address, with ``http``.
        patience_s: Seconds to the first answer: some servers say that they listen before they do.

    Returns:
        Path with query to answer, in the order of asking; ``/`` is among them.
    """
    base = urllib.parse.urlsplit(start)
    root = urllib.parse.urlunsplit((base.scheme, base.netloc, "/", "", ""))
    waiting = [_target(start), "/"]
    found: dict[str, Page] = {}
    began = time.monotonic()
    deadline, patience = began + TIMEOUT_S, began + patience_s
    while waiting and len(found) < MOST_PAGES and time.monotonic() < deadline:
        target = waiting.pop(0)
        if target in found:
            continue
        page = ask(urllib.parse.urljoin(root, target))
        while not found and not page.status and time.monotonic() < patience:
            time.sleep(0.05)
            page = ask(urllib.parse.urljoin(root, target))
        found[target] = page
        here = urllib.parse.urljoin(root, target)
        for link in _links(page):
            try:
                absolute = urllib.parse.urlsplit(urllib.parse.urljoin(here, link))
            except ValueError:  # such as https://[your-domain]/
                continue
            if absolute.netloc == base.netloc and not _ORDER.search(absolute.path):
                waiting.append(_target(urllib.parse.urlunsplit(absolute)))
    return found


def ask(
    url: str,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> Page:
    """One GET; redirections are followed."""
    # No proxy of the environment stands between this computer and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, headers=dict(headers))
        with opener.open(request, timeout=timeout_s) as answer:
            return _page(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _page(error.code, error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Page(status=0, body=(str(error) or type(error).__name__).encode())


def _page(status: int, answer: http.client.HTTPResponse | urllib.error.HTTPError) -> Page:
    kind = answer.headers.get_content_type()
    try:
        body = answer.read(MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return Page(status=status, kind=kind)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            body, encoding = zlib.decompressobj(wbits=47).decompress(body, MOST_BYTES), "identity"
    return Page(
        status=status, kind=kind if encoding == "identity" else f"{encoding} {kind}", body=body
    )


def _target(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _links(page: Page) -> Iterator[str]:
    text = page.body.decode("utf-8", "replace")
    if page.kind == "text/html":
        parser = _Links()
        parser.feed(text)
        yield from parser.found
    if page.kind in ("text/html", "text/css"):
        yield from _OF_STYLE.findall(text)


def differences(
    plain: dict[str, Page], again: dict[str, Page], program: dict[str, Page]
) -> list[str]:
    """What the program answers otherwise than the plain script does.

    Args:
        plain: Answers of the script.
        again: Answers of its second run: what differs there differs by itself.
        program: Answers of the program to the same addresses.
    """
    told = []
    masks = [_mask(target) for target in program]
    masked = {
        mask: page
        for mask, page in zip(masks, program.values(), strict=True)
        if masks.count(mask) == 1
    }
    for target, page in plain.items():
        other = program.get(target) or masked.get(_mask(target))
        twin = again.get(target, page)
        if other is None:
            continue  # the time was up; a page that leads there differs itself
        if (other.status, other.kind) != (page.status, page.kind):
            if (twin.status, twin.kind) == (page.status, page.kind):
                told.append(f"GET {target}: {_shown(page)} in the plain script, {_shown(other)}")
        elif other.body != page.body and (seen := _difference(page, twin, other)) is not None:
            told.append(f"GET {target}: another text than in the plain script{seen}")
    return told


def _difference(page: Page, twin: Page, other: Page) -> str | None:
    """In what two answers differ first; None when they do not."""
    is_text = page.kind.startswith("text/") or page.kind.endswith(("json", "javascript", "xml"))
    if " " in page.kind or not is_text:
        return "" if twin.body == page.body else None
    one, two, three = (_lines(each) for each in (page, twin, other))
    gone, new = (
        outputs.mask(lines[0].strip()).replace("\0", "*") if lines else ""
        for lines in outputs.differing(one, two, three)
    )
    pairs = enumerate(zip(gone, new, strict=False))
    begin = max(0, next((at for at, (here, there) in pairs if here != there), 0) - 20)
    gone, new = (("…" if begin else "") + line[begin:][:60] for line in (gone, new))
    if gone and new:
        return f", {new!r} for {gone!r}"
    if gone:
        return f", which has {gone!r}"
    return f": {new!r} besides" if new else None


def _lines(page: Page) -> Sequence[str]:
    # A port of this launch in an address is no difference.
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1", page.body.decode("utf-8", "replace"))
    return _PLACE.sub("*", text).splitlines()


def _mask(target: str) -> str:
    return _PLACE.sub("*", outputs.mask(target))


def _shown(page: Page) -> str:
    return f"{page.status} {page.kind}".strip() if page.status else "no answer"


def shown(differences: Sequence[str]) -> str:
    """The first differences in one line."""
    more = len(differences) - _SHOWN
    return "; ".join(differences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
