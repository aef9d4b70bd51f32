"""The environment: locales, variables of interpreters and packagers, and its size."""

from __future__ import annotations

import shutil

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    Status,
    degraded,
    failed,
    starts_or_refuses,
    stops,
    worst,
)


@case("LC_ALL=C: it starts.", needs=(Need.LOCALES,))
def locale_c(sandbox: Sandbox) -> CaseResult:
    """No locale is installed, as in most containers."""
    return stops(sandbox.run(Conditions(env={"LC_ALL": "C", "LANG": None})))


@case("LC_ALL names a locale that does not exist: it starts.", needs=(Need.LOCALES,))
def locale_unknown(sandbox: Sandbox) -> CaseResult:
    """Forwarded by ssh from another machine."""
    return stops(sandbox.run(Conditions(env={"LC_ALL": "xx_YY.UTF-8"})))


@case("PYTHONHOME is nonsense: it starts; a frozen program brings its own Python.")
def pythonhome_nonsense(sandbox: Sandbox) -> CaseResult:
    """Left over from somebody's virtual environment."""
    return stops(sandbox.run(Conditions(env={"PYTHONHOME": "/nonexistent"})))


@case("PYTHONPATH holds modules named like the standard library's: none of them is imported.")
def pythonpath_hostile(sandbox: Sandbox) -> CaseResult:
    """A developer's PYTHONPATH, or an attacker's: every module there says so when imported."""
    hostile = sandbox.folder("hostile")
    for name in (
        "os",
        "signal",
        "encodings",
        "site",
        "sitecustomize",
        "usercustomize",
        "codecs",
        "io",
        "abc",
        "inspect",
        "types",
        "functools",
        "zipimport",
        "warnings",
    ):
        text = f"import sys\nsys.stderr.write('HOSTILE {name}\\n')\nraise SystemExit(66)\n"
        (hostile / f"{name}.py").write_text(text)
    observation = sandbox.run(Conditions(env={"PYTHONPATH": str(hostile)}))
    if any("HOSTILE" in line for line in observation.stderr):
        return failed(
            f"it executes a module from PYTHONPATH: {observation.last_words}", observation
        )
    return stops(observation)


@case(
    "PYTHONOPTIMIZE, PYTHONINSPECT, PYTHONDEBUG, PYTHONSTARTUP and others are nonsense: "
    "it starts, and says nothing on stderr."
)
def python_variables_nonsense(sandbox: Sandbox) -> CaseResult:
    """Variables that change an interpreter, not a program."""
    names = (
        *("PYTHONOPTIMIZE", "PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE"),
        *("PYTHONUNBUFFERED", "PYTHONNOUSERSITE", "PYTHONCASEOK", "PYTHONPLATLIBDIR"),
        *("PYTHONWARNINGS", "PYTHONBREAKPOINT", "PYTHONEXECUTABLE", "PYTHONUSERBASE"),
    )
    return _quiet(sandbox.run(Conditions(env=dict.fromkeys(names, "nonsense"))))


def _quiet(observation: Observation) -> CaseResult:
    verdict = stops(observation)
    if verdict.status is Status.PASS and observation.last_words:
        return degraded(f"it starts, but says: {observation.last_words}", observation)
    return verdict


@case(
    "PYTHONHASHSEED, PYTHONMALLOC, PYTHONIOENCODING, PYTHONUTF8 are nonsense: it starts; "
    "an interpreter would refuse."
)
def python_variables_fatal(sandbox: Sandbox) -> CaseResult:
    """An interpreter ends with a fatal error at the first of them."""
    by_variable = {}
    for name in ("PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONIOENCODING", "PYTHONUTF8"):
        by_variable[name] = stops(sandbox.run(Conditions(env={name: "nonsense"})))
    return worst(by_variable, pass_detail="none of the four disturbs it")


@case("LD_LIBRARY_PATH is nonsense: it starts.", needs=(Need.LOADER,))
def ld_library_path_nonsense(sandbox: Sandbox) -> CaseResult:
    """Left over from another program."""
    return stops(sandbox.run(Conditions(env={"LD_LIBRARY_PATH": "/nonexistent:relative:::"})))


@case(
    "LD_LIBRARY_PATH holds broken copies of the libraries it brings: it uses its own.",
    needs=(Need.LOADER,),
)
def ld_library_path_broken_libraries(sandbox: Sandbox) -> CaseResult:
    """Another application's libraries are in the way: each here is an empty file."""
    hostile = sandbox.folder("libraries")
    for name in (
        "libz.so.1",
        "libpython3.11.so.1.0",
        "libssl.so.3",
        "libcrypto.so.3",
        "libbz2.so.1.0",
        "liblzma.so.5",
        "libffi.so.8",
        "libsqlite3.so.0",
    ):
        (hostile / name).write_bytes(b"")
    observation = sandbox.run(Conditions(env={"LD_LIBRARY_PATH": str(hostile)}))
    return starts_or_refuses(observation, cause=str(hostile.name))


@case("No environment at all: it starts.", needs=(Need.MOUNTS,))
def environment_empty(sandbox: Sandbox) -> CaseResult:
    """Env -i. TMPDIR is unset then, so /tmp is an empty one of its own here."""
    commands, views = sandbox.private_tmp()
    with sandbox.namespace(*commands) as space:
        look = tuple(space.view(path) for path in views)
        wrap = (*space.wrap, shutil.which("env") or "/usr/bin/env", "-i")
        return stops(sandbox.run(Conditions(wrap=wrap, look=look, marked=False)))


@case("The packagers' own variables are set to nonsense: it starts.")
def packager_variables_nonsense(sandbox: Sandbox) -> CaseResult:
    """As inherited from a parent that was frozen too, by this packager or another."""
    names = (
        *("_MEIPASS2", "_PYI_ARCHIVE_FILE", "_PYI_APPLICATION_HOME_DIR"),
        *("_PYI_PARENT_PROCESS_LEVEL", "_PYI_SPLASH_IPC", "_PYI_LINUX_PROCESS_NAME"),
        *("NUITKA_ONEFILE_PARENT", "NUITKA_ONEFILE_BINARY", "NUITKA_ONEFILE_DIRECTORY"),
        *("NUITKA_ORIGINAL_ARGV0", "NUITKA_ORIGINAL_ARGV0_0", "NUITKA_LAUNCH_TOKEN"),
        *("__CXFREEZE_DIR", "LIBPATH"),
    )
    observation = sandbox.run(Conditions(env=dict.fromkeys(names, "/nonexistent/nonsense")))
    return starts_or_refuses(observation, cause=r"_MEI|_PYI|NUITKA|environment")


@case("An environment of 100 KB: it starts.")
def environment_large(sandbox: Sandbox) -> CaseResult:
    """Continuous integration systems and module systems."""
    return stops(sandbox.run(Conditions(env={f"LARGE_{i}": "x" * 1000 for i in range(100)})))
