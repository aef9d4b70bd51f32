"""Answer only the application's own pages, with the token of this launch: copy this one file.

    app.wsgi_app = Guard(app.wsgi_app)    # Flask; any WSGI application: app = Guard(app)

Started by hand, without SIDECAR_TOKEN, it lets everybody in. A page shows the token as
``Authorization: Bearer TOKEN``.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

TOKEN = os.environ.get("SIDECAR_TOKEN", "")
EMPTY = [("Content-Length", "0")]
ORIGINS = os.environ.get("SIDECAR_ORIGINS", "").split()


class Guard:
    """403 for a foreign Origin, 401 without the token, and CORS for the pages that may ask."""

    def __init__(self, app: Application) -> None:
        self.app = app

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Let a request through, or answer it."""
        if not TOKEN:
            return self.app(environ, start)
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin not in ORIGINS:
            start("403 Forbidden", EMPTY)
            return [b""]
        cors = []
        if origin is not None:
            cors = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if environ["REQUEST_METHOD"] == "OPTIONS" and method:
            headers = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            allow = [("Methods", method), ("Headers", headers)]
            cors += [(f"Access-Control-Allow-{name}", value) for name, value in allow]
            start("204 No Content", cors)
            return [b""]
        shown = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
        if not hmac.compare_digest(shown, f"Bearer {TOKEN}".encode()):
            start("401 Unauthorized", EMPTY + cors)
            return [b""]
        return self.app(
            environ,
            lambda status, headers, *error: start(status, [*headers, *cors], *error),
        )
