"""Notes what a Python program uses, from its first line on: modules, files, folders.

Trials of a faster start begin here as well (:mod:`spike.faststart.trials`): rewritten code has its
original file's name, and who asks for the source gets the original's.

Python imports a module of this name when it starts. This one is put on the path of the plain
script, and of nothing else; see :mod:`spike.completeness.used`, which reads what it writes. It
changes nothing of the program: no option, no stream, no frame in a traceback. A line is written at
once, since a program may end without saying goodbye, and its children write into the same file.
"""

import os
import sys

_EVENTS = ("open", "os.listdir", "os.scandir", "import", "sqlite3.connect", "compile")
_STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn")


def _profile(line):
    """Note the time of every import, of collections of garbage and of patterns' compilation.

    Returns:
        What has to be called now and then: the module for patterns is the program's to import.
    """
    import gc
    import importlib._bootstrap as bootstrap
    import time
    from _thread import get_ident

    now = time.perf_counter
    load = bootstrap._find_and_load
    depths = {}

    def timed_load(name: str, import_: object) -> object:
        frame = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        place = f"{frame.f_code.co_filename}\t{frame.f_lineno}" if frame else "\t"
        thread = get_ident()
        depth = depths[thread] = depths.get(thread, -1) + 1
        began = now()
        try:
            return load(name, import_)
        finally:
            took = (now() - began) * 1e6
            depths[thread] = depth - 1
            module = sys.modules.get(name)
            spec = getattr(module, "__spec__", None)
            origin = getattr(spec, "origin", None) or ""
            if module is not None:
                line(f"load\t{thread}\t{depth}\t{took:.1f}\t{name}\t{origin}\t{place}\n")

    bootstrap._find_and_load = timed_load
    began = [0.0]

    def collected(phase: str, info: dict) -> None:
        if phase == "start":
            began[0] = now()
        else:
            line(f"gc\t{(now() - began[0]) * 1e6:.1f}\n")

    gc.callbacks.append(collected)
    compilers = []

    def look() -> None:
        compiler = getattr(sys.modules.get("re"), "_compiler", None)
        if compilers or not hasattr(compiler, "compile"):
            return
        compilers.append(compiler.compile)

        def timed(pattern: object, flags: int = 0) -> object:
            start = now()
            found = compilers[0](pattern, flags)
            line(f"pattern\t{(now() - start) * 1e6:.1f}\n")
            return found

        compiler.compile = timed

    return look


def _of_database(name):
    """The path in a name of SQLite's, which may be a URI such as ``file:///a%20b.db?mode=ro``."""
    if not name.startswith("file:"):
        return name
    path = name[5:].partition("#")[0].partition("?")[0]
    if path.startswith("//"):  # an authority: none, or localhost
        path = "/" + path[2:].partition("/")[2]
    first, *others = path.encode("utf-8", "surrogateescape").split(b"%")
    return os.fsdecode(first + b"".join(bytes([int(o[:2], 16)]) + o[2:] for o in others))


def _from_file(frame):
    """Whether a module is loaded from a file that no name on the module path leads to."""
    while frame.f_back and "importlib._bootstrap" in frame.f_back.f_code.co_filename:
        frame = frame.f_back
    if frame.f_code.co_name != "exec_module":
        return False  # an import begins further out
    loader = frame.f_locals["self"]
    stem = os.path.join(*loader.name.split("."))
    named = [os.path.join(place, stem) for place in sys.path]
    path = os.path.splitext(os.path.abspath(loader.path))[0]
    return not any(path in (name, os.path.join(name, "__init__")) for name in named)


def _watch(notes: str) -> None:
    handle = os.open(notes, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    noted = set()
    inside = [False]

    def line(text: str) -> None:
        os.write(handle, text.encode("utf-8", "surrogateescape"))

    more = _profile(line) if os.environ.get("SPIKE_NOTES_ALL") else None

    def note(kind: str, path: object) -> None:
        if isinstance(path, int):
            return  # a descriptor; who opened it has been noted
        text = f"{kind}\t{os.path.abspath(os.fsdecode(path or '.'))}\n"
        if text not in noted:
            noted.add(text)
            line(text)

    def hook(event: str, args: tuple) -> None:
        if event in _STARTS and args[0] == sys.executable:
            line("python\t" + " ".join(" ".join(map(str, args[1][1:4])).split()) + "\n")
        if event not in _EVENTS:
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
                if more:
                    more()
            elif event == "compile":
                if more and isinstance(args[0], (str, bytes)) and not imports:
                    line(f"text\t{len(args[0])}\t{args[1]}\n")
            elif event == "open":
                # Before it has a __file__, Python is only about to read the script itself.
                if imports or hasattr(sys.modules["__main__"], "__file__"):
                    by_name = imports and not _from_file(sys._getframe(1))
                    note("module" if by_name else "file", args[0])
            elif event == "sqlite3.connect":
                note("file", _of_database(os.fsdecode(args[0])))
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


def _try(settings_file):
    """Run as a trial of a faster start, as ``spike.faststart.trials`` has settled it."""
    import marshal  # built in: nothing else of the library is there because of us

    with open(settings_file, "rb") as file:
        settings = marshal.load(file)
    sys.path.append(settings["tools"])
    try:
        import fast_start_trial
    finally:
        sys.path.remove(settings["tools"])
    fast_start_trial.begin(settings)


if _settings := os.environ.get("SPIKE_FAST_START", ""):
    _try(_settings)
if _notes := os.environ.get("SPIKE_NOTES", ""):
    try:
        _watch(_notes)
    except OSError:
        pass  # nobody reads it any more
_hand_on(os.path.dirname(os.path.abspath(__file__)))
