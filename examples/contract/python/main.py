"""A sidecar that keeps the contract: it greets over HTTP whoever shows the token."""

import http.server

import sidecar_contract as sidecar

NAME = "sidecar-contract"
VERSION = "0.1.0"


class Greeter(http.server.BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self):
        """Greet, or refuse."""
        allowed = sidecar.allowed(self.headers.get("Authorization"))
        body = f"{NAME} {VERSION}\n".encode() if allowed else b"no token\n"
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    """Serve until the host says stop, or is gone."""
    sidecar.begin()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", sidecar.port), Greeter)
    sidecar.on_stop(server.shutdown)
    sidecar.ready(server.server_port)
    server.serve_forever()
    server.server_close()
    sidecar.wait()


if __name__ == "__main__":
    main()
