"""The Nox sessions for a repository of one's own; see :mod:`packaging_spike`."""

from __future__ import annotations

from packaging_spike import bring


def declare(noxfile: str) -> None:
    """Declare the sessions for the project whose ``noxfile.py`` this is.

    Args:
        noxfile: The ``__file__`` of that ``noxfile.py``: its folder is the project's.
    """
    bring(noxfile, ("spike",))
    from spike.build import nox_sessions

    nox_sessions.declare(noxfile)
