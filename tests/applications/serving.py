"""How the applications here that uvicorn serves keep to the contract; each has a copy."""

import os
import signal
import socket
import sys
import threading

reason = "reason=normal"
server = None


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def stop(number=None, frame=None):
    global reason
    if number:
        reason = f"reason=signal signal={signal.Signals(number).name}"
    if server is None:
        raise SystemExit(0)
    server.should_exit = True


def stop_at_end_of_stdin():
    while os.read(0, 4096):
        pass
    if server is not None:
        server.should_exit = True


def serve(app):
    global server
    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            if self.started and not self.should_exit:
                say(f"LISTEN port={listener.getsockname()[1]}")
                say("READY")

        def handle_exit(self, sig, frame):
            stop(sig)

    server = Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3))
    if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
        threading.Thread(target=stop_at_end_of_stdin, daemon=True).start()
    server.run(sockets=[listener])
    say(f"SHUTDOWN {reason}")
    return 0 if server.started else 1


def begin(name):
    say(f"BOOT sidecar={name} version=1.0.0")
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
