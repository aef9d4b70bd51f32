"""Do one thing that needs something to have shipped: ``main.py OPERATION OPERAND``.

The operand comes from the command line, so no packager can see it when it builds: neither its
import scan nor a compiler that folds constants.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import signal
import sys
import time
from pathlib import Path

import shapes

HERE = Path(__file__).resolve().parent


def static_import(wanted: str) -> None:
    """Import by statement what no dependency provides, where the check before a build allows it."""
    if wanted:
        import module_that_nobody_provides  # noqa: F401 - its failure is the purpose


def chained(name: str) -> None:
    """Fail to import, and wrap the failure as applications do."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise RuntimeError("the plugin could not be loaded") from error


def from_import(name: str) -> None:
    """Import a submodule by ``from package import submodule``."""
    package, _, submodule = name.rpartition(".")
    exec(f"from {package} import {submodule}")


OPERATIONS = {
    "import": importlib.import_module,
    "static-import": static_import,
    "from-import": from_import,
    "chained": chained,
    "read": lambda name: (HERE / name).read_text(encoding="utf-8"),
    "read-in-package": shapes.load,
    "metadata": importlib.metadata.version,
    "load-beside": lambda name: ctypes.CDLL(str(HERE / name)),
    "load": ctypes.CDLL,
}


def main(operation: str, operand: str) -> None:
    """Run the operation between BOOT and READY."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("BOOT sidecar=sidecar-traps version=0.1.0", flush=True)
    OPERATIONS[operation](operand)
    print("READY", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:3])
