"""Asks a language model for the page: the OpenAI client, httpx and tiktoken, served by Starlette.

It speaks to whatever server the page names, so that its own smoke check needs no network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import sidecar_contract as sidecar
import tiktoken
import uvicorn
from openai import AsyncOpenAI, OpenAIError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

NAME = "service-llm"
VERSION = "0.1.0"

# A vocabulary of bytes: tiktoken's own are fetched from the network.
BYTES = tiktoken.Encoding(
    "bytes",
    pat_str=r"\p{L}+|\p{N}+|\s+|[^\s\p{L}\p{N}]+",
    mergeable_ranks={bytes([number]): number for number in range(256)},
    special_tokens={},
)


async def health(_: Request) -> Response:
    """Tell the host that all is well."""
    return JSONResponse({"status": "ok", "service": NAME, "version": VERSION})


async def count(request: Request) -> Response:
    """How many tokens a text has."""
    return JSONResponse({"tokens": len(BYTES.encode((await request.body()).decode()))})


async def ask(request: Request) -> Response:
    """The model's answer, word for word as it comes."""
    told = await request.json()
    client = AsyncOpenAI(base_url=told["server"], api_key="of the page", max_retries=0)
    messages = [{"role": "user", "content": str(told["text"])}]
    try:
        stream = await client.chat.completions.create(
            model=told.get("model", "any"), messages=messages, stream=True
        )
    except OpenAIError as error:
        return JSONResponse({"error": str(error)}, status_code=502)

    async def words() -> AsyncIterator[str]:
        async for part in stream:
            yield part.choices[0].delta.content or ""
        await client.close()

    return StreamingResponse(words(), media_type="text/plain")


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/count", count, methods=["POST"]),
        Route("/ask", ask, methods=["POST"]),
    ]
)


class Server(uvicorn.Server):
    """Says READY when it accepts, and leaves the signals to the contract."""

    def install_signal_handlers(self) -> None:
        """The contract has them."""

    async def startup(self, sockets: list[object] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        sidecar.ready(self.servers[0].sockets[0].getsockname()[1])


def main() -> None:
    """Serve until the host says stop, or is gone."""
    sidecar.begin()
    config = uvicorn.Config(app, host="127.0.0.1", port=sidecar.port, log_level="warning")
    server = Server(config)

    def end() -> None:
        server.should_exit = True

    sidecar.on_stop(end)
    server.run()
    sidecar.wait()


if __name__ == "__main__":
    main()
