"""Loads the libraries of a program, plainly or rewritten, and tells all that can be seen of them.

Run in a process of its own, ``python fast_start_proof.py SETTINGS``. It imports the modules that
the program had loaded when it was READY, in that order. With rewritten modules it first loads
what READY needs, then has everything resolved that was put off: each thing first of all in a forked
child, all of them by threads at once, then the rest. What comes out is written as JSON, to be
compared with that of a run with the plain libraries (:mod:`spike.faststart.proof`).
"""

import importlib
import inspect
import io
import json
import marshal
import os
import pickle
import re
import sys
import threading
import traceback
import types
import warnings

MOST_ITEMS = 200
THREADS = 4
OURS = "_fast_start_"
NOT_COMPARED = frozenset({"__builtins__", "__cached__", "__loader__", "__warningregistry__"})
OF_THE_PROOF = {
    "sys": frozenset({"meta_path", "modules", "path", "path_importer_cache"}),
    "re": frozenset({"_cache", "_cache2"}),
}
"""What differs because rewritten modules are found in another way here, and because the program
itself, whose patterns are in the tables, is not loaded."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


def main(path):
    """Do it all and write what was seen."""
    with open(path, "rb") as file:
        settings = marshal.load(file)
    seen = {"errors": {}, "warnings": [], "first": {}, "threads": []}
    if settings["modules"]:
        sys.path.append(settings["staged"])
        sys.path.append(os.path.dirname(os.path.abspath(__file__)))
        import fast_start_trial

        sys.meta_path.insert(0, fast_start_trial.finder(settings["modules"]))
    if settings["tables"]:
        sys.path.append(settings["tables"])
        importlib.import_module("sidecar_fast_tables")
    if settings["lazy"]:
        sys.path.append(settings["staged"])
        importlib.import_module("sidecar_fast_tables").wait(settings["lazy"])
    warnings.simplefilter("always")

    def noted(message, category, filename, lineno, file=None, line=None):
        seen["warnings"].append([category.__name__, _plain(message), filename, lineno])

    warnings.showwarning = noted
    keep = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = io.StringIO()
    try:
        _import_all(settings["before"], seen)
        if settings["put_off"]:
            _resolve(settings, seen)
        _import_all(settings["after"], seen)
        names = [*settings["before"], *settings["after"]]
        described = _Descriptions(settings["rewritten"])
        seen["modules"] = {
            name: described.module(sys.modules[name]) for name in names if name in sys.modules
        }
        seen["sources"] = {
            name: _sources(sys.modules[name])
            for name in settings["rewritten"]
            if name in sys.modules
        }
        seen["pickles"] = {
            name: _pickles(sys.modules[name])
            for name in settings["rewritten"]
            if name in sys.modules
        }
    finally:
        sys.stdout, sys.stderr = keep
    with open(settings["result"], "w", encoding="utf-8") as file:
        json.dump(seen, file)


def _import_all(names, seen):
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            seen["errors"][name] = _plain(f"{type(error).__name__}: {error}")


def _resolve(settings, seen):
    """Have everything loaded that was put off, in every order that matters."""
    wanted = [(module, name) for module, names in settings["put_off"] for name in names]
    wanted = [(module, name) for module, name in wanted if module in sys.modules]
    if hasattr(os, "fork"):
        for module, names in settings["put_off"]:
            if module in sys.modules:
                problem = _in_child(module, names)
                if problem:
                    seen["first"][f"{module} {names[0]}"] = problem
    barrier = threading.Barrier(THREADS)

    def ask(number):
        mine = wanted[number * len(wanted) // THREADS :] + wanted[: number * len(wanted) // THREADS]
        if number % 2:
            mine.reverse()
        barrier.wait()
        for module, name in mine:
            try:
                getattr(sys.modules[module], name)
            except BaseException:
                seen["threads"].append([module, name, _plain(traceback.format_exc())])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(settings["patience_s"])
    if any(thread.is_alive() for thread in threads):
        seen["threads"].append(["", "", "threads that load at once wait for each other"])


def _in_child(module, names):
    """Load one thing first of all, in a forked child; empty when that works."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            for name in names:
                getattr(sys.modules[module], name)
        except BaseException:
            os.write(writing, _plain(traceback.format_exc())[-2000:].encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    return said or ("" if status == 0 else f"it ended with {status}")


def _loaded(module, name, value):
    """A value itself where it is one that waits by the means of the interpreter (PEP 810)."""
    if type(value).__name__ != "lazy_import":
        return value
    try:
        return getattr(module, name)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def _plain(value):
    """A text without what differs from one process to the next."""
    return _ADDRESS.sub("0x", str(value))


class _Descriptions:
    """Values as texts that are equal when the values are, also from another process."""

    def __init__(self, rewritten):
        self.rewritten = frozenset(rewritten)

    def module(self, module):
        """Each attribute of a module."""
        # As others would ask: what is not there yet is loaded.
        return {
            name: self.value(_loaded(module, name, value), module.__name__, 2)
            for name, value in sorted(vars(module).items())
            if not self._is_ours(module.__name__, name)
        }

    def _is_ours(self, module, name):
        return (
            name in NOT_COMPARED
            or name.startswith(OURS)
            or name in OF_THE_PROOF.get(module, ())
            or (module in self.rewritten and name in ("__getattr__", "__dir__"))
        )

    def value(self, value, home, depth):
        """One value.

        Args:
            value: The value.
            home: The module whose own things are told in detail.
            depth: How far into it.
        """
        try:
            return self._value(value, home, depth)
        except Exception as error:  # objects that answer for others refuse what they like
            return (
                f"object {type(value).__module__}.{type(value).__qualname__} {type(error).__name__}"
            )

    def _value(self, value, home, depth):
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            return f"{type(value).__name__} {_plain(repr(value))[:500]}"
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if type(value).__name__ == "ModuleSpec":
            return f"spec {value.name} {value.origin} {value.submodule_search_locations}"
        if isinstance(value, type):
            return self._class(value, home, depth)
        if isinstance(value, types.FunctionType):
            return self._function(value, home, depth)
        if isinstance(value, (staticmethod, classmethod)):
            return f"{type(value).__name__} {self.value(value.__func__, home, depth)}"
        if isinstance(value, property):
            parts = [self.value(each, home, depth) for each in (value.fget, value.fset, value.fdel)]
            return f"property {' '.join(parts)}"
        if isinstance(value, types.MethodType):
            return f"method {self.value(value.__func__, '', 0)}"
        if isinstance(value, (types.BuiltinFunctionType, types.MethodDescriptorType)):
            return f"builtin {getattr(value, '__module__', '')} {value.__qualname__}"
        if isinstance(value, (dict, types.MappingProxyType)):
            return self._many(
                value,
                [
                    f"{self.value(key, home, depth - 1)}: {self.value(held, home, depth - 1)}"
                    for key, held in self._items(dict(value).items(), depth)
                ],
            )
        if isinstance(value, (set, frozenset)) and depth > 0:
            # Their order is that of addresses: which come first says nothing.
            texts = sorted(self.value(each, home, depth - 1) for each in value)
            return self._many(value, texts[:MOST_ITEMS])
        if isinstance(value, (list, tuple, set, frozenset)):
            items = self._items(value, depth)
            return self._many(value, [self.value(each, home, depth - 1) for each in items])
        if isinstance(value, re.Pattern):
            return f"pattern {value.pattern!r} {value.flags}"
        return self._object(value, home, depth)

    def _items(self, items, depth):
        return list(items)[:MOST_ITEMS] if depth > 0 else []

    def _many(self, value, texts):
        if not isinstance(value, (list, tuple)):
            texts = sorted(texts)
        return f"{type(value).__name__} {len(value)} [{', '.join(texts)}]"

    def _class(self, value, home, depth):
        said = f"class {value.__module__}.{value.__qualname__}"
        if depth <= 0 or value.__module__ != home:
            return said
        bases = " ".join(f"{each.__module__}.{each.__qualname__}" for each in value.__mro__)
        inner = {
            name: self.value(held, home, depth - 1)
            for name, held in sorted(vars(value).items())
            if name not in ("__dict__", "__weakref__", "_abc_impl")
        }
        return f"{said} ({bases}) {inner}"

    def _function(self, value, home, depth):
        said = f"function {value.__module__}.{value.__qualname__}"
        if depth <= 0:
            return said
        code = value.__code__
        lines = [line for _, _, line in code.co_lines()]
        parts = {
            "file": code.co_filename,
            "first": code.co_firstlineno,
            "lines": sorted({line for line in lines if line is not None}),
            "variables": [code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags],
            "defaults": self.value(value.__defaults__, home, depth - 1),
            "keywords": self.value(value.__kwdefaults__, home, depth - 1),
            "annotations": self.value(dict(value.__annotations__), home, depth - 1),
            "doc": value.__doc__,
            "more": self.value(dict(vars(value)), home, depth - 1),
        }
        return f"{said} {parts}"

    def _object(self, value, home, depth):
        kind = type(value)
        said = f"object {kind.__module__}.{kind.__qualname__}"
        try:
            inner = vars(value)
        except TypeError:
            return said
        if depth <= 0 or not isinstance(inner, dict):
            return said
        # Of names alone, not of values: locks, times and numbers of processes are in there.
        return f"{said} {sorted(map(str, inner))}"


def _own(module):
    """Functions and classes that a module defines, with those of its classes."""
    for name, value in sorted(vars(module).items()):
        if name.startswith(OURS) or name in ("__getattr__", "__dir__"):
            continue
        if not issubclass(type(value), (type, types.FunctionType)):
            continue
        if value.__module__ != module.__name__:
            continue
        yield name, value
        if issubclass(type(value), type):
            for inner, held in sorted(vars(value).items()):
                if isinstance(held, types.FunctionType):
                    yield f"{name}.{inner}", held


def _sources(module):
    """What ``inspect`` finds as the source of each, or why not."""
    found = {}
    for name, value in [("", module), *_own(module)]:
        try:
            found[name] = inspect.getsource(value)
        except BaseException as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def _pickles(module):
    """What ``pickle`` makes of each, or why not."""
    found = {}
    for name, value in _own(module):
        try:
            found[name] = pickle.dumps(value, 2).hex()
            if pickle.loads(bytes.fromhex(found[name])) is not value:
                found[name] += " another"
        except BaseException as error:
            found[name] = _plain(f"{type(error).__name__}: {error}")
    return found


if __name__ == "__main__":
    main(sys.argv[1])
