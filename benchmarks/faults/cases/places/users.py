"""Other users, and fewer rights."""

from __future__ import annotations

import os
import shutil

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import UNPRIVILEGED_ID, Need
from benchmarks.faults.program import Program
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.session import Session
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    stops,
    worst,
)


@case("An unprivileged user runs it, installed by root: it starts.", needs=(Need.UNPRIVILEGED,))
def unprivileged_user(sandbox: Sandbox) -> CaseResult:
    """The usual way of a system-wide installation."""
    return stops(_as_nobody(sandbox, ()))


def _as_nobody(sandbox: Sandbox, wrap: tuple[str, ...]) -> Observation:
    public = sandbox.public_folder()
    program = sandbox.install(public)
    tmp, home = public / "tmp", public / "home"
    for path in (tmp, home):
        path.mkdir(mode=0o700)
        os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    drop = (
        shutil.which("setpriv") or "setpriv",
        *(f"--reuid={UNPRIVILEGED_ID}", f"--regid={UNPRIVILEGED_ID}", "--clear-groups", "--"),
    )
    conditions = Conditions(
        wrap=(*drop, *wrap), env={"HOME": str(home)}, cwd=public, tmp=tmp, look=(tmp,)
    )
    return sandbox.run(conditions, program=program)


@case("No new privileges and no capabilities: it starts.", needs=(Need.UNPRIVILEGED,))
def no_new_privileges(sandbox: Sandbox) -> CaseResult:
    """Systemd's NoNewPrivileges, and what most sandboxes set."""
    drop = (shutil.which("setpriv") or "setpriv", "--no-new-privs", "--bounding-set=-all", "--")
    return stops(sandbox.run(Conditions(wrap=drop)))


@case("Two users run it at the same time with one TMPDIR: both start.", needs=(Need.UNPRIVILEGED,))
def two_users_one_tmpdir(sandbox: Sandbox) -> CaseResult:
    """What one user's launch leaves or holds must not lock the other out."""
    public = sandbox.public_folder()
    program = sandbox.install(public)
    tmp, home = public / "tmp", public / "home"
    tmp.mkdir()
    tmp.chmod(0o1777)
    home.mkdir(mode=0o700)
    os.chown(home, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    drop = (
        shutil.which("setpriv") or "setpriv",
        *(f"--reuid={UNPRIVILEGED_ID}", f"--regid={UNPRIVILEGED_ID}", "--clear-groups", "--"),
    )
    with sandbox.session(Conditions(tmp=tmp), program) as mine:
        mine.until_ready()
        conditions = Conditions(tmp=tmp, cwd=public, wrap=drop, env={"HOME": str(home)})
        observation = _beside(sandbox, conditions, program)
        mine.stop()
        own = mine.end()
    return worst(
        {"the first user": stops(own), "the second user": stops(observation)},
        pass_detail="both start and stop",
    )


def _beside(sandbox: Sandbox, conditions: Conditions, program: Program) -> Observation:
    with sandbox.session(conditions, program) as session:
        _finish(session)
        return session.end()


def _finish(session: Session) -> None:
    if session.until_ready():
        session.stop()
