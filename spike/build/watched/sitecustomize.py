"""Notes what a Python program uses, from its first line on: modules, files, folders.

Python imports a module of this name when it starts. This one is put on the path of the plain
script, and of nothing else; see :mod:`spike.build.used`, which reads what it writes. It changes
nothing of the program: no option, no stream, no frame in a traceback. A line is written at once,
since a program may end without saying goodbye, and its children write into the same file.
"""

import os
import sys


def _watch(notes: str) -> None:
    handle = os.open(notes, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    noted = set()
    inside = [False]

    def note(kind: str, path: object) -> None:
        if isinstance(path, int):
            return  # a descriptor; who opened it has been noted
        line = f"{kind}\t{os.path.abspath(os.fsdecode(path or '.'))}\n"
        if line not in noted:
            noted.add(line)
            os.write(handle, line.encode("utf-8", "surrogateescape"))

    def hook(event: str, args: tuple) -> None:
        if event not in ("open", "os.listdir", "os.scandir", "import", "sqlite3.connect"):
            return
        if inside[0]:
            return
        inside[0] = True
        try:
            # What the import system opens are modules, what it lists is its own business.
            imports = "importlib._bootstrap" in sys._getframe(1).f_code.co_filename
            if event == "import":
                if len(args) > 1 and args[1]:
                    note("module", args[1])
            elif event in ("open", "sqlite3.connect"):
                note("module" if imports else "file", args[0])
            elif not imports:
                note("folder", args[0])
        except Exception:
            pass  # whatever it is: the program comes first
        finally:
            inside[0] = False

    sys.addaudithook(hook)


def _hand_on(own: str) -> None:
    """Import the module of this name that the environment has itself, if any."""
    sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != own]
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = ours  # whoever imports it expects to find it


if _notes := os.environ.get("SPIKE_NOTES", ""):
    try:
        _watch(_notes)
    except OSError:
        pass  # nobody reads it any more
_hand_on(os.path.dirname(os.path.abspath(__file__)))
