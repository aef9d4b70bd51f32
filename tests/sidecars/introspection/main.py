"""Asks inspect and its users about this program's own functions, and prints what they say."""

import json
import signal
import sys
import types
import typing


@types.coroutine
def legacy(value):
    """A generator that is awaited."""
    got = yield value
    return got


async def awaits_legacy():
    """Await a generator-based coroutine."""
    return await legacy("asked")


def drive():
    """Run awaits_legacy by hand: decorated before inspect was imported."""
    coroutine = awaits_legacy()
    asked = coroutine.send(None)
    try:
        coroutine.send("answer")
    except StopIteration as stop:
        return [asked, stop.value]
    return ["not stopped"]


BEFORE = [drive(), "inspect" in sys.modules]

# Only now, so that the facts above are about a program without inspect, which both import.
import collections
import collections.abc
import dataclasses
import inspect


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    """A point."""

    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)


def plain(a: int, /, b: "str", *rest: float, key: bool = True, **more: object) -> typing.Any:
    """Say something."""
    return a, b, rest, key, more


def generator(n):
    """Count."""
    yield from range(n)


async def coroutine(n):
    """Give it back."""
    return n


async def async_generator(n):
    """Count slowly."""
    for i in range(n):
        yield i


class Base:
    """A class."""

    @property
    def one(self):
        """A property."""
        return 1

    @classmethod
    def two(cls):
        """A class method."""
        return 2

    async def three(self):
        """A coroutine method."""
        return 3


def states():
    """The states of a generator and of a coroutine, through their lives."""
    seen = []
    running = generator(1)
    seen.append(inspect.getgeneratorstate(running))
    next(running)
    seen.append(inspect.getgeneratorstate(running))
    seen.append(list(running))
    seen.append(inspect.getgeneratorstate(running))
    waiting = coroutine(1)
    seen.append(inspect.getcoroutinestate(waiting))
    waiting.close()
    seen.append(inspect.getcoroutinestate(waiting))
    return seen


def predicates():
    """What each predicate says of each thing."""
    things = {
        "plain": plain,
        "generator": generator,
        "coroutine": coroutine,
        "async_generator": async_generator,
        "legacy": legacy,
        "method": Base().three,
        "class": Base,
        "lambda": lambda: 0,
    }
    asked = (
        *("isfunction", "isgeneratorfunction", "iscoroutinefunction", "isasyncgenfunction"),
        *("ismethod", "isclass", "isroutine", "isbuiltin"),
    )
    return {
        name: [bool(getattr(inspect, question)(thing)) for question in asked]
        for name, thing in things.items()
    }


@typing.runtime_checkable
class HasX(typing.Protocol):
    """A protocol that Point follows."""

    x: int


def of_this_frame():
    """What is found out from the frame of a caller that is compiled."""
    return {
        "type variable": typing.TypeVar("T").__module__,
        "named tuple": collections.namedtuple("P", "x").__module__,
        "enumerable locals": isinstance(sys._getframe().f_locals, collections.abc.Mapping),
        "protocol": [isinstance(Point(1), HasX), isinstance(1, HasX)],
    }


def facts():
    """Everything, as JSON values."""
    hints = typing.get_type_hints(plain)
    return {
        "before": BEFORE,
        "after": drive(),
        "signature": str(inspect.signature(plain)),
        "signature of Point": str(inspect.signature(Point)),
        "documentation": [inspect.getdoc(thing) for thing in (plain, Base.one, Base.three)],
        "hints": {name: str(hint) for name, hint in sorted(hints.items())},
        "dataclass": [repr(Point(1)), Point(1) < Point(2), dataclasses.asdict(Point(1))],
        "replace": repr(dataclasses.replace(Point(1), y=5)),
        "members": [name for name, _ in inspect.getmembers(Base) if not name.startswith("__")],
        "states": states(),
        "predicates": predicates(),
        "awaitable": inspect.isawaitable(closed(coroutine(1))),
        "unwrap": inspect.unwrap(plain) is plain,
        "bind": dict(inspect.signature(plain).bind(1, "b", 2.0, key=False, z=1).arguments),
        "module": inspect.getmodule(plain).__name__,
        "frame": of_this_frame(),
    }


def closed(awaitable):
    """Close it, so that it is not missed."""
    awaitable.close()
    return awaitable


if __name__ == "__main__":
    if "--facts" in sys.argv:
        print(json.dumps(facts(), default=str, sort_keys=True))
        sys.exit(0)
    # Blocked before READY: a host may stop it at that very moment.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print("READY", flush=True)
    signal.sigwait({signal.SIGTERM})
