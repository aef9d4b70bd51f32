"""An application named by a string, on uvloop and httptools: uvicorn loads all three by name."""

import signal
import sys
import time

NAME = "library-uvicorn"
VERSION = "1.0.0"


def use() -> str:
    """Serve one request with the optional loop and parser."""
    import asyncio
    import urllib.request

    import uvicorn

    config = uvicorn.Config(
        "web:app", port=0, loop="uvloop", http="httptools", ws="websockets", log_level="warning"
    )
    server = uvicorn.Server(config)

    async def once() -> str:
        task = asyncio.create_task(server.serve())
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        answer = await asyncio.to_thread(
            lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()
        )
        server.should_exit = True
        await task
        return answer

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        answer = runner.run(once())
    return f"uvicorn={uvicorn.__version__} answer={answer}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
