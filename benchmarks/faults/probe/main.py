"""A program that looks at itself: each command tries one thing that packaging can break.

    sidecar-probe                     serve: BOOT, READY, wait for SIGTERM, SHUTDOWN
    sidecar-probe COMMAND [ARG ...]   one check

A check prints one line, ``REPORT {"name": "", ...}``, and exits with 0. Each value is a problem in
words, or empty when all is well; the names that begin with a capital letter are facts, not checks.
The commands that end badly on purpose (crash, abort, overflow, ...) print no REPORT.

Here is what asks where the program itself lies and how it is started: its own file, the data beside
it, its own functions and classes, further processes of it. The other checks are in modules of their
own, imported with the program, so that none of them is a late import.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import endings
import environment
import extensions
from reporting import attempt, report, say, unless

NAME = "sidecar-probe"
VERSION = "0.1.0"

DEPTH = "SIDECAR_PROBE_DEPTH"
"""Counts how often the program has started itself, so that no mistake becomes a fork bomb."""

MAX_DEPTH = 3
EXIT_TOO_DEEP = 97


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


def command(name):
    """The function that a command's name stands for; None when there is none."""
    for names in (globals(), *(vars(module) for module in (endings, environment, extensions))):
        if f"command_{name}" in names:
            return names[f"command_{name}"]
    return None


def main(args):
    """Run one command."""
    name, *rest = args or ["serve"]
    function = command(name)
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
