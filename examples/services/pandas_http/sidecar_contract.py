"""Keep the sidecar contract, version 1: copy this one file beside your program.

    sidecar.begin()                       # first, in the main thread
    server = make_server("127.0.0.1", sidecar.port)
    sidecar.on_stop(server.shutdown)      # called once, in a thread of its own
    sidecar.ready(server.server_port)     # says LISTEN and READY
    server.serve_forever()
Then, or in place of a server: sidecar.wait()
"""

import _thread
import hmac
import os
import signal
import sys
import threading

port = int(os.environ.get("SIDECAR_PORT") or 0)  # listen on it; 0: the system picks one
token = os.environ.get("SIDECAR_TOKEN", "")  # empty when you start the program by hand
stopping = threading.Event()
_signals = [getattr(signal, f"SIG{name}", 0) for name in ("TERM", "INT", "HUP", "BREAK")]
_stdout = []


def begin(watch_stdin=True):
    """Take over stdout, signals and the end of stdin (False: you read stdin and call stop)."""
    _stdout.append(os.dup(1))
    os.dup2(2, 1)  # what anybody prints now, a C library or a child too, goes to stderr
    sys.stdout = open(1, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    _handle(stop)
    if hasattr(os, "register_at_fork"):  # or a process pool could not end its workers
        os.register_at_fork(after_in_child=lambda: _handle(signal.SIG_DFL))
    if watch_stdin and os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
        _thread.start_new_thread(_watch, (os.dup(0),))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # no child waits on the host's pipe


def ready(port=None):
    """Say that the program can be used, and at which port; only the first call says it."""
    if _stdout:
        os.write(_stdout.pop(), b"LISTEN port=%d\nREADY\n" % port if port else b"READY\n")


def allowed(shown):
    """Tell whether a request's Authorization header shows the token of this launch."""
    return not token or hmac.compare_digest((shown or "").encode(), f"Bearer {token}".encode())


def on_stop(call):
    """Have something called when the program is asked to stop."""
    threading.Thread(target=lambda: (stopping.wait(), call()), daemon=True).start()


def wait():
    """Wait until the program is asked to stop; call it last, also behind a server's loop."""
    while not stopping.wait(0.5):  # without a timeout, Windows lets no Ctrl-Break in
        pass
    _handle(signal.SIG_IGN)  # a second signal would kill a Python that ends


def stop(*_):
    """Stop: what a signal calls; you may call it from any thread."""
    _thread.start_new_thread(_end, ())  # unlike an Event, it takes no lock that we may hold


def _handle(how):
    for number in filter(None, _signals):
        signal.signal(number, how)


def _watch(stdin):
    while os.read(stdin, 4096):
        pass
    stop()


def _end():
    stopping.set()
    threading.Event().wait(6.0)  # what has not ended by then is ended: hosts wait for 8 s
    os._exit(1)
