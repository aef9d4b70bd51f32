"""The parts of a smoke command that Windows needs: a pipe with a reader, a writer that never waits.

They are run here as they are there; the smoke command itself is tested with the launcher.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from spike.launch import smoke


def test_the_output_of_a_command_is_kept_whole() -> None:
    """More than a pipe holds, and what it said last."""
    code = "import sys; sys.stdout.write('x' * 200_000 + '\\nlast\\n')"
    with smoke._pipe_with_reader() as (descriptor, said):
        done = subprocess.run([sys.executable, "-c", code], stdout=descriptor, check=False)
        text = said()
    assert done.returncode == 0
    assert len(text.replace(b"\r", b"")) == 200_006
    assert text.split()[-1] == b"last"


def test_nobody_waits_for_a_child_that_holds_the_pipe() -> None:
    """What it had said by then is there."""
    with smoke._pipe_with_reader() as (descriptor, said):
        held = os.dup(descriptor)
        os.write(descriptor, b"first")
        began = time.monotonic()
        assert said() == b"first"
        assert time.monotonic() - began < 5
        os.close(held)


def test_who_feeds_a_command_that_does_not_listen_does_not_wait() -> None:
    """The pipe is full after 64 KiB; the launch has to go on."""
    read_end, write_end = os.pipe()
    pipe = os.fdopen(write_end, "wb", 0)
    feeder = smoke.Feeder(pipe)
    began = time.monotonic()
    for _ in range(20):
        feeder.write(b"x" * 65536)
    assert time.monotonic() - began < 1
    got = 0
    while got < 20 * 65536:
        got += len(os.read(read_end, 65536))
    os.close(read_end)
