"""Statistics of a table over HTTP: pandas and numpy behind the standard library's server."""

from __future__ import annotations

import io
import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import sidecar_contract as sidecar

NAME = "service-pandas"
VERSION = "0.1.0"


def statistics(text: str) -> dict[str, object]:
    """Mean and trend of every column of numbers, by group where there is one."""
    table = pd.read_csv(io.StringIO(text))
    numbers = table.select_dtypes("number")
    lines = np.arange(len(table))
    trend = {name: float(np.polyfit(lines, numbers[name], 1)[0]) for name in numbers}
    found: dict[str, object] = {"rows": len(table), "mean": numbers.mean().to_dict()}
    if "group" in table:
        found["groups"] = table.groupby("group")[list(numbers)].mean().round(6).to_dict("index")
    return {**found, "trend": {name: round(value, 6) for name, value in trend.items()}}


class Answers(BaseHTTPRequestHandler):
    """GET /health, and POST /statistics with a table as CSV."""

    def do_GET(self) -> None:
        """Tell the host that all is well."""
        self._answer(HTTPStatus.OK, {"status": "ok", "service": NAME, "version": VERSION})

    def do_POST(self) -> None:
        """Compute."""
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self._answer(HTTPStatus.OK, statistics(text))
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _answer(self, status: HTTPStatus, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the host says stop, or is gone."""
    sidecar.begin()
    server = ThreadingHTTPServer(("127.0.0.1", sidecar.port), Answers)
    sidecar.on_stop(server.shutdown)
    sidecar.ready(server.server_port)
    server.serve_forever()
    server.server_close()
    sidecar.wait()


if __name__ == "__main__":
    main()
