"""The smoke command: one question to a program that said READY, while its pipes are read on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

from spike.core import process
from spike.core.errors import MissingToolError
from spike.launch.running import Running
from spike.launch.spec import Failure

TIMEOUT_S = 30.0
"""A smoke command that takes longer has failed."""


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
    with tempfile.TemporaryFile() as said:
        try:
            command = process.spawn(
                argv,
                env=os.environ,
                cwd=spec.smoke_cwd,
                stdin=subprocess.PIPE if spec.smoke_stdio else subprocess.DEVNULL,
                stdout=running.stdin_descriptor() if spec.smoke_stdio else said.fileno(),
                stderr=said.fileno(),
            )
        except MissingToolError as error:
            running.fail(Failure.SMOKE_FAILED, f"the smoke command: {error.what}")
            return False
        if command.stdin is not None:
            os.set_blocking(command.stdin.fileno(), False)
        running.listener = command.stdin
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
        said.seek(0)
        last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    if timed_out:
        end = f"took over {TIMEOUT_S:g} s"
    elif command.returncode < 0:
        end = f"was killed by {signal.Signals(-command.returncode).name}"
    else:
        end = f"exited with {command.returncode}"
    shown = process.shown(["python" if word == sys.executable else word for word in argv])
    running.fail(
        Failure.SMOKE_FAILED, f"the smoke command {shown} {end}: {(last or ['no output'])[0]}"
    )
    return False
