"""Holds the garbage collector off until the program is up; staged beside a sidecar.

While a program imports and builds what it needs, next to nothing of it is garbage, and every
collection looks through all of it. The usual thresholds come back when the READY line is
written, or at the first collection, whichever is earlier; then this module is out of the way.
"""

import gc
import sys

READY = "READY"  # the recipe puts the sidecar's own token here
HELD = 200_000
"""Objects that may be made before the first collection: some tens of megabytes."""

_usual = gc.get_threshold()


def give_back(phase="", info=None):
    """Put the usual thresholds back; gc calls it at the beginning of the first collection."""
    if give_back in gc.callbacks:
        gc.callbacks.remove(give_back)
        gc.set_threshold(*_usual)
        try:
            if sys.stdout.write is _write_and_look:
                del sys.stdout.write
        except AttributeError:
            pass  # the program has put something of its own there


def _write_and_look(text):
    """Write to stdout; the READY line ends the waiting."""
    written = _write(text)
    if text.strip() == READY or READY in text.splitlines():
        give_back()
    return written


if _usual[0]:  # somebody who switched the collector off means it
    gc.callbacks.append(give_back)
    gc.set_threshold(HELD, *_usual[1:])
    _write = getattr(sys.stdout, "write", None)  # a program without a console has no stdout
    if _write is not None:
        sys.stdout.write = _write_and_look
