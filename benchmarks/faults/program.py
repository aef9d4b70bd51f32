"""A program that can be launched, with what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spike.build.buildinfo import Built
from spike.launch.ready import Ready
from spike.launch.spec import LAUNCH_ID, MARK


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something that can be launched.

    Attributes:
        artifact: The program.
        folder: The folder that it needs; None when it stands alone.
        env: Environment that belongs to it.
        args: Arguments that belong to it. In these, in ``env`` and in the address of ``ready``,
            ``{free_port}`` is a port that is free at the launch.
        ready: What means ready.
        ready_timeout_s: Seconds from launch to READY that it may take by its own account.
        protocol: Whether it says BOOT, HEARTBEAT and SHUTDOWN as the hello sidecar does, so that
            these lines tell what it does; of another one nothing follows from their absence.
        before: Words in front of the artifact: the supervisor's command line, when there is one.
        after: Words between the artifact and its arguments: the host's own options.
        sweep: What the next start of a supervisor does first: it removes what a killed one left.
        dies_of_signals: Whether it has no handler for any signal, as most applications have none:
            each then leaves it no more time than SIGKILL.
        python: Version of the Python that packaged it; empty when that is not known.
    """

    artifact: Path
    folder: Path | None
    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    ready: Ready = field(default_factory=Ready)
    ready_timeout_s: float = 0.0
    protocol: bool = True
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
    dies_of_signals: bool = False
    python: str = ""

    @property
    def own_variable(self) -> str:
        """A variable that only the sidecar's own processes have: not a host, nor its helpers."""
        return LAUNCH_ID if self.sweep else MARK

    @property
    def root(self) -> Path:
        """What has to be copied to install it."""
        return self.folder or self.artifact

    def shipped_files(self) -> list[Path]:
        """Every regular file that ships, sorted."""
        if self.folder is None:
            return [self.artifact]
        return sorted(
            path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()
        )


def program_of(built: Built, *, protocol: bool = True) -> Program:
    """The program of a finished build.

    Args:
        built: The build.
        protocol: See :class:`Program`.
    """
    sidecar = built.sidecar
    return Program(
        artifact=built.artifact,
        folder=built.folder,
        env=sidecar.env,
        args=sidecar.args,
        ready=Ready.of(sidecar),
        ready_timeout_s=sidecar.ready_timeout_s,
        protocol=protocol,
        python=built.info.python_version,
    )
