"""What it knows about itself."""

from __future__ import annotations

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions, quoted, shell
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Status,
    checks,
    degraded,
    ended_badly,
    failed,
    passed,
    stops,
)


@case(
    "__file__ is absolute, and a data file beside it is found from any working folder.",
    needs=(Need.PROBE,),
)
def file_and_data(sandbox: Sandbox) -> CaseResult:
    """How programs find what they ship."""
    return checks(sandbox.ask("files"))


@case(
    "inspect answers about functions, generators, coroutines, frames and classes as it does "
    "in an interpreter (source code excepted).",
    needs=(Need.PROBE,),
)
def inspection(sandbox: Sandbox) -> CaseResult:
    """Web frameworks and dependency injection rest on it."""
    return checks(sandbox.ask("inspect"), ignore=("source",))


@case(
    "dataclasses with every option can be copied, pickled, compared and inspected.",
    needs=(Need.PROBE,),
)
def data_classes(sandbox: Sandbox) -> CaseResult:
    """They are made by exec at run time."""
    return checks(sandbox.ask("dataclasses"))


@case("importlib.metadata and importlib.resources know a dependency.", needs=(Need.PROBE,))
def metadata_and_resources(sandbox: Sandbox) -> CaseResult:
    """Version checks and plugins rest on the one, data files of packages on the other."""
    return checks(sandbox.ask("metadata"))


@case(
    "sqlite3, ctypes, compression, hashing, decimal, asyncio, time zones, codecs, names and "
    "logging.config work.",
    needs=(Need.PROBE,),
)
def extension_modules(sandbox: Sandbox) -> CaseResult:
    """Each is imported and used."""
    return checks(sandbox.ask("extensions"))


@case(
    "Text beyond ASCII on stdout and in file names, with LC_ALL=C: as in an interpreter.",
    needs=(Need.LOCALES, Need.PROBE),
)
def unicode_in_c_locale(sandbox: Sandbox) -> CaseResult:
    """PEP 540: in the C locale Python uses UTF-8."""
    observation = sandbox.ask("unicode", conditions=Conditions(env={"LC_ALL": "C", "LANG": None}))
    verdict = checks(observation, grave=("file_name",))
    if verdict.status is Status.PASS and "GRÜSSE 漢字 🚀" not in observation.stdout:
        return failed(f"it said {observation.stdout}", observation)
    return verdict


@case("PYTHONOPTIMIZE does not take the program's assertions away.", needs=(Need.PROBE,))
def python_optimize(sandbox: Sandbox) -> CaseResult:
    """A variable for an interpreter must not change a program's behaviour."""
    observation = sandbox.ask("interpreter", conditions=Conditions(env={"PYTHONOPTIMIZE": "2"}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    if observation.report["Optimize"] != 0 or not observation.report["Debug"]:
        return degraded(f"sys.flags.optimize is {observation.report['Optimize']}", observation)
    return passed("no influence", observation)


@case("PYTHONPATH is not on the program's sys.path.", needs=(Need.PROBE,))
def python_path(sandbox: Sandbox) -> CaseResult:
    """What is there could be imported in place of a module that the packager left out."""
    folder = sandbox.folder("of-the-user")
    observation = sandbox.ask("interpreter", conditions=Conditions(env={"PYTHONPATH": str(folder)}))
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    if any(folder.name in str(entry) for entry in observation.report["Path"]):
        return degraded("PYTHONPATH is on sys.path", observation)
    return passed("sys.path holds the program's own places only", observation)


@case("It runs on the Python that packaged it.", needs=(Need.PROTOCOL,))
def own_python(sandbox: Sandbox) -> CaseResult:
    """What was tested before packaging is not what ships otherwise."""
    observation = sandbox.run()
    result = stops(observation)
    if result.status is not Status.PASS:
        return result
    words = dict(word.partition("=")[::2] for word in observation.boot.split())
    python, packaged_by = words.get("python", ""), sandbox.hello.python
    if not python or not packaged_by:
        raise NotRun("the program or its build does not say which Python it is")
    if python != packaged_by:
        return degraded(f"packaged by Python {packaged_by}, it runs on {python}", observation)
    return passed(f"Python {python}", observation)


@case(
    "It imports inspect at its start only where the program does.",
    needs=(Need.PROTOCOL, Need.SHELL),
)
def imports_at_start(sandbox: Sandbox) -> CaseResult:
    """With ast, dis, re and tokenize behind it, inspect costs a small program half of its start."""
    trace = sandbox.folder("trace") / "stderr"
    observation = sandbox.run(
        Conditions(wrap=shell(f"exec 2>{quoted(trace)}"), env={"PYTHONVERBOSE": "1"})
    )
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    imported = {line.split()[1].strip("'") for line in lines if line.startswith("import ")}
    if not imported:
        raise NotRun("it does not obey PYTHONVERBOSE, so nobody sees what it imports")
    if "inspect" in imported:
        text = f"inspect is among the {len(imported)} modules that it imports until its stop"
        return degraded(text, observation)
    return passed(f"{len(imported)} modules, inspect not among them", observation)


@case("The probe itself starts, says READY and stops cleanly.", needs=(Need.PROBE,))
def probe_starts(sandbox: Sandbox) -> CaseResult:
    """Without this, no other verdict of these cases means anything."""
    return stops(sandbox.run(program=sandbox.probe))
