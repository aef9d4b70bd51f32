"""Ctrl-Break for a program on Windows that has a console of its own, without a window."""

from __future__ import annotations

import sys

from spike.core import process

_TIMEOUT_S = 10.0

# A process has one console, so another one has to leave its own for the program's. All that share
# it get the event, the messenger too, which has a handler for that.
_MESSENGER = """
import ctypes, sys, time
kernel = ctypes.WinDLL("kernel32")
kernel.FreeConsole()
if not kernel.AttachConsole(int(sys.argv[1])):
    sys.exit(1)
handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(lambda event: 1)
kernel.SetConsoleCtrlHandler(handler, 1)
sent = kernel.GenerateConsoleCtrlEvent(1, 0)
time.sleep(0.2)
sys.exit(not sent)
"""


def send(pid: int) -> bool:
    """Send Ctrl-Break to the console of a process; False when it has none."""
    command = [sys.executable, "-c", _MESSENGER, str(pid)]
    return process.capture(command, timeout_s=_TIMEOUT_S).ok
