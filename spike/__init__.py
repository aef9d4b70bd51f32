"""The packaging spike: build a Python sidecar, launch it, measure it, decide with evidence."""

import os
import sys
from pathlib import Path

__version__ = "0.1.0"

if (
    not Path(os.environ.get("PACKAGING_SPIKE_PROJECT", os.curdir))
    .resolve()
    .is_relative_to(Path(__file__).resolve().parents[1])
):
    # At work for a project elsewhere: the tool's folder is not there to be written to.
    sys.dont_write_bytecode = True
