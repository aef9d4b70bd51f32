"""The temporary folder: missing, full, read-only, noexec, shared, with an awkward name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.cases.places.paths import AWKWARD
from benchmarks.faults.conditions import Conditions, quoted, shell
from benchmarks.faults.needs import UNPRIVILEGED_ID, Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Status,
    failed,
    passed,
    starts_or_refuses,
    stops,
    worst,
)

TEMPORARY = r"temp|tmp|extract|unpack|_MEI|onefile_"
"""A message names the temporary folder."""

NOEXEC = r"noexec|_MEI|onefile_"
"""A message names the mount option, or at least the folder that must not hold programs."""

SPACE = r"no space|disk|full|write|extract|unpack|ENOSPC"
"""A message names the lack of space."""

FULL_TMPFS = "1m"
"""Size of the full file system: less than any of the artifacts unpacks to."""


@case("TMPDIR is unset: it starts, and leaves nothing in /tmp.", needs=(Need.MOUNTS,))
def tmpdir_unset(sandbox: Sandbox) -> CaseResult:
    """Services and graphical sessions often have none. /tmp is an empty one of its own here."""
    commands, views = sandbox.private_tmp()
    with sandbox.namespace(*commands) as space:
        look = tuple(space.view(path) for path in views)
        return stops(sandbox.run(Conditions(wrap=space.wrap, env={"TMPDIR": None}, look=look)))


@case(
    "TMPDIR names a folder that does not exist: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_missing(sandbox: Sandbox) -> CaseResult:
    """A session's folder that was tidied away."""
    return _with_tmp(sandbox, sandbox.scratch / "nowhere" / "to be found")


@case(
    "TMPDIR names a file: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_is_a_file(sandbox: Sandbox) -> CaseResult:
    """A mistake in a configuration."""
    path = sandbox.folder() / "file"
    path.write_text("not a folder\n")
    return _with_tmp(sandbox, path)


def _with_tmp(sandbox: Sandbox, tmp: Path, *mounts: str, cause: str = TEMPORARY) -> CaseResult:
    commands, views = sandbox.private_tmp()
    with sandbox.namespace(*mounts, *commands) as space:
        look = (*(space.view(path) for path in views), space.view(tmp))
        observation = sandbox.run(Conditions(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(observation, cause=cause)


@case(
    "TMPDIR is on a read-only file system: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_read_only(sandbox: Sandbox) -> CaseResult:
    """A hardened service."""
    tmp = sandbox.folder("tmp")
    return _with_tmp(sandbox, tmp, f"mount -t tmpfs -o ro none {quoted(tmp)}")


@case(
    "TMPDIR is mounted noexec: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_noexec(sandbox: Sandbox) -> CaseResult:
    """Common on hardened servers and desktops (CIS benchmark: /tmp with noexec)."""
    tmp = sandbox.folder("tmp")
    mount = f"mount -t tmpfs -o noexec,nosuid,nodev none {quoted(tmp)}"
    return _with_tmp(sandbox, tmp, mount, cause=NOEXEC)


@case(
    "TMPDIR, /tmp and /var/tmp are noexec: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def all_tmp_noexec(sandbox: Sandbox) -> CaseResult:
    """No way out to another temporary folder."""
    tmp = sandbox.folder("tmp")
    options = "-o noexec,nosuid,nodev"
    mounts = [
        f"mount -t tmpfs {options} none {quoted(place)}"
        for place in (tmp, Path("/tmp"), Path("/var/tmp"))
    ]
    with sandbox.namespace(*mounts) as space:
        look = tuple(space.view(path) for path in (tmp, Path("/tmp"), Path("/var/tmp")))
        observation = sandbox.run(Conditions(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(observation, cause=NOEXEC)


@case(
    "TMPDIR is full (1 MiB): it starts, or refuses, names the cause and leaves nothing there.",
    needs=(Need.MOUNTS,),
)
def tmpdir_full(sandbox: Sandbox) -> CaseResult:
    """A full disk must not be made fuller for good."""
    tmp = sandbox.folder("tmp")
    mount = f"mount -t tmpfs -o size={FULL_TMPFS} none {quoted(tmp)}"
    commands, views = sandbox.private_tmp()
    with sandbox.namespace(mount, *commands) as space:
        look = (*(space.view(path) for path in views), space.view(tmp))
        observation = sandbox.run(Conditions(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(observation, cause=SPACE)


@case("TMPDIR is on another file system (tmpfs): it starts.", needs=(Need.MOUNTS,))
def tmpdir_other_file_system(sandbox: Sandbox) -> CaseResult:
    """What is unpacked cannot be renamed or linked across."""
    tmp = sandbox.folder("tmp")
    with sandbox.namespace(f"mount -t tmpfs -o size=512m none {quoted(tmp)}") as space:
        return stops(sandbox.run(Conditions(wrap=space.wrap, tmp=tmp, look=(space.view(tmp),))))


@case("TMPDIR has spaces, letters beyond ASCII and shell characters in its name: it starts.")
def tmpdir_awkward_name(sandbox: Sandbox) -> CaseResult:
    """A user called Jörg Müller."""
    tmp = sandbox.folder() / AWKWARD
    tmp.mkdir()
    return stops(sandbox.run(Conditions(tmp=tmp, look=(tmp,))))


@case("TMPDIR has an awkward name and LC_ALL=C: it starts.", needs=(Need.LOCALES,))
def tmpdir_awkward_name_in_c_locale(sandbox: Sandbox) -> CaseResult:
    """The C locale cannot decode the name."""
    tmp = sandbox.folder() / AWKWARD
    tmp.mkdir()
    return stops(sandbox.run(Conditions(tmp=tmp, look=(tmp,), env={"LC_ALL": "C", "LANG": None})))


@case("TMPDIR is a relative path: it starts.")
def tmpdir_relative(sandbox: Sandbox) -> CaseResult:
    """Relative to the working folder, which may change."""
    cwd = sandbox.folder("cwd")
    (cwd / "here").mkdir()
    return stops(sandbox.run(Conditions(cwd=cwd, tmp=Path("here"), look=(cwd / "here",))))


@case("What it unpacks is for its own user only, even with umask 000.", needs=(Need.RIGHTS,))
def unpacked_files_are_private(sandbox: Sandbox) -> CaseResult:
    """Nobody else may put a library into the folder of a running program."""
    open_to_others = []
    with sandbox.session(Conditions(wrap=shell("umask 000"))) as session:
        session.until_ready()
        top = sorted(session.tmp.iterdir())
        for path in [*top, *(inner for folder in top for inner in folder.rglob("*"))]:
            # A folder that others cannot enter protects all that is in it.
            if _reachable_and_writable(path, session.tmp):
                open_to_others.append(path.relative_to(session.tmp).as_posix())
        session.stop()
        observation = session.end()
    if open_to_others:
        return failed(
            f"{len(open_to_others)} entries writable by all: {open_to_others[0]}", observation
        )
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return passed("private to its user" if top else "unpacks nothing", observation)


def _reachable_and_writable(path: Path, top: Path) -> bool:
    for folder in path.parents:
        if folder == top:
            break
        if not folder.stat().st_mode & stat.S_IXOTH:
            return False
    mode = path.lstat().st_mode
    return bool(mode & stat.S_IWOTH) and not stat.S_ISLNK(mode)


@case(
    "The names of its temporary folders cannot be foreseen, or a planted one does no harm.",
    needs=(Need.RIGHTS,),
)
def planted_temporary_folder(sandbox: Sandbox) -> CaseResult:
    """In a shared /tmp whoever knows the name can be there first, with a folder or a symlink."""
    names = [_unpacked(sandbox) for _ in range(2)]
    foreseen = sorted(names[0] & names[1])
    if not foreseen:
        observation = sandbox.run()
        text = "names differ in every launch" if names[0] else "unpacks nothing"
        return passed(text, observation)
    if os.geteuid() != 0:
        raise NotRun("needs root to plant a folder of another user")
    by_kind = {}
    for kind in ("folder", "symlink"):
        tmp = sandbox.folder("shared-tmp")
        tmp.chmod(0o1777)
        bait = sandbox.folder("bait")
        bait.chmod(0o777)
        os.chown(bait, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        for name in foreseen:
            path = tmp / name
            if kind == "folder":
                path.mkdir(mode=0o777)
            else:
                path.symlink_to(bait)
            os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID, follow_symlinks=False)
        observation = sandbox.run(Conditions(tmp=tmp))
        used = [*(tmp / name for name in foreseen if kind == "folder"), bait]
        trusted = any(path.is_dir() and any(path.rglob("*")) for path in used)
        if trusted:
            by_kind[kind] = failed("it unpacks into a place that another user owns", observation)
        else:
            by_kind[kind] = starts_or_refuses(observation, cause=TEMPORARY)
    return worst(by_kind)


def _unpacked(sandbox: Sandbox) -> set[str]:
    """Names at the top of TMPDIR and of the cache while it runs."""
    with sandbox.session() as session:
        session.until_ready()
        names = {path.name for path in session.tmp.iterdir()}
        session.stop()
        session.end()
    return names
