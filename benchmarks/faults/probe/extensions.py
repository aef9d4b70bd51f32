"""Extension modules and the libraries behind them, each imported and used."""

import os
import sys

from environment import SHELL
from reporting import attempt, report, unless

NOT_HERE = {"mbcs", "tactis"}
"""Windows only, and an alias of a codec that Python does not have."""

BYTES_CODECS = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "quopri_codec",
    "rot_13",
    "uu_codec",
    "zlib_codec",
}


def command_extensions():
    """Extension modules and the libraries behind them."""

    def use_sqlite3():
        import sqlite3

        with sqlite3.connect(":memory:") as connection:
            connection.execute("create table words (word text)")
            connection.executemany("insert into words values (?)", [("a",), ("b",)])
            (count,) = connection.execute("select count(*) from words").fetchone()
        connection.close()
        return unless(count == 2, str(count))

    def use_ctypes():
        import ctypes

        libc = ctypes.CDLL(None)
        compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        numbers = (ctypes.c_int * 3)(3, 1, 2)

        def order(left, right):
            read = ctypes.POINTER(ctypes.c_int)
            return ctypes.cast(left, read)[0] - ctypes.cast(right, read)[0]

        libc.qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), compare(order))
        return unless(list(numbers) == [1, 2, 3] and libc.getpid() == os.getpid(), str(numbers))

    def use_compression():
        import bz2
        import lzma
        import zlib

        data = b"compress me " * 1000
        for module in (zlib, bz2, lzma):
            if module.decompress(module.compress(data)) != data:
                return module.__name__
        return ""

    def use_hashlib():
        import hashlib

        found = hashlib.sha256(b"abc").hexdigest()[:8], hashlib.blake2b(b"abc").hexdigest()[:8]
        return unless(found == ("ba7816bf", "ba80a53f"), str(found))

    def use_decimal():
        import decimal

        return unless(str(decimal.Decimal(1) / 7)[:8] == "0.142857", "wrong quotient")

    def use_asyncio():
        import asyncio

        async def work():
            asked = (SHELL, "/c", "echo") if sys.platform == "win32" else ("/bin/echo",)
            made = await asyncio.create_subprocess_exec(
                *asked, "hello", stdout=asyncio.subprocess.PIPE
            )
            out, _ = await made.communicate()
            return out

        return unless(asyncio.run(work()).split() == [b"hello"], "wrong output")

    def use_time_zone():
        import datetime
        import zoneinfo

        zone = zoneinfo.ZoneInfo("Europe/Berlin")
        moment = datetime.datetime(2026, 1, 1, tzinfo=zone)
        return unless(moment.utcoffset() == datetime.timedelta(hours=1), str(moment))

    def use_codecs():
        import encodings.aliases

        for name in sorted(set(encodings.aliases.aliases.values())):
            if name not in NOT_HERE and name not in BYTES_CODECS:
                "x".encode(name)
        return unless("bücher".encode("idna") == b"xn--bcher-kva", "idna is wrong")

    def use_socket():
        import socket

        return unless(
            socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM), "localhost is unknown"
        )

    def use_logging_config():
        import logging.config

        logging.config.dictConfig(
            {
                "version": 1,
                "handlers": {"memory": {"class": "logging.handlers.MemoryHandler", "capacity": 1}},
                "root": {"handlers": ["memory"]},
            }
        )
        return ""

    report(
        sqlite3=attempt(use_sqlite3),
        ctypes=attempt(use_ctypes),
        compression=attempt(use_compression),
        hashlib=attempt(use_hashlib),
        decimal=attempt(use_decimal),
        asyncio=attempt(use_asyncio),
        zoneinfo=attempt(use_time_zone),
        codecs=attempt(use_codecs),
        socket=attempt(use_socket),
        logging_config=attempt(use_logging_config),
    )
