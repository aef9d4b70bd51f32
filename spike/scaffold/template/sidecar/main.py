"""The application's sidecar: FastAPI, for the application's own pages alone."""

import itertools
import platform
import socket

import sidecar_contract as sidecar
import uvicorn
from fastapi import FastAPI
from guard import Guard

app = FastAPI()
numbers = itertools.count(1)


@app.get("/hello")
def hello(name: str = "you") -> dict[str, str | int]:
    """Greet whoever asks."""
    python = platform.python_version()
    return {"message": f"Hello {name}, here is Python {python}.", "number": next(numbers)}


class Server(uvicorn.Server):
    """uvicorn that says READY when it accepts."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started and sockets:
            sidecar.ready(sockets[0].getsockname()[1])

    def end(self) -> None:
        """Let it end; the requests in flight are finished."""
        self.should_exit = True


if __name__ == "__main__":
    sidecar.begin()
    with socket.create_server(("127.0.0.1", sidecar.port)) as listener:
        server = Server(uvicorn.Config(Guard(app)))
        sidecar.on_stop(server.end)
        server.run([listener])
    sidecar.wait()
