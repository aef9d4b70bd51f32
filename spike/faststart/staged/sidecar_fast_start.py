"""Loads what rewritten modules have put off; ships with a program that was built with fast_start.

A rewritten module hands over its names. Whoever asks the module for one that is not there yet
(PEP 562) has the import statement run that would have bound it, as the module would have run it.
One such statement runs at a time. The lock is of the kind that imports have, which finds out when
two threads wait for each other, and gives way then.

With ``fast_start_idle`` a thread has the rest loaded, one statement at a time, whenever the program
has hardly used the processor for a moment, so that the first request does not pay for it.
"""

import os
import sys
import time
from _thread import start_new_thread

_bootstrap = sys.modules["_frozen_importlib"]

_lock = _bootstrap._ModuleLock(__name__)


def _new_lock():
    """Whoever held the lock is not in a child process that was forked."""
    global _lock
    _lock = _bootstrap._ModuleLock(__name__)


IDLE = False  # the build asks for it
MOMENT_S = 0.25
"""How long the program has to be idle before the next statement runs."""
HARDLY = 0.1
"""A program that uses this share of a processor, or more, is not idle."""
LAST_S = 60.0
"""When nothing was put off for so long, nobody waits for more of it."""

_waiting = []  # what loads a name of a module, and the name


def _when_idle():
    """Load what was put off while the program has nothing to do."""
    asked = time.monotonic()
    while _waiting or time.monotonic() - asked < LAST_S:
        used, began = time.process_time(), time.monotonic()
        time.sleep(MOMENT_S)
        if time.process_time() - used > HARDLY * (time.monotonic() - began) or not _waiting:
            continue
        get, name = _waiting.pop(0)
        asked = time.monotonic()
        try:  # noqa: SIM105 - contextlib is not worth an import here
            get(name)
        except Exception:
            pass  # whoever needs it will hear of it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


class _Elsewhere:
    """Stands for a module that is executed without being in sys.modules."""

    def __init__(self, space):
        self.__dict__ = space

    def __getattr__(self, name):
        return self.__dict__["__getattr__"](name)


def load(space, statement, names):
    """Run an import statement that was put off.

    Args:
        space: The names of the module that it stands in.
        statement: Name of the function there that runs it.
        names: The names that it binds.
    """
    found = space[statement]()
    for name in names:
        # What somebody has set meanwhile counts, as it would have come later.
        space.setdefault(name, found[name])


def put_off(space, statements):
    """Make a module load by itself what it has put off.

    Args:
        space: Its names.
        statements: Name of a function that runs an import statement, to the names that it binds.

    Returns:
        The module, to be asked for these names.
    """
    waiting = {name: each for each, names in statements.items() for name in names}
    for name in waiting:
        space.pop(name, None)  # it is executed again

    def get(name):
        if name in waiting and waiting[name] in space:
            lock = _lock
            try:
                lock.acquire()
            except _bootstrap._DeadlockError:
                lock = None  # as importlib does: go on with what there is
            try:
                statement = waiting.get(name)
                if statement is not None:
                    load(space, statement, statements[statement])
                    for each in statements[statement]:
                        waiting.pop(each, None)
            finally:
                if lock is not None:
                    lock.release()
            if name in space:
                return space[name]
        if name == "__all__":
            # Who asks, and finds none, takes every name that is there (from x import *).
            for each in list(waiting):
                get(each)
        raise AttributeError(f"module {space['__name__']!r} has no attribute {name!r}")

    def names():
        for each in list(waiting):
            get(each)
        hidden = {"__getattr__", "__dir__"}
        return sorted(
            each for each in space if each not in hidden and not each.startswith("_fast_start_")
        )

    space["__getattr__"] = get
    space["__dir__"] = names
    if IDLE:
        _waiting.extend((get, each[0]) for each in statements.values())
    module = sys.modules.get(space["__name__"])
    if getattr(module, "__dict__", None) is space:
        return module
    return _Elsewhere(space)


if IDLE:
    start_new_thread(_when_idle, ())
