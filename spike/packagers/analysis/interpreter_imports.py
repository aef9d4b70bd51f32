"""Imports that CPython makes and its sources do not show, and those that it does without.

Standard library only: it runs in the Python that is packaged.
"""

from __future__ import annotations

from collections.abc import Mapping

START_UP = (
    "abc",
    "codecs",
    "copyreg",
    "encodings",
    "encodings.aliases",
    "encodings.ascii",
    "encodings.latin_1",
    "encodings.utf_8",
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "io",
    "os",
    "warnings",
)
"""What CPython's start, its C code on common paths and a packager's importer ask for by name."""

ACCELERATORS = frozenset(
    {
        *("_asyncio", "_bisect", "_contextvars", "_csv", "_datetime", "_decimal", "_elementtree"),
        *("_heapq", "_json", "_opcode", "_pickle", "_queue", "_statistics", "_struct", "_typing"),
        *("_zoneinfo", "_blake2", "_md5", "_sha1", "_sha256", "_sha512", "_sha3"),
    }
)
"""Extension modules whose importer has the same in Python and tries them first (PEP 399)."""

NEVER_MISSED: Mapping[tuple[str, str], str] = {
    ("warnings", "tracemalloc"): "only to say where a leaked resource was allocated",
    ("re._parser", "unicodedata"): r"only for \N{name} in a regular expression",
    ("types", "_socket"): "only for types.CapsuleType, from 3.13 on",
    ("traceback", "unicodedata"): "only to place carets under source lines, which are not there",
}
"""Imports in the standard library that it does without: importer, module, and what is lost."""

FROM_C: tuple[tuple[str, str, str], ...] = (
    ("time", "strptime", "_strptime"),
    ("_datetime", "strptime", "_strptime"),
    ("_datetime", "", "time"),
    ("_socket", "", "encodings.idna"),
    ("_pickle", "", "_compat_pickle"),
    ("_pickle", "", "copyreg"),
    ("_decimal", "", "numbers"),
    ("_decimal", "", "collections"),
    ("array", "", "collections.abc"),
    ("_elementtree", "", "copy"),
    ("_sqlite3", "iterdump", "sqlite3.dump"),
    ("_ctypes", "", "ctypes._endian"),
    ("_zoneinfo", "", "zoneinfo._common"),
    ("_asyncio", "", "asyncio.base_futures"),
    ("_asyncio", "", "asyncio.base_tasks"),
    ("_asyncio", "", "traceback"),
    # Nuitka makes types.coroutine know compiled functions when inspect is imported.
    ("types", "coroutine", "inspect"),
)
"""Imports that C code makes: module, the name of it that does (any when empty), what it imports."""
