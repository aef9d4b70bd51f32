"""A hello-world sidecar: says BOOT and READY, waits, and says SHUTDOWN when asked to stop.

One ASCII line for each event, flushed at once:

    BOOT sidecar=<name> version=<x.y.z> pid=<n> python=<x.y.z> args=<a,b,…> [SIDECAR_…=<value> …]
    READY
    HEARTBEAT n=<count>                        only with --heartbeat SECONDS
    SHUTDOWN reason=signal signal=<NAME>       SIGTERM, SIGINT, SIGHUP (Windows: SIGBREAK)
    SHUTDOWN reason=normal                     end of file on stdin, when told to watch it

It watches stdin when SIDECAR_EXIT_ON_EOF=1 is set or --exit-on-eof is given, so that it does not
outlive a host that dies without a word. What a program imports is part of its start-up time, so
this one imports only what it uses.
"""

import _thread
import os
import signal
import sys

NAME = "sidecar-hello"
VERSION = "0.1.0"

STOP_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]
USAGE = "usage: sidecar-hello [--heartbeat SECONDS] [--exit-on-eof] [ANY-OTHER-ARGUMENT ...]"


def say(line):
    """Write one protocol line in a single call, so that a reader never sees half of it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def escape(text):
    """Percent-encode what would break a field of an ASCII line: spaces, commas, controls."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%," else f"%{byte:02X}"
        for byte in os.fsencode(text)
    )


def boot_line(args):
    """The BOOT line: the plan's two fields, then what lets a host prove what reached us."""
    fields = [
        "BOOT",
        f"sidecar={NAME}",
        f"version={VERSION}",
        f"pid={os.getpid()}",
        "python={}.{}.{}".format(*sys.version_info[:3]),
        "args=" + ",".join(map(escape, args)),
    ]
    fields += [
        f"{escape(key)}={escape(value)}"
        for key, value in sorted(os.environ.items())
        if key.startswith("SIDECAR_")
    ]
    return " ".join(fields)


def parse(args):
    """Return (heartbeat seconds or 0, watch stdin?); exit 2 with the usage on a bad value."""
    heartbeat_s = 0.0
    watch_stdin = os.environ.get("SIDECAR_EXIT_ON_EOF") == "1"
    words = iter(args)
    for word in words:
        if word == "--exit-on-eof":
            watch_stdin = True
        elif word == "--heartbeat":
            value = next(words, "")
            try:
                heartbeat_s = float(value)
            except ValueError:
                heartbeat_s = -1.0
            if not 0 < heartbeat_s < 86_400:
                sys.stderr.write(f"--heartbeat takes seconds above 0, not {value!r}\n{USAGE}\n")
                sys.exit(2)
    return heartbeat_s, watch_stdin


def wait_for_eof():
    """Block until stdin ends; what arrives before that is not for us."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass  # no stdin at all: the same as its end


def serve(heartbeat_s, watch_stdin):
    """Wait for the reason to stop, saying HEARTBEAT meanwhile; return the SHUTDOWN fields.

    The signals are blocked and taken with sigwait, so none is lost between two Python
    instructions and the idle program wakes up for nothing. The thread that watches stdin and the
    timer of the heartbeat report as signals too: there is one place where things happen.
    """
    waited = {*STOP_SIGNALS, signal.SIGALRM, signal.SIGUSR1}
    if watch_stdin:

        def watch():
            wait_for_eof()
            os.kill(os.getpid(), signal.SIGUSR1)

        _thread.start_new_thread(watch, ())
    if heartbeat_s:
        signal.setitimer(signal.ITIMER_REAL, heartbeat_s, heartbeat_s)
    beats = 0
    while True:
        received = signal.sigwait(waited)
        if received == signal.SIGALRM:
            beats += 1
            say(f"HEARTBEAT n={beats}")
        elif received == signal.SIGUSR1:
            return "reason=normal"
        else:
            return f"reason=signal signal={signal.Signals(received).name}"


def serve_without_sigwait(heartbeat_s, watch_stdin):
    """The same where sigwait does not exist (Windows): handlers note the signal, the loop looks."""
    import time

    seen = []
    for number in STOP_SIGNALS:
        signal.signal(number, lambda received, _frame: seen.append(received))
    if watch_stdin:

        def watch():
            wait_for_eof()
            seen.append(None)

        _thread.start_new_thread(watch, ())
    beats = 0
    next_beat = time.monotonic() + heartbeat_s
    while not seen:
        time.sleep(0.05)
        if heartbeat_s and time.monotonic() >= next_beat:
            beats += 1
            next_beat += heartbeat_s
            say(f"HEARTBEAT n={beats}")
    if seen[0] is None:
        return "reason=normal"
    return f"reason=signal signal={signal.Signals(seen[0]).name}"


def main(args):
    """Run the sidecar until it is asked to stop; return its exit code."""
    can_sigwait = hasattr(signal, "sigwait")
    if can_sigwait:
        # Blocked before READY: whoever has seen READY can rely on a clean stop.
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP_SIGNALS, signal.SIGALRM, signal.SIGUSR1})
    heartbeat_s, watch_stdin = parse(args)
    try:
        say(boot_line(args))
        say("READY")
        reason = (serve if can_sigwait else serve_without_sigwait)(heartbeat_s, watch_stdin)
        say(f"SHUTDOWN {reason}")
    except BrokenPipeError:
        # Nobody reads any more, so there is nobody to serve. Standard output is pointed away so
        # that the interpreter's own flush at exit does not raise the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
