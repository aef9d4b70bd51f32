"""The page cache: empty it of chosen files, and prove it (Linux).

A file is evicted by writing it back (fsync) and advising the kernel that it is not needed
(posix_fadvise, POSIX_FADV_DONTNEED). The advice may be ignored: pages that a running process has
mapped stay, and some file systems keep theirs. So the state is always read back with mincore(2),
page by page, and a state that was not reached says which file stayed and why.

Only file contents are evicted: directory entries and inodes stay cached, and so may the host of a
virtual machine's copy. What is called cold here is the guest's page cache.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spike.launch import leftovers


@dataclass(frozen=True, kw_only=True)
class Residency:
    """How much of some files the page cache holds.

    Attributes:
        files: Number of files looked at; empty ones have no pages.
        pages: Pages that they have.
        resident: Pages of them that are in memory.
        unknown: Files that cannot be judged, each with the reason.
        staying: Files of which pages are in memory, the one with the most first.
    """

    files: int
    pages: int
    resident: int
    unknown: tuple[str, ...] = ()
    staying: tuple[Path, ...] = ()

    @property
    def cold(self) -> bool:
        """Whether it is proved that not one page is in memory."""
        return self.pages > 0 and self.resident == 0 and not self.unknown

    @property
    def warm(self) -> bool:
        """Whether it is proved that every page is in memory."""
        return self.pages > 0 and self.resident == self.pages and not self.unknown


def unavailable() -> str:
    """Why the page cache cannot be controlled here; empty when it can."""
    if sys.platform != "linux":
        return f"not controlled: there is no way to evict single files on {sys.platform}"
    return ""


def regular_files(paths: Iterable[Path]) -> list[Path]:
    """Every regular file of ``paths``, folders searched, links followed, each file once, sorted."""
    found: dict[tuple[int, int], Path] = {}
    for path in paths:
        candidates = leftovers.paths_below(path) if path.is_dir() else (path,)
        for candidate in candidates:
            try:
                status = candidate.stat()
            except OSError:
                continue  # gone meanwhile, or a dangling link: it has no pages
            if candidate.is_file():
                found.setdefault((status.st_dev, status.st_ino), candidate.resolve())
    return sorted(found.values())


def residency(files: Iterable[Path]) -> Residency:
    """Read back how many pages of the files are in memory, without touching them.

    mincore(2) tells the truth only to a file's owner or to who may write it (since Linux 5.2);
    other files are ``unknown``.

    Raises:
        OSError: A file cannot be opened.
    """
    count = pages = resident = 0
    unknown: list[str] = []
    staying: list[tuple[int, Path]] = []
    for path in files:
        count += 1
        if not _may_know(path):
            unknown.append(f"{path}: only its owner may know")
            continue
        total, inside = _pages_in_memory(path)
        pages += total
        resident += inside
        if inside:
            staying.append((inside, path))
    staying.sort(key=lambda item: (-item[0], item[1]))
    return Residency(
        files=count,
        pages=pages,
        resident=resident,
        unknown=tuple(unknown),
        staying=tuple(path for _, path in staying),
    )


def evict(files: Iterable[Path]) -> None:
    """Ask the kernel to drop the files' pages. Whether it did, :func:`residency` says.

    Raises:
        OSError: A file cannot be opened.
    """
    assert sys.platform == "linux"
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            # Dirty pages cannot be dropped. fsync works on a read-only handle.
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def warm(files: Iterable[Path]) -> None:
    """Read the files, so that the page cache holds them.

    Raises:
        OSError: A file cannot be read.
    """
    block = bytearray(1 << 20)
    for path in files:
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(block):
                pass


def _may_know(path: Path) -> bool:
    return path.stat().st_uid == os.geteuid() or os.access(path, os.W_OK)


def _pages_in_memory(path: Path) -> tuple[int, int]:
    """Pages of a file, and how many of them are in memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    handle = os.open(path, os.O_RDONLY)
    try:
        length = os.fstat(handle).st_size
        if length == 0:
            return 0, 0
        # Python's own mmap does not give its address for a read-only mapping. PROT_NONE suffices.
        address = libc.mmap(None, length, 0, mmap.MAP_SHARED, handle, 0)
        if address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
        try:
            pages = -(-length // mmap.PAGESIZE)
            vector = ctypes.create_string_buffer(pages)
            if libc.mincore(address, length, vector) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
            # Only the lowest bit of each byte is defined (mincore(2)).
            return pages, sum(byte & 1 for byte in vector.raw)
        finally:
            libc.munmap(address, length)
    finally:
        os.close(handle)
