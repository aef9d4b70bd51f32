"""Closing windows as a user does: WM_DELETE_WINDOW to each that asks for it, through libX11.

No tool of the packages does that under a display without a window manager: xdotool's ``windowquit``
came with a later release than Debian's, and wmctrl asks a window manager.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_ulong, c_void_p
from typing import Any

from spike.core.errors import MissingToolError

_CLIENT_MESSAGE = 33  # X.h
_IS_VIEWABLE = 2

Window = c_ulong


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, padded to the size of XEvent."""

    _fields_ = (
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_void_p),
        ("window", Window),
        ("message_type", c_ulong),
        ("format", c_int),
        ("data", c_long * 5),
        ("padding", c_long * 12),
    )


class _Attributes(ctypes.Structure):
    """XWindowAttributes of Xlib.h, as far as ``map_state``, padded beyond its end."""

    _fields_ = (
        ("geometry", c_int * 4),
        ("border_width", c_int),
        ("depth", c_int),
        ("visual", c_void_p),
        ("root", Window),
        ("class_", c_int),
        ("bit_gravity", c_int),
        ("win_gravity", c_int),
        ("backing_store", c_int),
        ("backing_planes", c_ulong),
        ("backing_pixel", c_ulong),
        ("save_under", c_int),
        ("colormap", c_ulong),
        ("map_installed", c_int),
        ("map_state", c_int),
        ("padding", c_long * 16),
    )


class Display:
    """A connection to a display."""

    def __init__(self, library: Any, handle: c_void_p) -> None:
        self._library = library
        self._handle = handle
        self._protocols = self._atom("WM_PROTOCOLS")
        self._delete = self._atom("WM_DELETE_WINDOW")

    def _atom(self, name: str) -> int:
        return int(self._library.XInternAtom(self._handle, name.encode(), 0))

    def closable(self) -> list[int]:
        """The windows that show and can be closed by their button."""
        return [each for each in self._top_level() if self._shows(each) and self._asks(each)]

    def close(self, windows: list[int]) -> None:
        """Send what a window manager sends when the button is pressed."""
        for window in windows:
            event = _ClientMessage()
            event.type = _CLIENT_MESSAGE
            event.window = window
            event.message_type = self._protocols
            event.format = 32
            event.data[0] = self._delete
            self._library.XSendEvent(self._handle, window, 0, 0, byref(event))
        self._library.XSync(self._handle, 0)

    def _top_level(self) -> list[int]:
        root = self._library.XDefaultRootWindow(self._handle)
        top, parent, count = Window(), Window(), ctypes.c_uint()
        children = POINTER(Window)()
        self._library.XQueryTree(
            self._handle, root, byref(top), byref(parent), byref(children), byref(count)
        )
        found = [int(children[number]) for number in range(count.value)]
        if count.value:
            self._library.XFree(children)
        return found

    def _shows(self, window: int) -> bool:
        attributes = _Attributes()
        there = self._library.XGetWindowAttributes(self._handle, window, byref(attributes))
        return bool(there) and attributes.map_state == _IS_VIEWABLE

    def _asks(self, window: int) -> bool:
        atoms, count = POINTER(c_ulong)(), c_int()
        if not self._library.XGetWMProtocols(self._handle, window, byref(atoms), byref(count)):
            return False
        found = [int(atoms[number]) for number in range(count.value)]
        self._library.XFree(atoms)
        return self._delete in found


_HANDLER = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
_ignore = _HANDLER(lambda display, event: 0)
"""A window may go between two questions about it: Xlib's own handler would end this process."""


@contextlib.contextmanager
def opened(name: str) -> Iterator[Display]:
    """Connect to a display, such as ``:0``.

    Raises:
        MissingToolError: libX11 is not installed, or nobody answers at the display.
    """
    found = ctypes.util.find_library("X11") or "libX11.so.6"
    try:
        library = ctypes.CDLL(found)
    except OSError:
        raise MissingToolError(
            "libX11 is not installed, which closes the window.",
            try_next="(as root) apt-get install -y libx11-6",
        ) from None
    _declare(library)
    library.XSetErrorHandler(_ignore)
    handle = library.XOpenDisplay(name.encode())
    if not handle:
        raise MissingToolError(
            f"Nobody answers at the display {name}.", try_next="Xvfb -displayfd 1"
        )
    try:
        yield Display(library, c_void_p(handle))
    finally:
        library.XCloseDisplay(c_void_p(handle))


def _declare(library: Any) -> None:
    """Tell ctypes what is a pointer: by default it cuts them to 32 bits."""
    for name, result, arguments in (
        ("XOpenDisplay", c_void_p, [c_char_p]),
        ("XCloseDisplay", c_int, [c_void_p]),
        ("XDefaultRootWindow", Window, [c_void_p]),
        ("XInternAtom", c_ulong, [c_void_p, c_char_p, c_int]),
        ("XSync", c_int, [c_void_p, c_int]),
        ("XFree", c_int, [c_void_p]),
        ("XSetErrorHandler", c_void_p, [_HANDLER]),
        ("XGetWindowAttributes", c_int, [c_void_p, Window, c_void_p]),
        ("XGetWMProtocols", c_int, [c_void_p, Window, c_void_p, c_void_p]),
        ("XSendEvent", c_int, [c_void_p, Window, c_int, c_long, c_void_p]),
        ("XQueryTree", c_int, [c_void_p, Window, *([c_void_p] * 4)]),
    ):
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
