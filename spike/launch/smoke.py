"""The smoke command: one question to a program that said READY, while its pipes are read on."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

from spike.core import process
from spike.core.errors import MissingToolError
from spike.launch.running import Running
from spike.launch.spec import Failure
from spike.launch.streams import Sink

TIMEOUT_S = 30.0
"""A smoke command that takes longer has failed."""

LAST_WORDS_S = 1.0
"""How long to wait for the rest of its output once it has ended."""


def run(running: Running) -> bool:
    """Run the smoke command; True when it exits 0 in time.

    Args:
        running: A program that said READY; its failure is recorded there.
    """
    spec = running.spec
    try:
        argv = [word.format_map(running.fields()) for word in spec.smoke]
    except (LookupError, ValueError) as error:
        running.fail(
            Failure.SMOKE_FAILED,
            f"the smoke command needs the field {error}, and no key=value word of the "
            "sidecar's stdout gave it",
        )
        return False
    if argv[0] in ("python", "python3"):
        argv[0] = sys.executable
    with _output() as (descriptor, said):
        try:
            command = process.spawn(
                argv,
                env=os.environ,
                cwd=spec.smoke_cwd,
                stdin=subprocess.PIPE if spec.smoke_stdio else subprocess.DEVNULL,
                stdout=running.stdin_descriptor() if spec.smoke_stdio else descriptor,
                stderr=descriptor,
            )
        except MissingToolError as error:
            running.fail(Failure.SMOKE_FAILED, f"the smoke command: {error.what}")
            return False
        if command.stdin is not None:
            running.listener = _never_waiting(command.stdin)
        deadline = time.monotonic() + TIMEOUT_S
        try:
            while command.poll() is None and time.monotonic() < deadline and not running.exited:
                running.pump(lambda: running.exited or command.poll() is not None, 0.005)
        finally:
            running.listener = None
            timed_out = command.poll() is None
            if timed_out:
                process.kill_group(command.pid)
            command.wait()
            if command.stdin is not None:
                command.stdin.close()
        if command.returncode == 0 or running.exited:
            return not running.exited  # a program that died is what stopping it reports
        last = said().decode("utf-8", "replace").strip().splitlines()[-1:]
    if timed_out:
        end = f"took over {TIMEOUT_S:g} s"
    elif command.returncode < 0:  # on Windows no signal ends a program
        end = f"was killed by {signal.Signals(-command.returncode).name}"
    else:
        end = f"exited with {command.returncode}"
    shown = process.shown(["python" if word == sys.executable else word for word in argv])
    running.fail(
        Failure.SMOKE_FAILED, f"the smoke command {shown} {end}: {(last or ['no output'])[0]}"
    )
    return False


@contextlib.contextmanager
def _output() -> Iterator[tuple[int, Callable[[], bytes]]]:
    """Where a command's output goes: a descriptor for it, and what gives all of it at the end."""
    if sys.platform == "win32":
        with _pipe_with_reader() as both:
            yield both
        return
    with tempfile.TemporaryFile() as kept:

        def said() -> bytes:
            kept.seek(0)
            return kept.read()

        yield kept.fileno(), said


@contextlib.contextmanager
def _pipe_with_reader() -> Iterator[tuple[int, Callable[[], bytes]]]:
    """A pipe that a thread empties: what hosts on Windows give their tools is a pipe, too."""
    read_end, write_end = os.pipe()
    parts: list[bytes] = []

    def read_on() -> None:
        while data := os.read(read_end, 65536):
            parts.append(data)
        os.close(read_end)

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    ends = [write_end]

    def said() -> bytes:
        while ends:
            os.close(ends.pop())
        # What the command has started may hold the other end; nobody waits for that.
        reader.join(LAST_WORDS_S)
        return b"".join(parts)

    try:
        yield write_end, said
    finally:
        said()


def _never_waiting(pipe: IO[bytes]) -> Sink:
    """A pipe that is written to without waiting for who reads it; what has no room is lost."""
    if sys.platform == "win32":
        return Feeder(pipe)
    os.set_blocking(pipe.fileno(), False)
    return pipe


class Feeder:
    """Writes to a pipe from a thread of its own: on Windows a write waits until there is room."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._feed, daemon=True).start()

    def write(self, data: bytes, /) -> None:
        """Have it written when there is room."""
        self._waiting.put(data)

    def _feed(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
            while True:
                self._pipe.write(self._waiting.get())
