"""Hands out what was made beforehand; ships with a program that was built with fast_start.

Regular expressions that are compiled until READY are put into the cache of ``re``, where they
would be soon. Code that dataclasses and typing make from text is handed to the very functions that
make it: for these, and for nobody else, exec and compile are others, which know the texts that a
trial run has seen. Any other text is compiled as ever.

In a folder with a whole Python, modules are read from where the build has put them, without a look
into every folder of the path before.

From Python 3.15 on imports wait by the interpreter's own means (PEP 810): its filter lets those
wait that the build has proved, and those that would wait without it.
"""

import _frozen_importlib_external
import builtins
import io
import marshal
import sys
from types import FunctionType

MODULES = ("dataclasses", "typing")
"""Of the standard library: who makes code from text while a program starts."""

MAKERS = frozenset({"exec", "compile"})

PYTHON = ""  # the build puts the packaged Python and its tables here
PATTERNS = ()
TEXTS = ()
LAZY = ()
PLACES = {}

IS_PACKAGE, HAS_SOURCE = 1, 2
"""What is added up for a module that has a place."""


def fill(patterns):
    """Put patterns into the cache of ``re``.

    Args:
        patterns: Of each what the cache knows it by (pattern, flags), and what it is made of:
            flags, code, groups, their names, and the names by number.
    """
    import _sre
    import re

    for pattern, given, flags, code, groups, names, numbers in patterns:
        found = _sre.compile(
            pattern, flags, memoryview(code).cast("I").tolist(), groups, dict(names), numbers
        )
        re._cache[type(pattern), pattern, given] = found


def hand_out(module, texts, note=None):
    """Let a module's functions have code that was made from text beforehand.

    Args:
        module: The module.
        texts: Kind, file name and text, to the marshalled code.
        note: Called with these when a text is not among them.
    """

    def made(kind, source, filename):
        if type(source) is not str:
            return source
        code = texts.get((kind, filename, source))
        if code is not None:
            return marshal.loads(code)
        if note is not None:
            note(module.__name__, kind, filename, source)
        return source

    def exec_(source, space, *rest):
        return exec(made("exec", source, "<string>"), space, *rest)

    def compile_(source, filename, mode, *rest, **named):
        found = source if rest or named else made(mode, source, filename)
        if found is source:
            return compile(source, filename, mode, *rest, **named)
        return found

    others = {**vars(builtins), "exec": exec_, "compile": compile_}
    for holder, name, function in list(_makers(module)):
        setattr(holder, name, _with(function, others))


def _makers(module):
    """The functions of a module and of its classes that make code from text, and where they are."""
    space = vars(module)
    classes = [each for each in space.values() if isinstance(each, type)]
    for holder in (module, *(each for each in classes if each.__module__ == module.__name__)):
        for name, value in vars(holder).items():
            if type(value) is not FunctionType or value.__globals__ is not space:
                continue
            if not MAKERS.isdisjoint(value.__code__.co_names):
                yield holder, name, value


def _with(function, others):
    """The same function, to which other builtins are visible; it finds them when it is made."""
    space = function.__globals__
    usual = space["__builtins__"]
    space["__builtins__"] = others
    try:
        made = FunctionType(
            *(function.__code__, space, function.__name__),
            *(function.__defaults__, function.__closure__),
        )
    finally:
        space["__builtins__"] = usual
    made.__kwdefaults__ = function.__kwdefaults__
    for name in ("__annotations__", "__doc__", "__module__", "__qualname__", "__type_params__"):
        if hasattr(function, name):
            setattr(made, name, getattr(function, name))
    vars(made).update(vars(function))
    return made


def wait(lazy):
    """Have imports wait until their names are used.

    A program that was started with a mode or a filter of its own keeps these.

    Args:
        lazy: Importing module, imported one, and the names taken from it or None.
    """
    if sys.get_lazy_imports() != "normal" or sys.get_lazy_imports_filter() is not None:
        return
    known = frozenset(lazy)

    def may_wait(importer, name, names):
        if (importer, name, names) in known:
            return True
        frame = sys._getframe(1)
        listed = frame.f_globals.get("__lazy_modules__")
        if listed is not None and name in listed:
            return True
        # The lowest bit of IMPORT_NAME: the statement says lazy.
        code, place = frame.f_code.co_code, frame.f_lasti
        return bool(code[place + 1] & 1)

    sys.set_lazy_imports_filter(may_wait)
    sys.set_lazy_imports("all")


class Placed:
    """Finds what has a place as Python's own finder would, which is asked in any doubt."""

    def __init__(self, places):
        self.packages = __file__.rpartition("/")[0]
        self.library = self.packages.rpartition("/")[0]
        self.places = places
        self.path = list(sys.path)

    def find_spec(self, name, path=None, target=None):
        """What finds a module; None for one that others have to find."""
        kind = self.places.get(name)
        if kind is None:
            return None
        root = self.packages if kind & HAS_SOURCE else self.library
        parent, _, last = name.rpartition(".")
        folder = f"{root}/{parent.replace('.', '/')}" if parent else root
        # Somebody may have put other folders before these.
        if (path != [folder]) if parent else (sys.path != self.path):
            return None
        base = f"{folder}/{last}"
        stem = f"{base}/__init__" if kind & IS_PACKAGE else base
        external = _frozen_importlib_external
        if kind & HAS_SOURCE:
            front, _, end = stem.rpartition("/")
            code = f"{front}/__pycache__/{end}.{sys.implementation.cache_tag}.pyc"
            loader = external.SourceFileLoader(name, f"{stem}.py")
        else:
            code = f"{stem}.pyc"
            loader = external.SourcelessFileLoader(name, code)
        spec = external.spec_from_file_location(
            name,
            loader.path,
            loader=loader,
            submodule_search_locations=[base] if kind & IS_PACKAGE else None,
        )
        spec.cached = code

        def get_code(name):
            del loader.get_code  # from now on it is like any other
            try:
                with io.open_code(code) as file:
                    data = file.read()
            except OSError:
                return loader.get_code(name)
            source = loader.path if kind & HAS_SOURCE else None
            return external._compile_bytecode(
                memoryview(data)[16:], name=name, bytecode_path=code, source_path=source
            )

        loader.get_code = get_code
        return spec


def place(places):
    """Have modules found where they are.

    Args:
        places: Name of a module, to the sum of what it is.
    """
    finder = Placed(places)
    usual = _frozen_importlib_external.PathFinder
    if usual in sys.meta_path and {finder.packages, finder.library} <= set(sys.path):
        sys.meta_path.insert(sys.meta_path.index(usual), finder)


def begin():
    """Hand everything out, in the Python that it was made in and for."""
    if sys.version != PYTHON or sys.flags.optimize:
        return
    if PLACES:
        place(PLACES)
    if LAZY:
        wait(LAZY)
    fill(PATTERNS)
    by_module = {}
    for module, kind, filename, source, code in TEXTS:
        by_module.setdefault(module, {})[kind, filename, source] = code
    for name, texts in by_module.items():
        hand_out(__import__(name), texts)


begin()
