"""What a gcc.exe under Wine asks for, as the cross compiler is told it."""

from __future__ import annotations

import shutil
import socket
import struct
from pathlib import Path

import pytest

from spike.wine.compiler import VERSION, Compiler, command


def test_the_name_of_the_program_says_which_tool_is_meant() -> None:
    """Whatever its folder, and however it is spelt."""
    assert command(r"Z:\a b\GCC.EXE", ["-c", "x.c"]) == ["x86_64-w64-mingw32-gcc", "-c", "x.c"]
    assert command("C:/mingw64/bin/windres.exe", [])[0] == "x86_64-w64-mingw32-windres"


def test_paths_libraries_and_macros_are_told_apart() -> None:
    """A backslash is a separator, but not in a macro; names of libraries are small there."""
    given = [r"static_src\main.o", "-lPsApi", r'-DPATH="C:\new"', "-I/srv/include"]
    assert command("gcc.exe", given)[1:] == [
        "static_src/main.o",
        "-lpsapi",
        r'-DPATH="C:\new"',
        "-I/srv/include",
    ]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("x86_64-w64-mingw32-gcc"), reason="MinGW is not installed")
def test_it_compiles_for_who_knows_the_token_and_nobody_else(tmp_path: Path) -> None:
    """A port of this machine is open to everybody on it."""
    (tmp_path / "x.c").write_text("int main(void) { return 0; }\n")

    def asked(token: str, *arguments: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            words = [token, str(tmp_path), "gcc.exe", *arguments]
            connection.sendall("".join(f"{word}\0" for word in words).encode() + b"\1\0")
            answer = b""
            while more := connection.recv(65536):
                answer += more
            return answer

    with Compiler(tmp_path / "mingw64") as compiler:
        facts = compiler.environment()
        port = int(facts["SPIKE_COMPILER_PORT"])
        assert asked("guessed", "-c", "x.c", "-o", "no.obj") == b""
        assert not (tmp_path / "no.obj").exists()
        token = facts["SPIKE_COMPILER_TOKEN"]
        assert asked(token, "-c", "x.c", "-o", "x.obj") == struct.pack("<BI", 0, 0)
        assert (tmp_path / "x.obj").is_file()
        version = VERSION.encode()
        said = struct.pack("<BI", 1, len(version)) + version
        assert asked(token, "-dumpversion").startswith(said)
        assert b"no input files" in asked(token)
