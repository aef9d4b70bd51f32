"""How it ends: threads, exceptions, exit codes, faults."""

import os
import sys
import threading
import time

from reporting import report, say


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
