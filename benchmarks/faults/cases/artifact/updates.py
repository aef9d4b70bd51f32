"""Updates: replaced, overwritten or removed while it runs."""

from __future__ import annotations

import shutil

from benchmarks.faults.case import case
from benchmarks.faults.late_import import late_import
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Status,
    passed,
    stops,
)


@case(
    "It is replaced by a newer version while it runs (rename over it): the running one goes "
    "on, imports what it has not imported yet, and stops cleanly.",
    needs=(Need.REMOVAL, Need.PROBE),
)
def replaced_while_running(sandbox: Sandbox) -> CaseResult:
    """An update. The newer version is another program of the same packager, at the same path."""
    program = sandbox.install(sandbox.folder("installed"), sandbox.probe)
    newer = sandbox.install(sandbox.folder("newer"), sandbox.hello)
    with sandbox.session(program=program) as session:
        session.until_ready()
        if program.folder is None:
            newer.artifact.replace(program.artifact)
        else:
            assert newer.folder is not None
            program.folder.rename(program.folder.with_name("older"))
            newer.folder.rename(program.folder)
        return late_import(session)


@case("It is overwritten in place while it runs: the system refuses, or it goes on unharmed.")
def overwritten_while_running(sandbox: Sandbox) -> CaseResult:
    """Cp over a running program: the kernel's ETXTBSY protects what is being executed."""
    program = sandbox.install(sandbox.folder("installed"))
    with sandbox.session(program=program) as session:
        session.until_ready()
        try:
            with program.artifact.open("r+b") as stream:
                stream.write(b"overwritten")
            refused = False
        except OSError:
            refused = True
        session.stop()
        observation = session.end()
    verdict = stops(observation)
    if verdict.status is Status.PASS and refused:
        return passed("the system refuses to overwrite it", observation)
    return verdict


@case(
    "It is removed while it runs: it goes on, imports what it has not imported yet, and stops "
    "cleanly.",
    needs=(Need.REMOVAL, Need.PROBE),
)
def removed_while_running(sandbox: Sandbox) -> CaseResult:
    """An uninstallation, or an update that deletes first."""
    program = sandbox.install(sandbox.folder("installed"), sandbox.probe)
    with sandbox.session(program=program) as session:
        session.until_ready()
        if program.folder is None:
            program.artifact.unlink()
        else:
            shutil.rmtree(program.folder)
        return late_import(session)
