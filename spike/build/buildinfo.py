"""``build.json``: what was built, how, from what, and what came out.

It is the only contract between the Nox sessions that build and the tasks that measure, and the
last file that a build writes: an artifact without it is not finished.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from spike.completeness import outcome
from spike.core import jsonfile
from spike.core.errors import CorruptFileError, MissingBuildError, SpikeError, StaleArtifactError
from spike.packagers import Variant
from spike.project.sidecar import Sidecar

SCHEMA = 1
READY = "ready"
"""``first_launch`` of a build that came up and went as it should."""
FILE_NAME = "build.json"
LOG_NAME = "build.log"
PROVIDED_NAME = "provided.json"
"""Which distribution provides which module in the build's environment: for the diagnosis."""
OWN_FILES = frozenset({FILE_NAME, LOG_NAME, PROVIDED_NAME, outcome.FILE_NAME})
"""What the tool keeps beside an artifact: not part of what ships."""


@dataclass(frozen=True, kw_only=True)
class BuildInfo:
    """One finished build. Paths are relative to the repository.

    The first block is the plan's "Artifacts to capture".

    Attributes:
        argv: The packager's exact command line.
        env: The environment changes it ran with.
        packager: The packager's name.
        packager_version: Its version.
        python_version: Version of the Python that was packaged, such as ``3.11.7``.
        platform: The plan's name of the platform: Windows, macOS or Linux.
        arch: The plan's name of the architecture: x64 or arm64.
        artifact: The program that a host launches.
        size_bytes: Its size.
        cold_start_ms: Launch to READY of its first start after the build, in milliseconds; None
            when that start failed, with the failure in ``first_launch``.

        first_launch: ``ready``, or the kind of failure of that first start.
        first_detail: That failure in words; empty for a good one.
        remarks: What is worth knowing of the program, though it is no failure.
        sidecar: Name of what was packaged.
        sidecar_version: Its version.
        variant: Packager and mode, such as ``nuitka-onefile``.
        mode: The mode alone.
        target_triple: Rust's name of the platform.
        python_build: The interpreter's own description of its build.
        python_flavour: What kind of interpreter: implementation, static or shared libpython, PGO,
            LTO.
        compiler: First line of the C compiler's version; empty where none is involved.
        elapsed_s: Seconds that the packager took.
        built_at: UTC time at the end, ISO 8601.
        fingerprint: SHA-256 over every input: sources, command, environment, lock, interpreter.
        source_sha256: SHA-256 over the sidecar's files.
        sha256: SHA-256 of ``artifact``.
        folder: The folder that ships with the program; empty for one file.
        folder_bytes: Bytes of all its files.
        folder_files: Number of its files.
        log: The packager's whole output.
        locks: SHA-256 of the locks that the environment was installed from, by file name: the
            packager's, and the sidecar's where it has dependencies.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    packager: str
    packager_version: str
    python_version: str
    platform: str
    arch: str
    artifact: str
    size_bytes: int
    cold_start_ms: float | None
    first_launch: str
    first_detail: str = ""
    remarks: tuple[str, ...] = ()
    sidecar: str
    sidecar_version: str
    variant: str
    mode: str
    target_triple: str
    python_build: str
    python_flavour: str
    compiler: str
    elapsed_s: float
    built_at: str
    fingerprint: str
    source_sha256: str
    sha256: str
    folder: str
    folder_bytes: int
    folder_files: int
    log: str
    locks: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def shipped_bytes(self) -> int:
        """Bytes on disk of everything that ships."""
        return self.folder_bytes if self.folder else self.size_bytes

    @property
    def shipped_files(self) -> int:
        """Number of files that ship."""
        return self.folder_files if self.folder else 1


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished build whose artifact has been checked against its ``build.json``."""

    variant: Variant
    sidecar: Sidecar
    info: BuildInfo
    artifact: Path
    folder: Path | None


def save(path: Path, info: BuildInfo) -> None:
    """Write ``info`` atomically.

    Raises:
        StorageError: It cannot be written.
    """
    jsonfile.write(path, {"schema": SCHEMA, **dataclasses.asdict(info)})


def read(path: Path, *, remedy: str) -> BuildInfo:
    """Read a ``build.json``.

    Raises:
        FileNotFoundError: There is none.
        CorruptFileError: It is damaged, or of another schema.
    """
    document = jsonfile.read(path, schema=SCHEMA, remedy=remedy)
    del document["schema"]
    return _from_json(document, path, remedy)


_JSON_TYPES: Mapping[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    float | None: (float, int, NoneType),
    tuple[str, ...]: (list,),
    Mapping[str, str]: (dict,),
}


_LATER = ("first_detail", "remarks", "locks")
"""Fields with a default, which earlier builds do not have."""


def _from_json(document: dict[str, Any], path: Path, remedy: str) -> BuildInfo:
    kinds = typing.get_type_hints(BuildInfo)
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        if name not in document and name in _LATER:
            continue  # a build from before that field
        value = document.pop(name, None)
        if not isinstance(value, _JSON_TYPES[kind]):
            raise CorruptFileError(
                f"{path} is damaged: {name} is {value!r}.",
                try_next=f"delete it and run {remedy}",
            )
        values[name] = tuple(value) if isinstance(value, list) else value
    if document:
        raise CorruptFileError(
            f"{path} is damaged: unknown field {sorted(document)[0]!r}.",
            try_next=f"delete it and run {remedy}",
        )
    return BuildInfo(**values)


def find(variant: Variant, sidecar: Sidecar) -> Built:
    """Find a variant's build and check that it is the one described, made from today's sources.

    Raises:
        MissingBuildError: There is no finished build.
        StaleArtifactError: The artifact is gone, was changed, cannot be executed, or the sidecar's
            sources have changed since.
        CorruptFileError: ``build.json`` cannot be used.
    """
    command = sidecar.nox_command(variant.packager.name, variant.mode.name)
    path = variant.folder(sidecar) / FILE_NAME
    try:
        info = read(path, remedy=command)
    except FileNotFoundError:
        raise MissingBuildError(f"{variant.id} is not built.", try_next=command) from None
    root = sidecar.workspace.root
    artifact = root / info.artifact
    problem = artifact_problem(artifact, info)
    if problem:
        raise StaleArtifactError(
            problem, try_next=f"{command}{'' if ' -- ' in command else ' --'} --force"
        )
    if info.source_sha256 != sidecar.source_sha256(variant.packager.name):
        raise StaleArtifactError(
            f"{variant.id} was built from other sources: {sidecar.folder.name}/ has changed since.",
            try_next=command,
        )
    return Built(
        variant=variant,
        sidecar=sidecar,
        info=info,
        artifact=artifact,
        folder=root / info.folder if info.folder else None,
    )


def artifact_problem(artifact: Path, info: BuildInfo) -> str:
    """Say what is wrong with an artifact on disk; empty when it is the one described."""
    import os

    if not artifact.is_file():
        return f"The artifact {info.artifact} of {info.variant} is gone."
    if artifact.stat().st_size != info.size_bytes or file_sha256(artifact) != info.sha256:
        return f"The artifact {info.artifact} of {info.variant} was changed after its build."
    if not os.access(artifact, os.X_OK):
        return f"The artifact {info.artifact} of {info.variant} is not executable."
    return ""


def find_all(sidecar: Sidecar, wanted: tuple[str, ...] = ()) -> list[Built]:
    """Find builds, every one of which is needed.

    Args:
        sidecar: What was built.
        wanted: Variant ids; all that have a ``build.json`` when empty.

    Raises:
        SpikeError: As :func:`find`; also when nothing is built at all.
    """
    return [find(variant, sidecar) for variant in _wanted(sidecar, wanted)]


def find_usable(
    sidecar: Sidecar, wanted: tuple[str, ...] = ()
) -> tuple[list[Built], list[SpikeError]]:
    """Find the builds that a task can work on, and say of each other one why it cannot.

    Args:
        sidecar: What was built.
        wanted: Variant ids; all that have a ``build.json`` when empty.

    Raises:
        SpikeError: There is none to work on.
    """
    built: list[Built] = []
    problems: list[SpikeError] = []
    for variant in _wanted(sidecar, wanted):
        try:
            built.append(find(variant, sidecar))
        except SpikeError as error:
            problems.append(error)
    if built:
        return built, problems
    if len(problems) == 1:
        raise problems[0]
    raise StaleArtifactError(
        f"No variant of {sidecar.name} can be worked on: "
        + " ".join(problem.what for problem in problems),
        try_next="; ".join(dict.fromkeys(problem.try_next for problem in problems)),
    )


def _wanted(sidecar: Sidecar, names: tuple[str, ...]) -> list[Variant]:
    """The variants of these names, or all that have a ``build.json``.

    Raises:
        UsageError: There is no variant of a name.
        MissingBuildError: Nothing is built at all.
    """
    from spike.packagers import PACKAGERS, VARIANTS, variant_named

    if names:
        return [variant_named(name) for name in dict.fromkeys(names)]
    there = [
        variant for variant in VARIANTS.values() if (variant.folder(sidecar) / FILE_NAME).exists()
    ]
    if not there:
        options = sidecar.option + sidecar.python_option
        raise MissingBuildError(
            f"No variant of {sidecar.name} is built"
            f"{f' with Python {sidecar.python_name}' if sidecar.python_name else ''}.",
            try_next=" ".join(["nox -s", *(f"build_{name}" for name in PACKAGERS)])
            + (f" --{options}" if options else ""),
        )
    return there


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    A command asks for the same artifacts dozens of times: one whose times and size are as they were
    is not read again.

    Raises:
        SpikeError: The file cannot be read.
    """
    try:
        found = path.stat()
        return _sha256(path, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    except OSError as error:
        raise SpikeError(f"{path} cannot be read: {error.strerror}.") from None


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, _identity: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
