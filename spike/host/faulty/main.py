"""A sidecar that goes wrong in the way it is told to: ``--fault NAME``.

It is frozen by the packager under test, so the failure rows of the checklist are about a real
binary and not about a shell script.
"""

import os
import signal
import sys
import time


def out(line):
    """Write one line to stdout."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def err(line):
    """Write one line to stderr."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def live():
    """Wait until SIGTERM, SIGINT or the end of stdin."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    while os.read(0, 4096):
        pass


def none():
    """Nothing is wrong."""
    out("READY")
    live()


def crash():
    """Exit with 3 before READY, and say on stderr why."""
    err("faulty: the port 4711 is taken")
    sys.exit(3)


def silent():
    """Never say READY, nor anything else."""
    live()


def malformed():
    """Say everything that looks like READY and is not."""
    for line in ("READY!", " READY", "NOT READY", "READY READY", "ready"):
        out(line)
    err("READY")
    sys.stdout.write("READY")
    sys.stdout.flush()
    live()


def twice():
    """Say READY two times."""
    out("READY")
    time.sleep(0.1)
    out("READY")
    live()


def dies():
    """Exit with 7 some time after READY."""
    out("READY")
    time.sleep(0.3)
    err("faulty: the database went away")
    sys.exit(7)


def killed():
    """Be ended by a signal before READY."""
    os.kill(os.getpid(), signal.SIGKILL)


def deaf():
    """Say READY and ignore every polite way to be stopped."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    out("READY")
    while True:
        time.sleep(60)


def grandchild():
    """Leave a process behind that holds the pipes, and exit with 0 after READY."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)
    out("READY")
    live()


def slow():
    """Say READY after ``--delay`` milliseconds."""
    time.sleep(float(option("--delay", "0")) / 1000)
    none()


FAULTS = {
    fault.__name__: fault
    for fault in (
        none,
        crash,
        silent,
        malformed,
        twice,
        dies,
        killed,
        deaf,
        grandchild,
        slow,
    )
}


def option(name, default):
    """The word after ``name`` on the command line."""
    words = sys.argv
    return words[words.index(name) + 1] if name in words[:-1] else default


if __name__ == "__main__":
    out(f"BOOT sidecar=sidecar-faulty version=0.1.0 pid={os.getpid()}")
    FAULTS[option("--fault", "none")]()
