"""Answer only the application's own pages, with the token of this launch: copy this one file.

    app = Guard(app)    # any ASGI application: FastAPI, Starlette, Litestar, Django's ASGI

Started by hand, without SIDECAR_TOKEN, it lets everybody in. A page shows the token as
``Authorization: Bearer TOKEN``; a WebSocket, which has no header to set, as its second subprotocol:
``new WebSocket(url, ["bearer", token])``, accepted with ``subprotocol="bearer"``.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

TOKEN = os.environ.get("SIDECAR_TOKEN", "")
ORIGINS = os.environ.get("SIDECAR_ORIGINS", "").split()


class Guard:
    """403 for a foreign Origin, 401 without the token, and CORS for the pages that may ask."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if not TOKEN or scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        if origin is not None and origin not in ORIGINS:
            return await refuse(scope, send, 403, [])
        cors: list[tuple[bytes, bytes]] = []
        if origin is not None:
            cors = [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]
        if scope.get("method") == "OPTIONS" and "access-control-request-method" in headers:
            allowed = [b"access-control-allow-methods", b"access-control-allow-headers"]
            asked = [
                headers["access-control-request-method"],
                headers.get("access-control-request-headers", ""),
            ]
            cors += [(name, value.encode()) for name, value in zip(allowed, asked, strict=True)]
            return await refuse(scope, send, 204, cors)
        shown = headers.get("authorization", "")
        if scope["type"] == "websocket":
            shown = f"Bearer {(scope['subprotocols'] or [''])[-1]}"
        if not hmac.compare_digest(shown.encode(), f"Bearer {TOKEN}".encode()):
            return await refuse(scope, send, 401, cors)

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *cors]
            await send(message)

        return await self.app(scope, receive, send_with_cors)


async def refuse(
    scope: Message, send: Send, status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    """Answer without the application."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*headers, (b"content-length", b"0")]})
    await send({"type": "http.response.body"})
