"""What a case works with: launch a program under some fault, and see what it did.

The impure half of the suite. A :class:`Sandbox` belongs to one case on one variant; it owns a
scratch folder, hands out :class:`Session` objects, and undoes everything at its end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.faults.conditions import Conditions, quoted
from benchmarks.faults.namespace import Namespace, mounted
from benchmarks.faults.program import Program
from benchmarks.faults.session import ASK_TIMEOUT_S, Session
from benchmarks.faults.verdict import NotRun, Observation
from spike.core import process
from spike.core.errors import SpikeError
from spike.core.workspace import project


class Sandbox:
    """One case on one variant: programs, a scratch folder, and the means to make it hard."""

    def __init__(
        self, *, target: str, hello: Program, probe: Program | None, probe_problem: str, seed: int
    ) -> None:
        self.target = target
        self.hello = hello
        self.seed = seed
        self._probe = probe
        self._probe_problem = probe_problem
        self._stack = contextlib.ExitStack()
        self._count = 0
        self.launches = 0

    def __enter__(self) -> Self:
        """Make the scratch folder, below ``build/`` so that cases can mount over /tmp."""
        base = project() / "build" / "faults"
        try:
            base.mkdir(parents=True, exist_ok=True)
            self.scratch = Path(tempfile.mkdtemp(prefix="case-", dir=base))
            self.scratch.chmod(0o755)
        except OSError as error:
            raise SpikeError(
                f"{base} cannot be written: {error.strerror}.",
                try_next=f"check the rights of {base.parent}",
            ) from None
        self._stack.callback(remove, self.scratch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo everything."""
        self._stack.close()

    @property
    def probe(self) -> Program:
        """The probe as frozen by the packager under test.

        Raises:
            NotRun: It is not built.
        """
        if self._probe is None:
            raise NotRun(self._probe_problem)
        return self._probe

    def folder(self, name: str = "folder") -> Path:
        """A fresh folder in the scratch."""
        self._count += 1
        path = self.scratch / f"{self._count}-{name}"
        path.mkdir()
        return path

    def public_folder(self) -> Path:
        """A fresh folder that other users can read, wherever this repository lies."""
        path = Path(tempfile.mkdtemp(prefix="spike-fault-"))
        path.chmod(0o755)
        self._stack.callback(remove, path)
        return path

    def install(self, target: Path, program: Program | None = None) -> Program:
        """Copy a program (with its folder) into a folder that exists, and return the copy."""
        program = program or self.hello
        if program.folder is None:
            copy = target / program.artifact.name
            shutil.copy2(program.artifact, copy)
            return replace(program, artifact=copy)
        folder = target / program.folder.name
        shutil.copytree(program.folder, folder, symlinks=True)
        return replace(
            program,
            artifact=folder / program.artifact.relative_to(program.folder),
            folder=folder,
        )

    def session(
        self, conditions: Conditions | None = None, program: Program | None = None
    ) -> Session:
        """A session to be driven step by step; enter it to start it."""
        self.launches += 1
        return Session(
            program or self.hello,
            conditions or Conditions(),
            self.scratch / f"session-{self.launches}",
        )

    def run(
        self,
        conditions: Conditions | None = None,
        program: Program | None = None,
        stop: int = signal.SIGTERM,
    ) -> Observation:
        """A standard session: READY, a signal that asks for the stop, and "nothing left"."""
        with self.session(conditions, program) as session:
            if session.until_ready():
                session.stop(stop)
            return session.end()

    def ask(self, *command: str, conditions: Conditions | None = None) -> Observation:
        """Let the probe carry out a command and end by itself.

        Raises:
            NotRun: The probe is not built.
        """
        conditions = replace(conditions or Conditions(), args=command)
        with self.session(conditions, self.probe) as session:
            session.until_exit(ASK_TIMEOUT_S)
            return session.end()

    @contextlib.contextmanager
    def namespace(self, *commands: str) -> Iterator[Namespace]:
        """See :func:`benchmarks.faults.namespace.mounted`."""
        with mounted(*commands) as space:
            yield space

    def private_tmp(self) -> tuple[list[str], list[Path]]:
        """Commands that give a namespace empty folders in place of /tmp and /var/tmp, and those.

        Raises:
            NotRun: This repository lies below one of them.
        """
        places = [Path("/tmp"), Path("/var/tmp")]
        commands = []
        for place in places:
            empty = self.folder("private-tmp")
            empty.chmod(0o1777)
            if self.scratch.is_relative_to(place):
                raise NotRun(f"this repository lies below {place}, which the case has to replace")
            commands.append(f"mount --bind {quoted(empty)} {quoted(place)}")
        return commands, places

    def tool(self, *argv: str, timeout_s: float = 60.0) -> process.Completed:
        """Run a tool quietly."""
        return process.capture(argv, timeout_s=timeout_s)


def copies(paths: Iterable[Path], target: Path) -> None:
    """Copy files to the same absolute paths below another root."""
    for path in paths:
        copy = target / path.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def remove(folder: Path) -> None:
    """Remove a folder of ours, also where a case took its rights away."""
    for path, names, _ in os.walk(folder):
        for name in (".", *names):
            with contextlib.suppress(OSError):
                inner = Path(path) / name
                if not inner.is_symlink():
                    inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
