"""A client with HTTP/2 and the packaged certificates, and a request in the process."""

import signal
import sys
import time

NAME = "library-httpx"
VERSION = "1.0.0"


def use() -> str:
    """Open a TLS context with certifi's file; send a request to an in-process application."""
    import asyncio
    import ssl

    import certifi
    import httpx

    assert ssl.create_default_context(cafile=certifi.where()).cert_store_stats()["x509_ca"] > 50

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"tea"})

    async def ask() -> str:
        async with httpx.AsyncClient(http2=True):
            pass
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x\u00e9.test") as client:
            return (await client.get("/")).text

    return f"httpx={httpx.__version__} answer={asyncio.run(ask())}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
