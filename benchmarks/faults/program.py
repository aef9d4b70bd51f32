"""A program that can be launched, with what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spike.build.buildinfo import Built
from spike.launch.spec import MARK

LAUNCH_ID = "SIDECAR_LAUNCH_ID"
"""What the supervisor marks its processes with (``MARK_VARIABLE`` in its ``spec.rs``)."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something that can be launched.

    Attributes:
        artifact: The program.
        folder: The folder that it needs; None when it stands alone.
        env: Environment that belongs to it.
        ready: Its READY line.
        before: Words in front of the artifact: the supervisor's command line, when there is one.
        after: Words between the artifact and its arguments: the host's own options.
        sweep: What the next start of a supervisor does first: it removes what a killed one left.
        python: Version of the Python that packaged it; empty when that is not known.
    """

    artifact: Path
    folder: Path | None
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = "READY"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
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


def program_of(built: Built) -> Program:
    """The program of a finished build."""
    return Program(
        artifact=built.artifact,
        folder=built.folder,
        env=built.sidecar.env,
        ready=built.sidecar.ready,
        python=built.info.python_version,
    )
