"""Smoke check with a model of three words, served by this script. Usage: python smoke.py PORT."""

import http.server
import json
import sys
import threading
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
BASE = f"http://127.0.0.1:{sys.argv[1]}"


class Model(http.server.BaseHTTPRequestHandler):
    """Answers every question with the same three words, one at a time."""

    def do_POST(self):
        """Stream."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in ("it ", "is ", "so"):
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
            part = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "any"}
            self.wfile.write(f"data: {json.dumps({**part, 'choices': [choice]})}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        """Be quiet."""


def post(path, body):
    """One request; its text."""
    with OPENER.open(BASE + path, body, timeout=20) as response:
        return response.read().decode()


model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=model.serve_forever, daemon=True).start()
assert json.loads(post("/count", "Grüße".encode())) == {"tokens": 7}
question = {"server": f"http://127.0.0.1:{model.server_port}/v1", "text": "is it so?"}
assert post("/ask", json.dumps(question).encode()) == "it is so"
try:
    post("/ask", json.dumps({**question, "server": "http://127.0.0.1:1/v1"}).encode())
except urllib.error.HTTPError as error:
    with error:
        status = error.code
else:
    status = 200
assert status == 502, f"a server that is not there gives {status}"
