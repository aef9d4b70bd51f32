"""A C compiler for programs under Wine: their gcc.exe asks here, and the cross compiler answers.

The compilers for Windows that Nuitka would download do not run under Wine 8; Debian's cross
compiler makes the same programs from here. ``gcc.c`` beside it is what Nuitka calls.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socketserver
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from spike.core import process
from spike.core.errors import SpikeError

PREFIX = "x86_64-w64-mingw32-"
TOOLS = ("gcc", "g++", "ar", "as", "ld", "nm", "objdump", "ranlib", "strip", "windres")
VERSION = "12.2.0\n"
"""To ``-dumpversion``: Debian's compiler says "12-win32", and Nuitka wants numbers."""

SOURCE = Path(__file__).with_name("gcc.c")
TIMEOUT_S = 900.0
_END = b"\0\1\0"


def command(own_path: str, arguments: Sequence[str]) -> list[str]:
    """The cross compiler's command for what a program under Wine has asked for.

    Args:
        own_path: Path of the program that asks; its name says which tool is meant.
        arguments: Its own, in which paths with a drive are this system's already.
    """
    name = re.split(r"[\\/]", own_path)[-1].lower().removesuffix(".exe")
    return [f"{PREFIX}{name}", *map(_translated, arguments)]


def _translated(word: str) -> str:
    if word.startswith("-D"):
        return word  # a macro's text, which may have backslashes of its own
    # Windows finds PsApi in libpsapi.a.
    return word.lower() if word.startswith("-l") else word.replace("\\", "/")


class _Asked(socketserver.StreamRequestHandler):
    """One call of a tool."""

    def handle(self) -> None:
        """Run it, and send what it says and how it ends."""
        server = self.server
        assert isinstance(server, _Server)
        raw = b""
        while not raw.endswith(_END):
            more = self.connection.recv(65536)
            if not more:
                return
            raw += more
        token, folder, own_path, *arguments = (
            raw.removesuffix(_END).decode("utf-8", "surrogateescape").split("\0")
        )
        if not secrets.compare_digest(token, server.token):
            return
        argv = command(own_path, arguments)
        if argv[0].removeprefix(PREFIX) not in TOOLS:
            self._end(f"{argv[0]} is no tool of the compiler\n", 127)
            return
        try:
            done = process.capture(argv, cwd=Path(folder), timeout_s=TIMEOUT_S)
        except SpikeError as error:
            self._end(f"{error}\n", 127)
            return
        self._send(1, VERSION if "-dumpversion" in arguments else done.output)
        self._end(done.errors, done.exit_code & 0xFF)

    def _send(self, kind: int, text: str) -> None:
        if data := text.encode():
            self.wfile.write(struct.pack("<BI", kind, len(data)) + data)

    def _end(self, errors: str, exit_code: int) -> None:
        self._send(2, errors)
        self.wfile.write(struct.pack("<BI", 0, exit_code))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    token = ""


class Compiler:
    """A compiler that programs under Wine can call, for as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        """Build the programs that ask.

        Args:
            folder: Where they go; ``bin`` below it, as Nuitka looks for it.

        Raises:
            SpikeError: The cross compiler is not there, or fails.
        """
        self.gcc = folder / "bin" / "gcc.exe"
        self.gcc.parent.mkdir(parents=True, exist_ok=True)
        done = process.capture(
            [f"{PREFIX}gcc", "-O2", "-o", str(self.gcc), str(SOURCE), "-lws2_32", "-lshell32"]
        )
        if not done.ok:
            raise SpikeError(
                f"{SOURCE.name} does not compile.", why=done.errors, try_next="invoke doctor"
            )
        for name in TOOLS[1:]:
            shutil.copy2(self.gcc, self.gcc.with_name(f"{name}.exe"))
        self._server = _Server(("127.0.0.1", 0), _Asked)
        self._server.token = secrets.token_hex(16)

    def environment(self) -> dict[str, str]:
        """What a program under Wine has to have in its environment to find it."""
        return {
            "SPIKE_COMPILER_PORT": str(self._server.server_address[1]),
            "SPIKE_COMPILER_TOKEN": self._server.token,
        }

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
