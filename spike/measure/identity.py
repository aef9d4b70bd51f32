"""Which checkout this is: figures belong to the machine and the copy of the project they are of.

Machines of one kind share processor, kernel and memory, so that no field of theirs tells two of
them apart. A checkout therefore has a random number, kept in an untracked file, with an anchor: a
hash of that number, the system's machine id, and the file's inode. A copy of the folder has another
inode, or lies on another machine, and so its anchor does not fit and it gets a number of its own.
``mv`` on one file system keeps the inode, and with it the identity. (A disk that is copied block by
block, machine id included, cannot be told from its original: delete the file there.)

What is published is a hash of 16 digits, from which neither the machine's id nor anything else can
be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from spike.core import filelock, process
from spike.core.errors import SpikeError, StorageError
from spike.core.workspace import display_path

FILE_NAME: Final = Path(".spike", "identity.json")
_SCHEMA: Final = 1
_MACHINE_ID_FILES: Final = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def checkout(root: Path) -> str:
    """Identity of the project in ``root``, 16 hexadecimal digits; made when there is none yet.

    Raises:
        StorageError: There is none, and it cannot be written.
    """
    if known := read(root):
        return known
    path = root / FILE_NAME
    try:
        path.parent.mkdir(exist_ok=True)
        with _locked(path.parent):
            # Another process may have made it while this one waited.
            if not read(root):
                _make(path)
    except OSError as error:
        raise StorageError(
            f"{display_path(path)} cannot be written: {error.strerror or error}.",
            why="It tells this checkout's figures from those of others, so nothing is measured "
            "without it.",
            try_next=f"check the rights of {root}",
        ) from None
    if not (made := read(root)):
        raise StorageError(
            f"{display_path(path)} is not the file that was written a moment ago.",
            why="This file system does not keep the number of a file, by which a copy is told "
            "from its original.",
            try_next="put the project on a local disk",
        )
    return made


def read(root: Path) -> str:
    """Identity of the project in ``root``; empty when it has none, or that of another folder.

    Nothing is written: who reads results needs no identity.
    """
    try:
        with (root / FILE_NAME).open(encoding="utf-8") as stream:
            inode = os.fstat(stream.fileno()).st_ino
            document = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return ""  # missing or damaged: it is made anew, which is the remedy
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        return ""
    number = document.get("number")
    if not isinstance(number, str) or len(number) != 32:
        return ""
    anchor = _anchor(number, inode)
    return _hash(f"checkout {anchor}")[:16] if document.get("anchor") == anchor else ""


def _make(path: Path) -> None:
    number = secrets.token_hex(16)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        # Renaming keeps the inode.
        anchor = _anchor(number, os.fstat(stream.fileno()).st_ino)
        json.dump({"schema": _SCHEMA, "number": number, "anchor": anchor}, stream)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time. Windows cannot open a folder: there a file in it is locked."""
    if sys.platform == "win32":
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    else:
        handle = os.open(folder, os.O_RDONLY)
    try:
        filelock.wait_for_lock(handle)
        yield
    finally:
        os.close(handle)


def _anchor(number: str, inode: int) -> str:
    return _hash(f"{number}\n{machine_id()}\n{inode}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def machine_id() -> str:
    """What the system calls this machine; empty where that cannot be read. Never published."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(
                winreg.HKEY_LOCAL_MACHINE,
                r"SOFTWARE\Microsoft\Cryptography",
                0,
                winreg.KEY_READ | winreg.KEY_WOW64_64KEY,
            ) as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        except OSError:
            return ""
    if sys.platform == "darwin":
        try:
            done = process.capture(["ioreg", "-rd1", "-c", "IOPlatformExpertDevice"])
        except SpikeError:
            return ""
        lines = [line for line in done.output.splitlines() if "IOPlatformUUID" in line]
        return lines[0].rpartition("=")[2].strip(' "') if lines else ""
    for name in _MACHINE_ID_FILES:
        with contextlib.suppress(OSError):
            if found := Path(name).read_text(encoding="utf-8").strip():
                return found
    return ""
