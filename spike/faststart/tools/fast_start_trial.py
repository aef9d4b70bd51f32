"""What a trial run does inside the program: rewritten libraries, and notes of imports.

Notes are lines of fields between tabs:

``module NAME FILE``
    A module begins to be executed; what was there from the beginning comes first.
``import MODULE LINE NAME``
    A statement of a module, or what ran while it was executed (line 0), imports NAME. MODULE is
    empty where no module was being executed.
``effect MODULE WHAT``
    While a module was executed, something outside of it changed.
``use MODULE LINE``
    An import that was put off was needed.
``made KIND PACKED``
    ``re`` compiles a pattern (``pattern``), or a module of the standard library makes code from
    text (``text``); PACKED is what from, marshalled, in hexadecimal.
``ready``
    The program is about to write its READY line; what comes later is after it.
"""

import builtins
import marshal
import os
import sys
from _thread import get_ident

# What is in every Python from the beginning, so that nothing is imported because of us.
_bootstrap = sys.modules["_frozen_importlib"]
_external = sys.modules["_frozen_importlib_external"]


def begin(settings):
    """Begin to note; ``sitecustomize`` calls it before anything of the program runs."""
    handle = os.open(settings["notes"], os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def line(*fields):
        text = "\t".join(str(field) for field in fields).replace("\n", " ") + "\n"
        os.write(handle, text.encode("utf-8", "surrogateescape"))

    if settings["modules"]:
        sys.path.append(settings["staged"])
        sys.meta_path.insert(0, finder(settings["modules"]))
    if settings["tables"]:
        sys.path.insert(0, settings["tables"])
        import sidecar_fast_tables  # noqa: F401 - importing it hands them out

        sys.path.remove(settings["tables"])
    if settings["lazy"]:
        sys.path.append(settings["staged"])
        import sidecar_fast_tables as staged

        staged.wait(settings["lazy"])
    if settings["quiet"]:
        return
    if settings["modules"]:
        _note_uses(line)
    if settings["lazy"]:
        _note_lazy_uses(line, settings["lazy"])
    for name, module in list(sys.modules.items()):
        line("module", name, getattr(module, "__file__", None) or "")
    executed = _no_matter if settings["tables"] else _note_makers(line, settings["staged"])
    _note_imports(line, executed, effects=settings["effects"])
    if settings["ready"]:
        for stream in (sys.stdout, sys.stderr):
            _note_ready(line, stream, settings["ready"])


def _note_ready(line, stream, token):
    """Note that READY is said before it is: from outside that is seen some time later."""
    usual = getattr(stream, "write", None)

    def write(text):
        if token in text.splitlines():
            line("ready")
        return usual(text)

    if usual is not None:
        stream.write = write


def finder(modules):
    """What finds rewritten modules: the usual finder, with another text in its loader.

    Args:
        modules: Name to the original file and the file with the rewritten text.
    """

    class Loader(_external.SourceFileLoader):
        def get_code(self, fullname):
            with open(modules[fullname]["text"], "rb") as file:
                return compile(file.read(), self.path, "exec", dont_inherit=True)

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name not in modules:
                return None
            spec = _external.PathFinder.find_spec(name, path, target)
            if spec is not None and spec.origin == modules[name]["file"]:
                spec.loader = Loader(name, spec.origin)
            return spec

    return Finder()


def _note_uses(line):
    import sidecar_fast_start as helper

    usual = helper.load

    def noted(space, statement, names):
        line("use", space["__name__"], space[statement].__code__.co_firstlineno)
        return usual(space, statement, names)

    helper.load = noted


def _note_lazy_uses(line, lazy):
    """Note what is loaded after all: by the importer's names, and one name at a time."""
    lines = {
        (importer, name, each): number
        for (importer, name, names), number in lazy.items()
        for each in names or (None,)
    }
    usual = builtins.__import__

    def noted(name, globals=None, locals=None, fromlist=(), level=0):
        importer = (globals or {}).get("__name__", "")
        for each in fromlist or (None,):
            if (importer, name, each) in lines:
                line("use", importer, lines[importer, name, each])
        return usual(name, globals, locals, fromlist, level)

    builtins.__import__ = noted


def _no_matter(name):
    """For a run in which what is made is handed out."""


def _note_makers(line, staged):
    """Note what is made at each start anew.

    Returns:
        What has to be called with the name of each module that was executed.
    """
    sys.path.append(staged)
    import sidecar_fast_tables as tables

    def tell(kind, *what):
        line("made", kind, marshal.dumps(what, 2).hex())

    def look(name):
        module = sys.modules.get(name)
        if module is None:
            return
        if name == "re._compiler":
            usual = module.compile

            def noted(pattern, flags=0):
                if type(pattern) in (str, bytes):
                    tell("pattern", pattern, int(flags))
                return usual(pattern, flags)

            module.compile = noted
        elif name in tables.MODULES:
            tables.hand_out(module, {}, lambda *what: tell("text", *what))

    for name in ("re._compiler", *tables.MODULES):
        look(name)
    return look


def _note_imports(line, executed, *, effects):
    """Note what is executed, who imports it, and what some modules' execution changes meanwhile.

    To look costs as much as there are modules, so it is done around those alone, and around what
    they import, which is not their doing.
    """
    effects = frozenset(effects)
    stacks = {}
    seen = set()

    def tell(kind, running, what):
        if running in effects:
            line(kind, running, what)

    # It needs parts of the library itself, so that run tells nothing else.
    watch = _watcher(tell) if effects else None

    def importer(frame):
        """Module and line of a statement; the module being executed and 0 for a function's."""
        while frame is not None and _is_between(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None and frame.f_code.co_name == "<module>":
            return frame.f_globals.get("__name__", ""), frame.f_lineno
        stack = stacks.get(get_ident())
        return (stack[-1] if stack else ""), 0

    def note(frame, name):
        said = (*importer(frame), name)
        if said not in seen:
            seen.add(said)
            line("import", *said)

    usual_import = builtins.__import__

    def noted_import(name, globals=None, locals=None, fromlist=(), level=0):
        try:
            return usual_import(name, globals, locals, fromlist, level)
        finally:
            full = name
            if level:
                package = (globals or {}).get("__package__") or ""
                base = package.rsplit(".", level - 1)[0] if level > 1 else package
                full = f"{base}.{name}" if name else base
            for each in (full, *(f"{full}.{part}" for part in fromlist or ())):
                if each in sys.modules:
                    note(sys._getframe(1), each)

    usual_load = _bootstrap._load_unlocked

    def noted_load(spec):
        note(sys._getframe(1), spec.name)
        line("module", spec.name, (spec.origin if spec.has_location else "") or "")
        stack = stacks.setdefault(get_ident(), [])
        around = stack[-1] if stack else ""
        is_watched = spec.name in effects or around in effects
        if is_watched:
            watch(around)
        stack.append(spec.name)
        try:
            return usual_load(spec)
        finally:
            executed(spec.name)
            if is_watched:
                watch(spec.name)
            stack.pop()

    builtins.__import__ = noted_import
    _bootstrap._load_unlocked = noted_load


def _is_between(file):
    """Whether a file is ours or the import system's."""
    return (
        file == __file__
        or file.startswith("<frozen importlib")
        or file.endswith(os.path.join("importlib", "__init__.py"))
    )


_CACHING = (
    "_frozen_importlib",
    "_frozen_importlib_external",
    "_abc",
    "abc",
    "builtins",
    "enum",
    "importlib",
    "inspect",
    "linecache",
    "re",
    "sys",
)
_CACHING += ("tokenize", "typing", "typing_extensions", "weakref", "_weakrefset")


def _watcher(line):
    """What tells, each time it is called, what changed outside of the module that was executed.

    It looks at the state of the interpreter, at the names of all modules and of their classes, and
    at the sizes of the lists, sets and dictionaries in them. Caches are none of it.
    """
    import atexit
    import codecs
    import copyreg
    import gc
    import locale
    import logging
    import signal
    import threading
    import warnings
    from _abc import get_cache_token

    watched = {}
    calls = {}

    def count(module, name):
        """Count the calls of what leaves no trace that one could see."""
        usual = getattr(module, name, None)
        calls[name] = 0

        def counted(*args, **named):
            calls[name] += 1
            return usual(*args, **named)

        if usual is not None:
            setattr(module, name, counted)

    for module, name in (
        *((codecs, "register"), (codecs, "register_error"), (os, "register_at_fork")),
        *((sys, "addaudithook"), (threading, "settrace"), (threading, "setprofile")),
        *((gc, "enable"), (gc, "disable")),
    ):
        count(module, name)
    # A collection empties lists of weak references at some moment, and no module has done that.
    gc.disable()

    def state():
        return {
            "calls": tuple(calls.values()),
            "collector": (gc.get_threshold(), gc.isenabled(), len(gc.callbacks)),
            "locale": locale.setlocale(locale.LC_ALL),
            "tracing": (sys.gettrace(), sys.getprofile(), sys.getswitchinterval()),
            "hooks of generators": sys.get_asyncgen_hooks(),
            "atexit": atexit._ncallbacks(),
            "warnings.filters": tuple(map(id, warnings.filters)),
            "sys.path": tuple(sys.path),
            "sys.meta_path": tuple(map(id, sys.meta_path)),
            "sys.path_hooks": tuple(map(id, sys.path_hooks)),
            "hooks": (id(sys.excepthook), id(sys.displayhook), id(sys.unraisablehook)),
            "hook of threads": id(threading.excepthook),
            "streams": (id(sys.stdin), id(sys.stdout), id(sys.stderr)),
            "recursion": sys.getrecursionlimit(),
            "environment": hash(tuple(os.environ.items())),
            "signals": tuple(map(id, map(signal.getsignal, signal.valid_signals()))),
            "threads": threading.active_count(),
            "root logger": (logging.root.level, tuple(map(id, logging.root.handlers))),
            "abstract classes": get_cache_token(),
            "copyreg": len(copyreg.dispatch_table),
            "working folder": os.getcwd(),
            "builtins": tuple(map(id, vars(builtins).values())),
        }

    def parts(module):
        """Its own containers and classes, and theirs."""
        # By type(): an object that stands for another asks that one for its __class__.
        name = module.__name__
        found = []
        for key, value in list(vars(module).items()):
            kind = type(value)
            if issubclass(kind, (dict, list, set)) and "cache" not in key.lower():
                found.append((key, value))
            elif issubclass(kind, type) and value.__module__ == name:
                found.append((key, vars(value)))
                for inner, held in list(vars(value).items()):
                    if issubclass(type(held), (dict, list, set)) and "cache" not in inner.lower():
                        found.append((f"{key}.{inner}", held))
        return found

    def snapshot(name, module, known):
        space = vars(module)
        ids = tuple(map(id, space.values()))
        same = known is not None and known[1] == ids
        inner = known[2] if same else parts(module)
        return space, ids, inner, [len(each) for _, each in inner], dict(space)

    last = [state()]

    def look(running):
        now = state()
        for key, value in now.items():
            if last[0][key] != value:
                line("effect", running, key)
        last[0] = now
        for name, module in list(sys.modules.items()):
            top = name.partition(".")[0]
            if top in _CACHING or name == "__main__":
                continue
            try:
                space = vars(module)
            except TypeError:
                continue
            known = watched.get(name)
            if known is not None and known[0] is space:
                ids = tuple(map(id, space.values()))
                if ids == known[1] and [len(each) for _, each in known[2]] == known[3]:
                    continue
                if running not in (name, ""):
                    _tell(line, running, name, known)
            watched[name] = snapshot(name, module, known)

    return look


def _tell(line, running, name, known):
    """Tell what changed in a module while another one was executed."""
    space, _, inner, sizes, before = known
    for key, value in list(space.items()):
        if before.get(key, before) is value or key in ("__warningregistry__", "__cached__"):
            continue
        # It keeps what it has been asked for (PEP 562), or what it has found out.
        if (key not in before and "__getattr__" in space) or "cache" in key.lower():
            continue
        # The import system binds a submodule in its package, and the parts of itself.
        if value is sys.modules.get(f"{name}.{key}", space):
            continue
        line("effect", running, f"{name}.{key}")
    for (key, each), size in zip(inner, sizes, strict=False):
        if len(each) != size and key != "__warningregistry__":
            line("effect", running, f"{name}.{key}")
