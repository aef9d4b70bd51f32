"""Everything that was seen of one variant in the host, as a value for the rows to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spike.host.application import Run
from spike.host.window import Shown
from spike.launch.ready import Ready
from spike.launch.spec import Launch

Condition = tuple[bool, str]
"""Whether something holds, and what it is, in words."""

MALFORMED = ("READY!", " READY", "NOT READY", "READY READY", "ready")
"""What spike/host/faulty prints to stdout, whole lines, with ``--fault malformed``."""

STDERR_LINE = "faulty: the port 4711 is taken"
"""What it writes to stderr before it exits with 3, with ``--fault crash``."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that was seen of one variant in the host.

    Attributes:
        variant: Its id.
        name: The sidecar's name.
        external_bin: ``bundle.externalBin`` as Tauri was given it.
        staged_file: Name of the file that was staged.
        suffix: ``.exe`` on Windows, empty elsewhere.
        triple: Target triple that the file was named with.
        rust_triple: Target triple as Rust tells it.
        contents: Paths in the package.
        packaged_as: Path of the program in the package.
        packaged_sha256: Its SHA-256 after unpacking.
        artifact_sha256: SHA-256 of what was built.
        unpacked_into: Name of the folder that the package was unpacked into.
        args: Arguments that the host was to pass.
        env: Environment variables that it was to set; of the hello sidecar those that its BOOT line
            shows, as that shows them. Both may hold ``{free_port}``.
        protocol: Whether it is the hello sidecar, which says BOOT, HEARTBEAT and SHUTDOWN.
        ready: What means ready.
        silent_timeout_ms: READY timeout of the run with a sidecar that says nothing.
        runs: Self-tests by name. ``ready``, ``restart``, ``shutdown`` and ``cycles`` are of the
            sidecar itself; ``missing``, ``crash``, ``silent``, ``malformed`` and ``twice`` are
            of the failing one that the same packager froze.
        window: What the window showed of the ``crash`` run; None when it was not opened.
        reasons: Why a run is not there, by its name.
        alone: A launch of the program without the host; None when none was made.
    """

    variant: str
    name: str
    external_bin: str
    staged_file: str
    suffix: str
    triple: str
    rust_triple: str
    contents: tuple[str, ...]
    packaged_as: str
    packaged_sha256: str
    artifact_sha256: str
    unpacked_into: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    protocol: bool
    ready: Ready
    silent_timeout_ms: int
    runs: Mapping[str, Run]
    window: Shown | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    alone: Launch | None = None
