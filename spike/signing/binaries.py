"""The executable files inside an artifact: ELF, PE, Mach-O, also in PyInstaller's one file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from spike.core.errors import StorageError

MAGIC = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # Mach-O for several processors, and Java's classes
    b"\xca\xfe\xba\xbf",
)
"""How such files begin; only these are parsed."""

_ARCHIVE_MAGIC = b"MEI\x0c\x0b\x0a\x0b\x0e"
_ARCHIVE_COOKIE = struct.Struct("!8sIIII64s")
_ARCHIVE_ENTRY = struct.Struct("!IIIIBc")
"""Of PyInstaller's archive, as its bootloader declares them (bootloader/src/pyi_archive.h)."""
_ARCHIVE_WITHIN = 1 << 20
"""Bytes at the end of a program in which the cookie is looked for: a signature may follow it."""


class Format(StrEnum):
    """Whose format an executable file has."""

    ELF = "ELF"
    PE = "PE"
    MACH_O = "Mach-O"


class Kind(StrEnum):
    """What the system does with it."""

    PROGRAM = "program"
    LIBRARY = "library"


@dataclass(frozen=True, kw_only=True)
class Binary:
    """An executable file.

    Attributes:
        path: Relative to the artifact, with slashes.
        format: Whose format it has.
        kind: Program, or library (extension modules are libraries).
        processors: What it runs on, as its format names them.
        signed: Whether it carries a signature; an ad-hoc one counts. None for ELF, which has none.
        within: The one file that it travels in, and that unpacks it; empty for a file of its own.
    """

    path: str
    format: Format
    kind: Kind
    processors: tuple[str, ...]
    signed: bool | None
    within: str = ""

    @property
    def depth(self) -> int:
        """Number of folders above it, within the artifact."""
        return len(PurePosixPath(self.path).parts)


def find(artifact: Path) -> tuple[Binary, ...]:
    """Every executable file of a folder or a single file, innermost first, programs last.

    That is the order in which a signature has to be made: one that covers a folder or a program
    seals what lies in it. Links are left out, since what they point to is there itself.

    Raises:
        StorageError: Something cannot be read.
    """
    try:
        if artifact.is_file():
            files = [(artifact.name, artifact)]
        else:
            files = [
                (path.relative_to(artifact).as_posix(), path)
                for path in sorted(artifact.rglob("*"))
                if path.is_file() and not path.is_symlink()
            ]
        found = [binary for name, path in files for binary in _inside(name, path)]
    except OSError as error:
        raise StorageError(
            f"{artifact} cannot be read: {error.strerror}.", try_next="invoke status"
        ) from None
    return tuple(
        sorted(found, key=lambda each: (each.kind is Kind.PROGRAM, -each.depth, each.path))
    )


def _inside(name: str, path: Path) -> Iterator[Binary]:
    with path.open("rb") as file:
        beginning = file.read(4)
    if not beginning.startswith(MAGIC):
        return
    data = path.read_bytes()
    if (binary := read(name, data)) is None:
        return
    yield binary
    if binary.kind is Kind.PROGRAM:
        for inner, content in archived(data):
            if content.startswith(MAGIC) and (packed := read(inner, content)) is not None:
                yield replace(packed, within=name)


def read(path: str, data: bytes) -> Binary | None:
    """What an executable file is; None when it is none after all."""
    import lief

    lief.logging.disable()
    parsed: Any = lief.parse(data)
    if isinstance(parsed, lief.ELF.Binary):
        if parsed.header.file_type == lief.ELF.Header.FILE_TYPE.NONE:
            return None  # a magic number, and nothing that a loader could use
        return Binary(
            path=path,
            format=Format.ELF,
            kind=Kind.PROGRAM if parsed.has_interpreter or _is_fixed(parsed) else Kind.LIBRARY,
            processors=(parsed.header.machine_type.name,),
            signed=None,
        )
    if isinstance(parsed, lief.PE.Binary):
        is_library = lief.PE.Header.CHARACTERISTICS.DLL in parsed.header.characteristics_list
        return Binary(
            path=path,
            format=Format.PE,
            kind=Kind.LIBRARY if is_library else Kind.PROGRAM,
            processors=(parsed.header.machine.name,),
            signed=parsed.has_signatures,
        )
    if isinstance(parsed, lief.MachO.Binary):  # one of several processors' is enough for the kind
        fat: Any = lief.MachO.parse(data)  # kept: what it holds goes with it
        every = [fat.at(number) for number in range(fat.size)]
        executes = lief.MachO.Header.FILE_TYPE.EXECUTE
        return Binary(
            path=path,
            format=Format.MACH_O,
            kind=Kind.PROGRAM if parsed.header.file_type == executes else Kind.LIBRARY,
            processors=tuple(each.header.cpu_type.name for each in every),
            signed=all(each.has_code_signature for each in every),
        )
    return None


def _is_fixed(parsed: Any) -> bool:
    """A static program has no interpreter, but a place in memory of its own."""
    import lief

    return bool(parsed.header.file_type == lief.ELF.Header.FILE_TYPE.EXEC)


def archived(program: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of the libraries in PyInstaller's one file; nothing for other programs."""
    start = program.rfind(_ARCHIVE_MAGIC, max(0, len(program) - _ARCHIVE_WITHIN))
    if start < 0 or start + _ARCHIVE_COOKIE.size > len(program):
        return
    _, length, table, table_length, _, _ = _ARCHIVE_COOKIE.unpack_from(program, start)
    origin = start + _ARCHIVE_COOKIE.size - length
    position, end = origin + table, origin + table + table_length
    if origin < 0 or not origin <= position <= end <= len(program):
        return
    while position + _ARCHIVE_ENTRY.size <= end:
        size, offset, packed, _, compressed, kind = _ARCHIVE_ENTRY.unpack_from(program, position)
        if size < _ARCHIVE_ENTRY.size:
            return
        name = program[position + _ARCHIVE_ENTRY.size : position + size].rstrip(b"\0")
        position += size
        if kind != b"b":  # what PyInstaller calls a binary
            continue
        content = program[origin + offset : origin + offset + packed]
        try:
            yield name.decode(), zlib.decompress(content) if compressed else content
        except (zlib.error, UnicodeDecodeError):
            return
