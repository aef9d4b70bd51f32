"""The home folder, and where the program lies."""

from __future__ import annotations

from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions, quoted, shell
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    starts_or_refuses,
    stops,
)

AWKWARD = "Grüße an 漢字 & $(co)"
"""A folder name with spaces, letters beyond ASCII and characters that shells care about."""


@case("HOME is unset: it starts.")
def home_unset(sandbox: Sandbox) -> CaseResult:
    """Services and containers."""
    return stops(sandbox.run(Conditions(env={"HOME": None})))


@case("HOME does not exist: it starts.")
def home_missing(sandbox: Sandbox) -> CaseResult:
    """A system account."""
    return stops(sandbox.run(Conditions(env={"HOME": "/nonexistent"})))


@case("HOME is read-only: it starts, or refuses and names the cause.", needs=(Need.MOUNTS,))
def home_read_only(sandbox: Sandbox) -> CaseResult:
    """A network home with no quota left, or a kiosk."""
    home = sandbox.folder("home")
    with sandbox.namespace(f"mount -t tmpfs -o ro none {quoted(home)}") as space:
        observation = sandbox.run(Conditions(wrap=space.wrap, env={"HOME": str(home)}))
    return starts_or_refuses(observation, cause=r"home|cache|read-only")


@case("It lies in a folder with spaces, letters beyond ASCII and shell characters: it starts.")
def path_awkward(sandbox: Sandbox) -> CaseResult:
    """The folder of a user called Jörg Müller."""
    folder = sandbox.folder() / AWKWARD
    folder.mkdir()
    return stops(sandbox.run(program=sandbox.install(folder)))


@case("It lies in such a folder and LC_ALL=C: it starts.", needs=(Need.LOCALES,))
def path_awkward_in_c_locale(sandbox: Sandbox) -> CaseResult:
    """The C locale cannot decode the path."""
    folder = sandbox.folder() / AWKWARD
    folder.mkdir()
    conditions = Conditions(env={"LC_ALL": "C", "LANG": None})
    return stops(sandbox.run(conditions, program=sandbox.install(folder)))


@case("Its path is longer than 200 characters: it starts.")
def path_long(sandbox: Sandbox) -> CaseResult:
    """Deep application folders."""
    folder = sandbox.folder()
    while len(str(folder)) < 260:
        folder = folder / "a-folder-with-a-rather-long-name"
    folder.mkdir(parents=True)
    return stops(sandbox.run(program=sandbox.install(folder)))


@case("It is started through a symlink from elsewhere: it starts.", needs=(Need.SYMLINKS,))
def path_symlink(sandbox: Sandbox) -> CaseResult:
    """/usr/local/bin/sidecar."""
    link = sandbox.folder() / "link"
    link.symlink_to(sandbox.hello.artifact)
    return stops(sandbox.run(Conditions(name=str(link))))


@case("It is started by a relative path: it starts.", needs=(Need.SHELL,))
def path_relative(sandbox: Sandbox) -> CaseResult:
    """./sidecar."""
    wrap = shell(f"cd {quoted(sandbox.hello.artifact.parent)}")
    return stops(sandbox.run(Conditions(wrap=wrap, name=f"./{sandbox.hello.artifact.name}")))


@case("It is found through PATH, by its bare name: it starts.", needs=(Need.SHELL,))
def path_search(sandbox: Sandbox) -> CaseResult:
    """argv[0] is then no path at all."""
    wrap = shell(f'PATH={quoted(sandbox.hello.artifact.parent)}:"$PATH"')
    return stops(sandbox.run(Conditions(wrap=wrap, name=sandbox.hello.artifact.name)))


@case("argv[0] is something else altogether: it starts.", needs=(Need.SHELL,))
def path_false_argv0(sandbox: Sandbox) -> CaseResult:
    """Login shells and some hosts set it as they like."""
    wrap = ("/bin/bash", "-c", 'exec -a "something else" "$@"', "bash")
    if not Path(wrap[0]).exists():
        raise NotRun("/bin/bash is not there")
    return stops(sandbox.run(Conditions(wrap=wrap)))


@case("It lies on a read-only file system: it starts.", needs=(Need.MOUNTS,))
def path_read_only(sandbox: Sandbox) -> CaseResult:
    """/usr, an AppImage, a signed bundle."""
    folder = sandbox.folder("installed")
    program = sandbox.install(folder)
    mounts = (
        f"mount --bind {quoted(folder)} {quoted(folder)}",
        f"mount -o remount,ro,bind {quoted(folder)}",
    )
    with sandbox.namespace(*mounts) as space:
        return stops(sandbox.run(Conditions(wrap=space.wrap), program=program))


@case("Its working folder has been removed: it starts.", needs=(Need.REMOVAL,))
def working_folder_removed(sandbox: Sandbox) -> CaseResult:
    """The folder from which the host was started is gone."""
    folder = sandbox.folder("gone")
    return stops(
        sandbox.run(Conditions(wrap=shell(f"cd {quoted(folder)} && rmdir {quoted(folder)}")))
    )


@case("/proc is not mounted: it starts, or refuses and names the cause.", needs=(Need.MOUNTS,))
def no_proc(sandbox: Sandbox) -> CaseResult:
    """Sandboxes and rescue systems. /proc is hidden under an empty file system."""
    with sandbox.namespace("mount -t tmpfs -o ro none /proc") as space:
        observation = sandbox.run(Conditions(wrap=space.wrap))
    return starts_or_refuses(observation, cause=r"/proc|executable|own path|self")
