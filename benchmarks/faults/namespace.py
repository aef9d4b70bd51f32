"""A mount namespace of one's own: it goes with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import needs
from benchmarks.faults.conditions import tool_path
from benchmarks.faults.verdict import NotRun
from spike.core import process


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A mount namespace that is held open by a process of ours; it goes when that one goes.

    Attributes:
        wrap: Put in front of a command, makes it run in the namespace.
        holder: Process id of the holder.
    """

    wrap: tuple[str, ...]
    holder: int

    def view(self, path: Path) -> Path:
        """``path`` as it is in the namespace, seen from here."""
        return Path(f"/proc/{self.holder}/root") / path.relative_to("/")


@contextlib.contextmanager
def mounted(*commands: str) -> Iterator[Namespace]:
    """A mount namespace in which shell commands have been carried out.

    Raises:
        NotRun: A command fails here.
    """
    script = "\n".join(["set -e", *commands, "echo made", "exec cat >/dev/null"])
    options = needs.namespace_options()
    holder = process.start(
        [tool_path("unshare"), *options, "sh", "-c", script],
        env={**os.environ, "LC_ALL": "C"},
        cwd=None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stderr is not None
    try:
        if holder.stdout.read(5) != b"made\n":
            problem = (holder.stderr.read() or b"").decode("utf-8", "replace").strip()
            raise NotRun(f"the mount could not be made: {problem}")
        user = ("--user", "--preserve-credentials") if "--user" in options else ()
        yield Namespace(
            wrap=(tool_path("nsenter"), f"--target={holder.pid}", *user, "--mount", "--"),
            holder=holder.pid,
        )
    finally:
        holder.stdin.close()  # the holder ends at end of file, and the namespace with it
        try:
            holder.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            process.kill_group(holder.pid)
            holder.wait()
        holder.stdout.close()
        holder.stderr.close()
