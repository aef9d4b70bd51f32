"""What native code asks of the system that it runs on (ELF, so Linux)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GLIBC_OF: dict[str, tuple[int, int]] = {
    "RHEL 8": (2, 28),
    "Debian 11": (2, 31),
    "Ubuntu 20.04": (2, 31),
    "RHEL 9": (2, 34),
    "Ubuntu 22.04": (2, 35),
    "Debian 12": (2, 36),
    "Ubuntu 24.04": (2, 39),
    "RHEL 10": (2, 39),
    "Debian 13": (2, 41),
}
"""The glibc that a release ships, from the distributions' package lists."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What some files need of the system.

    Attributes:
        native_files: Number of ELF files among them.
        glibc: Newest GLIBC symbol version that one of them asks for, such as ``2.34``; empty when
            none asks.
        glibc_file: Name of the file that asks for it.
        libraries: Names of shared libraries that they load and do not bring, sorted.
    """

    native_files: int
    glibc: str
    glibc_file: str
    libraries: tuple[str, ...]


def needs(files: Iterable[Path]) -> Needs:
    """Read the dynamic sections of every ELF file among ``files``; others are passed over."""
    wanted: set[str] = set()
    brought: set[str] = set()
    newest: tuple[int, ...] = ()
    newest_file = ""
    count = 0
    for path in sorted(files):
        found = _read(path)
        if found is None:
            continue
        count += 1
        libraries, name, version = found
        wanted.update(libraries)
        brought.update({path.name, name})
        if version > newest:
            newest, newest_file = version, path.name
    return Needs(
        native_files=count,
        glibc=".".join(map(str, newest)),
        glibc_file=newest_file,
        libraries=tuple(sorted(wanted - brought)),
    )


def runs_on(glibc: str) -> tuple[str, ...]:
    """Releases of :data:`GLIBC_OF` whose glibc is new enough, oldest first."""
    if not glibc:
        return tuple(GLIBC_OF)
    asked = tuple(map(int, glibc.split(".")))
    return tuple(name for name, version in GLIBC_OF.items() if version >= asked[:2])


def _read(path: Path) -> tuple[list[str], str, tuple[int, ...]] | None:
    """Libraries that a file loads, its own name as a library, and its newest GLIBC version."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    libraries: list[str] = []
    name = path.name
    newest: tuple[int, ...] = ()
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"\x7fELF":
                return None
            for section in ELFFile(stream).iter_sections():
                if isinstance(section, DynamicSection):
                    for tag in section.iter_tags():  # a tag's text is an attribute set at run time
                        if tag.entry.d_tag == "DT_NEEDED":
                            libraries.append(str(vars(tag)["needed"]))
                        elif tag.entry.d_tag == "DT_SONAME":
                            name = str(vars(tag)["soname"])
                elif isinstance(section, GNUVerNeedSection):
                    for _library, versions in section.iter_versions():
                        for version in versions:
                            newest = max(newest, glibc_version(str(version.name)))
    except (OSError, ELFError):
        return None
    return libraries, name, newest


def glibc_version(symbol: str) -> tuple[int, ...]:
    """``GLIBC_2.34`` as (2, 34); () for anything else, ``GLIBC_PRIVATE`` included."""
    prefix, _, number = symbol.partition("_")
    if prefix != "GLIBC" or not all(part.isdigit() for part in number.split(".")):
        return ()
    return tuple(map(int, number.split(".")))
