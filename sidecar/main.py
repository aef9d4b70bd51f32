"""A hello-world sidecar: says BOOT and READY, waits, and says SHUTDOWN when asked to stop.

One ASCII line for each event, flushed at once:

    BOOT sidecar=<name> version=<x.y.z> pid=<n> python=<x.y.z> entered_ns=<n> args=<a,b,…>
         [SIDECAR_…=<value> …]
    READY
    HEARTBEAT n=<count>                        only with --heartbeat SECONDS
    SHUTDOWN reason=signal signal=<NAME>       SIGTERM, SIGINT, SIGHUP (Windows: SIGBREAK)
    SHUTDOWN reason=normal                     end of file on stdin, when told to watch it

It watches stdin when SIDECAR_EXIT_ON_EOF=1 is set or --exit-on-eof is given, so that it does not
outlive a host that dies without a word. What a program imports is part of its start-up time, so
this one imports only what it uses. entered_ns is the performance counter at the program's first
line, which all processes of a machine share: what passed before it is the launcher's and the
interpreter's, what comes after it is ours. (time.monotonic goes in steps of 16 ms on Windows.) The
interpreter has imported time by then, so the stamp costs nothing.
"""

import time

ENTERED_NS = time.perf_counter_ns()

import _thread
import os
import signal
import sys

if sys.platform == "win32":
    # signal.set_wakeup_fd imports it from C there, where no packager sees it.
    import _socket  # noqa: F401

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
        f"entered_ns={ENTERED_NS}",
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


class Inbox:
    """A pipe into which everything that can happen writes one byte; the idle program reads it.

    The interpreter's own C handler writes the number of a signal into it (set_wakeup_fd), whichever
    thread the system chose for the delivery. Waiting with sigwait instead loses signals when
    something in the process runs a thread of its own before us, as Nuitka's onefile child does.
    """

    EOF = 0
    BEAT = 255

    def __init__(self):
        """Take over the stop signals; from here on none is lost and none kills."""
        self.read_end, self.write_end = os.pipe()
        if sys.platform != "win32":
            # Asked for by set_wakeup_fd; Windows does not, and has it from Python 3.12 on only.
            os.set_blocking(self.write_end, False)
        signal.set_wakeup_fd(self.write_end, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: None)

    def next(self):
        """Wait for the next thing to happen, without waking up in between."""
        return os.read(self.read_end, 1)[0]

    def watch_stdin(self):
        """Report the end of stdin; what arrives before that is not for us."""
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass  # no stdin at all: the same as its end
        os.write(self.write_end, bytes([self.EOF]))

    def beat(self, seconds):
        """Report every so many seconds."""
        while True:
            time.sleep(seconds)
            os.write(self.write_end, bytes([self.BEAT]))


def serve(inbox, heartbeat_s, watch_stdin):
    """Wait for the reason to stop, saying HEARTBEAT meanwhile; return the SHUTDOWN fields."""
    if watch_stdin:
        _thread.start_new_thread(inbox.watch_stdin, ())
    if heartbeat_s:
        _thread.start_new_thread(inbox.beat, (heartbeat_s,))
    beats = 0
    while True:
        happened = inbox.next()
        if happened == Inbox.BEAT:
            beats += 1
            say(f"HEARTBEAT n={beats}")
        elif happened == Inbox.EOF:
            return "reason=normal"
        else:
            return f"reason=signal signal={signal.Signals(happened).name}"


def main(args):
    """Run the sidecar until it is asked to stop; return its exit code."""
    heartbeat_s, watch_stdin = parse(args)
    # Before READY: whoever has seen READY can rely on a clean stop.
    inbox = Inbox()
    try:
        say(boot_line(args))
        say("READY")
        reason = serve(inbox, heartbeat_s, watch_stdin)
        say(f"SHUTDOWN {reason}")
    except OSError:
        # Nobody reads any more, so there is nobody to serve: BrokenPipeError, on Windows also a
        # plain OSError (22). Standard output is pointed away so that the interpreter's own flush
        # at exit does not raise the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
