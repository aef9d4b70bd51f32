"""A program that looks at itself: each command tries one thing that packaging can break.

    sidecar-probe                     serve: BOOT, READY, wait for SIGTERM, SHUTDOWN
    sidecar-probe COMMAND [ARG ...]   one check

A check prints one line, ``REPORT {"name": "", ...}``, and exits with 0. Each value is a problem in
words, or empty when all is well; the names that begin with a capital letter are facts, not checks.
The commands that end badly on purpose (crash, abort, overflow, ...) print no REPORT.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

SHELL = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "cmd.exe")
"""A program of the system that is there on Windows."""

NAME = "sidecar-probe"
VERSION = "0.1.0"

DEPTH = "SIDECAR_PROBE_DEPTH"
"""Counts how often the program has started itself, so that no mistake becomes a fork bomb."""

MAX_DEPTH = 3
EXIT_TOO_DEEP = 97


def say(line):
    """Write one line in a single call."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(**checks):
    """Print the outcome of a command's checks."""
    say("REPORT " + json.dumps(checks, sort_keys=True))


def unless(condition, problem):
    """The problem, or nothing when the condition holds."""
    return "" if condition else problem


def attempt(function, *args):
    """Call a check; what it raises is its problem."""
    try:
        return function(*args) or ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"


# --- processes ---------------------------------------------------------------------------------


def square(number):
    """What the worker processes compute; at module level so that it can be pickled."""
    return os.getpid(), number * number


def with_processes(method):
    """Two worker processes made by one start method compute squares."""

    def run():
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            answers = pool.map_async(square, range(8)).get(timeout=30)
        values = [value for _, value in answers]
        if values != [number * number for number in range(8)]:
            return f"wrong answers: {values}"
        return unless(all(pid != os.getpid() for pid, _ in answers), "not another process")

    return run


def command_multiprocessing(method="spawn"):
    """Use multiprocessing with a start method."""
    report(pool=attempt(with_processes(method)))


def command_executor():
    """concurrent.futures with spawned processes."""
    from concurrent.futures import ProcessPoolExecutor

    def run():
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            values = [value for _, value in executor.map(square, range(4), timeout=30)]
        return unless(values == [0, 1, 4, 9], f"wrong answers: {values}")

    report(executor=attempt(run))


def command_environment():
    """The environment that a subprocess of the program sees, and a system program's run."""
    import subprocess

    asked = [SHELL, "/u", "/c", "set"] if sys.platform == "win32" else ["/usr/bin/env", "-0"]
    seen = subprocess.run(asked, capture_output=True, check=True, timeout=30)
    if sys.platform == "win32":
        entries = seen.stdout.decode("utf-16-le").split("\r\n")
    else:
        entries = [os.fsdecode(entry) for entry in seen.stdout.split(b"\0")]
    pairs = [entry.partition("=") for entry in entries if entry]
    report(Environment={key: value for key, _, value in pairs})


def command_self():
    """Start this very program again, as `sys.executable` names it."""
    import subprocess

    def run():
        done = subprocess.run([sys.executable, "echo", "ä b", ""], capture_output=True, timeout=30)
        wanted = "REPORT " + json.dumps({"Args": ["ä b", ""]})
        said = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode != 0 or said != wanted:
            tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            return f"exit code {done.returncode}, said {said[:200]!r}, {tail}"
        return ""

    report(
        exists=unless(os.path.isfile(sys.executable), f"{sys.executable!r} is no file"),
        Executable=sys.executable,
        again=attempt(run),
    )


def command_echo(*args):
    """Print the arguments."""
    report(Args=list(args))


def command_fork():
    """A forked child that exits in its own way must not take the parent's files away."""

    def run():
        child = os.fork()
        if child == 0:
            os._exit(7)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != 7:
            return f"child ended with {status}"
        child = os.fork()
        if child == 0:
            sys.exit(8)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != 8:
            return f"child ended with {status}"
        return data_problem()

    report(fork=attempt(run))


# --- ends --------------------------------------------------------------------------------------


def command_threads():
    """A thread that outlives main, a daemon thread, and an atexit entry."""
    import atexit

    atexit.register(say, "ATEXIT")

    def late():
        time.sleep(0.3)
        say("LATE THREAD")

    def endless():
        while True:
            time.sleep(0.001)

    threading.Thread(target=endless, daemon=True).start()
    threading.Thread(target=late).start()
    say("MAIN ENDS")


def inner_function_that_fails():
    """Raise, one level down, so that a traceback has something to tell."""
    raise RuntimeError("the reason in words: ü")


def command_exception():
    """An exception that nobody handles."""
    inner_function_that_fails()


def command_exit(code="3"):
    """sys.exit with a code, or with a message when it is not a number."""
    sys.exit(int(code) if code.isdigit() else code)


def command_abort():
    """os.abort."""
    os.abort()


def command_recurse():
    """Recursion without end: RecursionError, not a dead process."""

    def down(level):
        return down(level + 1) + 1

    try:
        down(0)
    except RecursionError as error:
        report(recursion="", Message=str(error))
        return
    report(recursion="no RecursionError came")


def command_overflow():
    """Recursion deeper than the C stack with the interpreter's guard out of the way."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (8 * 1024 * 1024, hard))
    sys.setrecursionlimit(10**9)

    class Deep:
        def __repr__(self):
            return repr(self)

    repr(Deep())
    report(overflow="the stack has no end")


def command_segfault():
    """A read at address 0, with faulthandler on."""
    import ctypes
    import faulthandler

    faulthandler.enable()
    ctypes.string_at(0)


def command_memory(mebibytes="4096"):
    """Ask for more memory than there is; MemoryError is the right answer."""
    try:
        bytearray(int(mebibytes) * 1024 * 1024)
    except MemoryError:
        report(memory="")
        return
    report(memory="no MemoryError came")


# --- what Python says about the program --------------------------------------------------------


def data_problem():
    """Read the data file beside this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "words.txt")
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    return unless(
        lines == ["one line of data", "zwei Zeilen \u2014 mit Umlaut: \u00fc"], str(lines)
    )


def command_files():
    """__file__ and a data file beside it, from any working folder."""
    import pathlib

    os.chdir("/")
    report(
        data=attempt(data_problem),
        absolute=unless(os.path.isabs(__file__), f"__file__ is {__file__!r}"),
        pathlib=attempt(
            lambda: unless(
                (pathlib.Path(__file__).resolve().parent / "data" / "words.txt").is_file(),
                "not found by pathlib",
            )
        ),
        argv0=unless(os.path.basename(sys.argv[0]) != "", f"sys.argv[0] is {sys.argv[0]!r}"),
    )


def command_inspect():
    """Use inspect on functions, generators, coroutines, frames and classes."""
    import inspect

    def plain(first, /, second: int = 2, *rest, third, **others) -> str:
        """A docstring."""

    def generator():
        yield 1

    async def coroutine():
        pass

    async def async_generator():
        yield 1

    class Thing:
        def method(self):
            pass

        @property
        def value(self):
            return 1

    def signature():
        text = str(inspect.signature(plain))
        return unless(text == "(first, /, second: int = 2, *rest, third, **others) -> str", text)

    def caller():
        return inspect.stack()[1].function

    def outer():
        return caller()

    def closed_coroutine():
        made = coroutine()
        answer = inspect.iscoroutine(made) and inspect.isawaitable(made)
        made.close()
        return unless(answer, "a coroutine object is not seen as one")

    def bound():
        made = inspect.signature(plain).bind(1, third=3)
        made.apply_defaults()
        return unless(made.arguments["second"] == 2, str(made))

    def source():
        return unless("def data_problem" in inspect.getsource(data_problem), "other source")

    report(
        signature=attempt(signature),
        bind=attempt(bound),
        function=unless(inspect.isfunction(plain), "isfunction says no"),
        method=unless(inspect.ismethod(Thing().method), "ismethod says no"),
        routine=unless(inspect.isroutine(plain), "isroutine says no"),
        generator=unless(inspect.isgeneratorfunction(generator), "isgeneratorfunction says no"),
        generator_object=unless(inspect.isgenerator(generator()), "isgenerator says no"),
        coroutine=unless(inspect.iscoroutinefunction(coroutine), "iscoroutinefunction says no"),
        coroutine_object=attempt(closed_coroutine),
        async_generator=unless(
            inspect.isasyncgenfunction(async_generator), "isasyncgenfunction says no"
        ),
        docstring=unless(inspect.getdoc(plain) == "A docstring.", str(inspect.getdoc(plain))),
        members=unless(
            "value" in dict(inspect.getmembers(Thing, lambda item: isinstance(item, property))),
            "getmembers misses a property",
        ),
        stack=attempt(lambda: unless(outer() == "outer", f"the caller is {outer()!r}")),
        module=unless(inspect.getmodule(plain) is sys.modules[__name__], "getmodule is wrong"),
        source=attempt(source),
    )


def command_dataclasses():
    """Use dataclasses with every option, pickled, copied, compared and inspected."""
    import copy
    import dataclasses
    import pickle
    import typing

    def run():
        one = Point(x=1, y=2.5, tags=["a"])
        if repr(one) != "Point(x=1, y=2.5, tags=['a'])":
            return repr(one)
        if pickle.loads(pickle.dumps(one)) != one or copy.deepcopy(one) != one:
            return "a copy is not equal"
        if dataclasses.asdict(dataclasses.replace(one, x=3)) != {"x": 3, "y": 2.5, "tags": ["a"]}:
            return "replace or asdict is wrong"
        try:
            one.x = 4
        except dataclasses.FrozenInstanceError:
            pass
        else:
            return "not frozen"
        if typing.get_type_hints(Point) != {"x": int, "y": float, "tags": list[str]}:
            return str(typing.get_type_hints(Point))
        return unless(hasattr(Point, "__slots__"), "no slots")

    report(dataclass=attempt(run))


def command_metadata():
    """importlib.metadata and importlib.resources of a dependency."""
    import importlib.metadata
    import importlib.resources

    def resource():
        with importlib.resources.as_file(
            importlib.resources.files("certifi").joinpath("cacert.pem")
        ) as path:
            return unless(path.stat().st_size > 100_000, "the CA bundle is short")

    report(
        version=attempt(
            lambda: unless(importlib.metadata.version("certifi")[:2] == "20", "odd version")
        ),
        metadata=attempt(
            lambda: unless(
                importlib.metadata.metadata("certifi")["Name"] == "certifi", "odd metadata"
            )
        ),
        resource=attempt(resource),
    )


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


# --- the network -------------------------------------------------------------------------------


def command_tls(port, authorities="system"):
    """Connect with TLS to 127.0.0.1; trust the system's or the packaged authorities."""
    import socket
    import ssl

    if authorities == "packaged":
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    else:
        context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    verified = ""
    try:
        with (
            socket.create_connection(("127.0.0.1", int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.recv(16)
    except ssl.SSLCertVerificationError as error:
        verified = f"refused: {error.verify_message}"
    report(
        connect=verified,
        Authorities=len(context.get_ca_certs()),
        Path=paths.openssl_cafile,
        OpenSSL=ssl.OPENSSL_VERSION,
    )


# --- the environment ---------------------------------------------------------------------------


def command_interpreter():
    """What the interpreter took from its environment."""
    import encodings
    import json.decoder

    report(
        Optimize=sys.flags.optimize,
        Debug=__debug__,
        Inspect=sys.flags.inspect,
        Path=sys.path,
        Encoding=sys.stdout.encoding,
        FileSystemEncoding=sys.getfilesystemencoding(),
        JsonFile=json.decoder.__file__ or "",
        EncodingsFile=getattr(encodings, "__file__", "") or "",
    )


def command_unicode():
    """Print what is not ASCII, and name a file so."""
    import tempfile

    def name_a_file():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "Grüße 漢字 🚀")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write("x")
            return unless(os.listdir(folder) == ["Grüße 漢字 🚀"], str(os.listdir(folder)))

    say("GRÜSSE 漢字 🚀")
    report(file_name=attempt(name_a_file))


# --- serving -----------------------------------------------------------------------------------


def late_import():
    """Import what nothing has imported yet, and read the data file again."""

    def modules():
        import colorsys
        import sqlite3

        return unless(
            colorsys.rgb_to_hsv(1, 1, 1) == (0.0, 0.0, 1) and sqlite3.sqlite_version,
            "wrong answer",
        )

    try:
        problem = attempt(modules)
    except SystemExit as error:
        # An import that ends the program: in a thread nobody would hear of it.
        problem = f"SystemExit: {error}"
    return {"import": problem, "data": attempt(data_problem)}


def command_serve():
    """BOOT, READY; on a line on stdin a late import and its REPORT; SHUTDOWN on a signal."""
    seen = []
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda received, _frame: seen.append(received))
    say(f"BOOT sidecar={NAME} version={VERSION} pid={os.getpid()}")
    say("READY")

    def listen():
        while line := sys.stdin.readline():
            if line.strip() == "import":
                report(**late_import())
        seen.append(0)

    threading.Thread(target=listen, daemon=True).start()
    while not seen:
        time.sleep(0.02)
    reason = "normal" if seen[0] == 0 else f"signal signal={signal.Signals(seen[0]).name}"
    say(f"SHUTDOWN reason={reason}")


def count_starts():
    """Stop when the program has started itself too often: a fork bomb would look like that."""
    depth = int(os.environ.get(DEPTH, "0"))
    if depth > MAX_DEPTH:
        sys.stderr.write(f"started itself {depth} times in a row: stopping here\n")
        os._exit(EXIT_TOO_DEEP)
    os.environ[DEPTH] = str(depth + 1)


def main(args):
    """Run one command."""
    name, *rest = args or ["serve"]
    function = globals().get(f"command_{name}")
    if function is None:
        sys.stderr.write(f"unknown command {name!r}\n")
        return 2
    function(*rest)
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Every option of a dataclass; at module level so that it can be pickled."""

    x: int
    y: float = 0.0
    tags: list[str] = field(default_factory=list, compare=False)


if __name__ == "__main__":
    # As the documentation asks of every frozen program that uses multiprocessing.
    multiprocessing.freeze_support()
    count_starts()
    sys.exit(main(sys.argv[1:]))
