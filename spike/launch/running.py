"""A launched program under observation, by the means of this platform.

Standard library only: a build launches, too.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from spike.launch.running_windows import RunningOnWindows as Running
else:
    from spike.launch.running_posix import RunningOnPosix as Running

__all__ = ["Running"]
