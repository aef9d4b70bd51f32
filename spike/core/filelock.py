"""A lock on an open file, which the system releases when its holder dies: flock, or its like.

Standard library only: it also runs in the packagers' own environments.
"""

from __future__ import annotations

import sys
import time

_PAUSE_S = 0.01


def lock(handle: int) -> None:
    """Lock a file that is open for writing, until its descriptor is closed.

    Args:
        handle: Its descriptor.

    Raises:
        BlockingIOError: Somebody else holds it.
        OSError: This file system has no locks.
    """
    if sys.platform == "win32":
        import errno
        import msvcrt
        import os

        try:
            # The first byte stands for the file; it need not be there. The place is the
            # descriptor's own.
            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (0, errno.EACCES, errno.EDEADLK):  # Wine sets none
                raise BlockingIOError(error.errno, "somebody else holds the lock") from None
            raise
        return
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def wait_for_lock(handle: int) -> None:
    """Lock a file, and wait for as long as somebody else holds it.

    Args:
        handle: Its descriptor.
    """
    while True:
        try:
            lock(handle)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
