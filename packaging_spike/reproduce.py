"""``python -m packaging_spike.reproduce CASE VARIANT``: one fault case again, in a project.

What ``python -m benchmarks.faults.reproduce`` is in a checkout of the tool.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from packaging_spike import TOOL

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(TOOL))
    os.environ.setdefault("PACKAGING_SPIKE_PROJECT", str(Path.cwd()))
    from benchmarks.faults import reproduce
    from spike.core.command_line import run_command_line

    run_command_line(reproduce.main)
