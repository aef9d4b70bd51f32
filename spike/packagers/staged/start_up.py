"""Nuitka user plugin: leaves out what a program cannot reach, and work at its start.

Staged beside the sidecar with ``start_up.json``, which says what the program can reach and which
start-up work to remove. Written against Nuitka 4.3.3. It edits two generated C files and up to
three private variables and two functions; each is checked, and a Nuitka in which one is not as
expected ends the build with a message instead of making a program that differs in secret.

The lazy ``inspect``. Nuitka's main() imports ``inspect`` to teach it about compiled generators
and coroutines: half of the instructions of a small program's start. Here the call is taken out
and registered as a built-in module, and the code that runs after a program's own import of
``inspect`` imports that module. ``types.coroutine``, which the same C function teaches, becomes
a function that imports ``inspect`` when it is first called.

From Python 3.12 on the same C function does three things more. Two of them cost nothing and stay at
the start: the frames' ``sys._getframemodulename``, and a class of its own that it registers with
``collections.abc.Mapping`` (by way of ``_collections_abc``, which is there, and not of
``collections``, which is not). The third, the types of ``typing``, waits for that module's import.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nuitka
from nuitka.containers.OrderedSets import OrderedSet
from nuitka.freezer import ImportDetection
from nuitka.plugins.PluginBase import NuitkaPluginBase
from nuitka.utils import StaticLibraries
from nuitka.utils.ModuleNames import ModuleName

SETTINGS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

PATCH = "    patchInspectModule(tstate);\n"
INITIALISE = "static void Nuitka_Py_Initialize(void) {\n"
UNFROZEN = "#if _NUITKA_STANDALONE_MODE\n    config.use_frozen_modules = 0;\n"
HOOK = "_nuitka_patch_inspect"
SPLIT = sys.version_info >= (3, 12)
"""Whether Nuitka does more with inspect's C function than teach inspect."""

TYPING_HOOK = "_nuitka_patch_typing"
PATCHER_EDITS = (
    # The function ends where what concerns inspect does; what follows it is another.
    (
        """#if PYTHON_VERSION >= 0x3c0
    orig_sys_getframemodulename = Nuitka_SysGetObject(""",
        """    is_done = true;
}

void patchTypingLate(void) { patchTypingModule(); }

void patchAtStart(PyThreadState *tstate) {
#if PYTHON_VERSION >= 0x3c0
    orig_sys_getframemodulename = Nuitka_SysGetObject(""",
    ),
    ("\n    patchTypingModule();\n#endif", "\n#endif"),
    ('PyImport_ImportModule("collections.abc")', 'PyImport_ImportModule("_collections_abc")'),
    (
        """    Py_DECREF(module_collections_abc);
#endif

    is_done = true;
}""",
        """    Py_DECREF(module_collections_abc);
#endif
}""",
    ),
)
"""From 3.12 on, in InspectPatcher.c: what has to be done at start becomes a function of its own."""

AT_START = "    patchAtStart(tstate);\n"
REGISTER_TYPING = (
    f"""
extern void patchAtStart(PyThreadState *);
extern void patchTypingLate(void);
static int patch_typing_exec(PyObject *module) {{
    patchTypingLate();
    return 0;
}}
static PyModuleDef_Slot patch_typing_slots[] = {{{{Py_mod_exec, (void *)patch_typing_exec}}, \
{{0, NULL}}}};
static struct PyModuleDef patch_typing_def = {{PyModuleDef_HEAD_INIT, "{TYPING_HOOK}", NULL, 0, \
NULL, patch_typing_slots, NULL, NULL, NULL}};
static PyObject *patch_typing_init(void) {{ return PyModuleDef_Init(&patch_typing_def); }}
"""
    + INITIALISE
    + f'    PyImport_AppendInittab("{TYPING_HOOK}", patch_typing_init);\n'
)

AFTER_TYPING = f"""
__import__("{TYPING_HOOK}")
"""

REGISTER = (
    f"""
static int patch_inspect_exec(PyObject *module) {{
    patchInspectModule(PyThreadState_GET());
    return 0;
}}
static PyModuleDef_Slot patch_inspect_slots[] = {{{{Py_mod_exec, (void *)patch_inspect_exec}}, \
{{0, NULL}}}};
static struct PyModuleDef patch_inspect_def = {{PyModuleDef_HEAD_INIT, "{HOOK}", NULL, 0, NULL, \
patch_inspect_slots, NULL, NULL, NULL}};
static PyObject *patch_inspect_init(void) {{ return PyModuleDef_Init(&patch_inspect_def); }}
"""
    + INITIALISE
    + f'    PyImport_AppendInittab("{HOOK}", patch_inspect_init);\n'
)

AFTER_INSPECT = f"""
import types
types.coroutine = getattr(types.coroutine, "__wrapped__", types.coroutine)
__import__("{HOOK}")
"""

AFTER_TYPES = """
import types

def coroutine(func):
    import inspect
    return types.coroutine(func)

coroutine.__wrapped__ = types.coroutine
coroutine.__doc__ = types.coroutine.__doc__
types.coroutine = coroutine
"""


class StartUp(NuitkaPluginBase):
    """See the module's docstring."""

    plugin_name = "sidecar-start-up"
    plugin_desc = "Leave out what the program cannot reach, and work at its start."

    def __init__(self):
        self.reached = frozenset(SETTINGS["reached"])
        self.standard = frozenset(SETTINGS["standard"])
        self.codecs = frozenset(SETTINGS["codecs"])
        # The interpreter has these as ready-made objects, which are faster than bytecode.
        self.frozen = frozenset(SETTINGS["frozen"])
        self.lazy = SETTINGS["lazy_inspect"]
        for name in ("_early_modules_names", "_stdlib_modules_names"):
            if not hasattr(ImportDetection, name):
                self.sysexit(f"This Nuitka has no ImportDetection.{name}; the plugin is for 4.3.3.")
        if SETTINGS["static_libpython"]:
            if not hasattr(StaticLibraries, "_static_lib_python_path"):
                self.sysexit("This Nuitka keeps its static libpython elsewhere than 4.3.3 does.")
            StaticLibraries._static_lib_python_path = SETTINGS["static_libpython"]
        early = {name.asString() for name in ImportDetection.detectEarlyImports()}
        wanted = (self.reached | self.codecs) - self.frozen
        early = early & wanted | SETTINGS_ALWAYS - self.frozen
        ImportDetection._early_modules_names = _module_names(early)
        # All that the program reaches is known, so it goes in as it is: as bytecode, in which
        # form Nuitka ships the standard library anyway. It would else optimise every module of
        # it and drop the result, only to learn what that module imports.
        ImportDetection._stdlib_modules_names = _module_names(self.standard - early - self.frozen)

    def onCompilationStartChecks(self):
        """Prepare what can be imported only after the options were read."""
        _answer_for_cache(self, self.standard)

    def onModuleEncounter(self, using_module_name, module_name, module_filename, module_kind):
        """Leave a module of the standard library out when nothing leads to it."""
        name = module_name.asString()
        if module_filename is None or not _is_standard_library(module_filename):
            return None
        if name in self.frozen:
            return None, "the interpreter has it as a frozen module"
        if name.split(".")[0] == "multiprocessing" and "multiprocessing" in self.reached:
            return None  # Nuitka's own plugin decides about its parts
        if name not in self.reached:
            return False, "No name in the sources leads to it: list it in hidden_imports."
        return None

    def onModuleSourceCode(self, module_name, source_filename, source_code):
        """Let modules import things from where they are defined; see analysis/direct_imports.py."""
        edits = SETTINGS["edits"].get(module_name.asString(), {})
        if not edits or not _is_standard_library(source_filename):
            return source_code
        lines = source_code.split("\n")
        for number, text in edits.items():
            lines[int(number) - 1] = text
        return "\n".join(lines)

    def createPostModuleLoadCode(self, module):
        """Code that runs right after a module's own."""
        name = module.getFullName().asString()
        if self.lazy and "inspect" in self.reached:
            if name == "inspect":
                return AFTER_INSPECT, "Teach inspect about compiled code, now that it is wanted."
            if name == "types":
                return AFTER_TYPES, "Import inspect when types.coroutine is called."
        if self.lazy and SPLIT and name == "typing":
            return AFTER_TYPING, "Teach the types of typing about compiled frames, now."
        return None

    def onGeneratedSourceCode(self, source_dir, onefile):
        """Edit the generated tree's main program, and what it calls at start."""
        if onefile or not (self.lazy or self.frozen):
            return
        edits = []
        if self.lazy:
            edits += [(PATCH, AT_START if SPLIT else ""), (INITIALISE, REGISTER)]
            if SPLIT:
                edits.append((INITIALISE, REGISTER_TYPING))
        if self.frozen:
            edits.append((UNFROZEN, UNFROZEN.replace("= 0", "= 1")))
        self._edit(Path(source_dir, "static_src", "MainProgram.c"), edits)
        if self.lazy and SPLIT:
            # What another file includes is not in the generated tree, so its text goes in there.
            patcher = INSTALLED / "InspectPatcher.c"
            text = self._edited(patcher, PATCHER_EDITS)
            includes = Path(source_dir, "static_src", "CompiledFunctionType.c")
            self._edit(includes, [(f'#include "{patcher.name}"', text)])

    def _edit(self, path, edits):
        text = self._edited(path, edits)
        # It is a link into the installation: replaced, never written through.
        path.unlink()
        path.write_text(text, encoding="utf-8")

    def _edited(self, path, edits):
        text = path.read_text(encoding="utf-8")
        for old, new in edits:
            if text.count(old) != 1:
                self.sysexit(
                    f"{path.name} has {old.strip()!r} {text.count(old)} times, not once: "
                    "this Nuitka is not the one that the plugin was written for (4.3.3)."
                )
            text = text.replace(old, new)
        return text

    def onStandaloneDistributionFinished(self, dist_dir):
        """Refuse a program that is not one file after all."""
        program = SETTINGS["program"]
        beside = sorted({path.name for path in Path(dist_dir).iterdir()} - {program})
        if SETTINGS["single"] and beside:
            self.sysexit(
                f"It needs files beside it ({', '.join(beside)}), so it cannot be a single file. "
                "Build it with --mode standalone, or with --mode onefile."
            )


INSTALLED = Path(nuitka.__file__).parent / "build" / "static_src"
SETTINGS_ALWAYS = frozenset(SETTINGS["always"])


def _module_names(names):
    return tuple(sorted(ModuleName(name) for name in names))


def _answer_for_cache(plugin, names):
    """Let Nuitka's cache know these modules, as ones that lead to no others."""
    from nuitka.tree import Building

    cached = {}
    for name in ("hasCachedImportedModuleUsageAttempts", "getCachedImportedModuleUsageAttempts"):
        if not hasattr(Building, name):
            plugin.sysexit(f"This Nuitka has no Building.{name}; the plugin is for 4.3.3.")
        cached[name] = getattr(Building, name)
    has, get = cached.values()

    def has_imports(module_name, **where):
        return module_name.asString() in names or has(module_name=module_name, **where)

    def imports(module_name, **where):
        if module_name.asString() in names:
            return OrderedSet(), ()
        return get(module_name=module_name, **where)

    Building.hasCachedImportedModuleUsageAttempts = has_imports
    Building.getCachedImportedModuleUsageAttempts = imports


def _is_standard_library(filename):
    from nuitka.importing.StandardLibrary import isStandardLibraryPath

    return isStandardLibraryPath(filename)
