"""Places: temporary folders, homes, paths, environments, limits, rights and other users."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import UNPRIVILEGED_ID, Need
from benchmarks.faults.sandbox import Conditions, Program, Sandbox, Session, limits, quoted, shell
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    degraded,
    failed,
    passed,
    starts_or_refuses,
    stops,
    worst,
)

AWKWARD = "Grüße an 漢字 & $(co)"
"""A folder name with spaces, letters beyond ASCII and characters that shells care about."""

TEMPORARY = r"temp|tmp|extract|unpack|_MEI|onefile_"
"""A message names the temporary folder."""

NOEXEC = r"noexec|_MEI|onefile_"
"""A message names the mount option, or at least the folder that must not hold programs."""

SPACE = r"no space|disk|full|write|extract|unpack|ENOSPC"
"""A message names the lack of space."""

MEGABYTE = 1024 * 1024

FULL_TMPFS = "1m"
"""Size of the full file system: less than any of the artifacts unpacks to."""


# --- the temporary folder --------------------------------------------------------------------


@case("TMPDIR is unset: it starts, and leaves nothing in /tmp.", needs=(Need.MOUNTS,))
def tmpdir_unset(sandbox: Sandbox) -> CaseResult:
    """Services and graphical sessions often have none. /tmp is an empty one of its own here."""
    commands, views = _private_tmp(sandbox)
    with sandbox.namespace(*commands) as space:
        look = tuple(space.view(path) for path in views)
        return stops(sandbox.run(Conditions(wrap=space.wrap, env={"TMPDIR": None}, look=look)))


def _private_tmp(sandbox: Sandbox) -> tuple[list[str], list[Path]]:
    """Commands that give a namespace empty folders in place of /tmp and /var/tmp."""
    places = [Path("/tmp"), Path("/var/tmp")]
    commands = []
    for place in places:
        empty = sandbox.folder("private-tmp")
        empty.chmod(0o1777)
        if sandbox.scratch.is_relative_to(place):
            raise NotRun(f"this repository lies below {place}, which the case has to replace")
        commands.append(f"mount --bind {quoted(empty)} {quoted(place)}")
    return commands, places


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
    commands, views = _private_tmp(sandbox)
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
    commands, views = _private_tmp(sandbox)
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


@case("TMPDIR has an awkward name and LC_ALL=C: it starts.")
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


@case("What it unpacks is for its own user only, even with umask 000.")
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


@case("The names of its temporary folders cannot be foreseen, or a planted one does no harm.")
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


# --- the home folder -------------------------------------------------------------------------


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


# --- where the program lies ------------------------------------------------------------------


@case("It lies in a folder with spaces, letters beyond ASCII and shell characters: it starts.")
def path_awkward(sandbox: Sandbox) -> CaseResult:
    """The folder of a user called Jörg Müller."""
    folder = sandbox.folder() / AWKWARD
    folder.mkdir()
    return stops(sandbox.run(program=sandbox.install(folder)))


@case("It lies in such a folder and LC_ALL=C: it starts.")
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


@case("It is started through a symlink from elsewhere: it starts.")
def path_symlink(sandbox: Sandbox) -> CaseResult:
    """/usr/local/bin/sidecar."""
    link = sandbox.folder() / "link"
    link.symlink_to(sandbox.hello.artifact)
    return stops(sandbox.run(Conditions(name=str(link))))


@case("It is started by a relative path: it starts.")
def path_relative(sandbox: Sandbox) -> CaseResult:
    """./sidecar."""
    wrap = shell(f"cd {quoted(sandbox.hello.artifact.parent)}")
    return stops(sandbox.run(Conditions(wrap=wrap, name=f"./{sandbox.hello.artifact.name}")))


@case("It is found through PATH, by its bare name: it starts.")
def path_search(sandbox: Sandbox) -> CaseResult:
    """argv[0] is then no path at all."""
    wrap = shell(f'PATH={quoted(sandbox.hello.artifact.parent)}:"$PATH"')
    return stops(sandbox.run(Conditions(wrap=wrap, name=sandbox.hello.artifact.name)))


@case("argv[0] is something else altogether: it starts.")
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


@case("Its working folder has been removed: it starts.")
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


# --- the environment -------------------------------------------------------------------------


@case("LC_ALL=C: it starts.")
def locale_c(sandbox: Sandbox) -> CaseResult:
    """No locale is installed, as in most containers."""
    return stops(sandbox.run(Conditions(env={"LC_ALL": "C", "LANG": None})))


@case("LC_ALL names a locale that does not exist: it starts.")
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


@case("LD_LIBRARY_PATH is nonsense: it starts.")
def ld_library_path_nonsense(sandbox: Sandbox) -> CaseResult:
    """Left over from another program."""
    return stops(sandbox.run(Conditions(env={"LD_LIBRARY_PATH": "/nonexistent:relative:::"})))


@case("LD_LIBRARY_PATH holds broken copies of the libraries it brings: it uses its own.")
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
    commands, views = _private_tmp(sandbox)
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


@case("Its arguments arrive as they were given: empty, with spaces, beyond ASCII, --help.")
def arguments_arrive(sandbox: Sandbox) -> CaseResult:
    """The hello sidecar repeats them in its BOOT line, percent-encoded."""
    args = ("a b", "", "ü漢", "%", "--help", "-v", "--version", "-")
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


@case("An argument that is not valid UTF-8 arrives as it was given.")
def arguments_not_utf8(sandbox: Sandbox) -> CaseResult:
    """A file name from an old archive."""
    args = (os.fsdecode(b"caf\xe9"),)
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


@case("-c among its arguments reaches the program: it is no interpreter.")
def arguments_with_c(sandbox: Sandbox) -> CaseResult:
    """Frozen programs treat it specially, for the sake of multiprocessing."""
    args = ("--config", "a", "-c", "b")
    observation = sandbox.run(Conditions(args=args))
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    return _same_arguments(observation, args)


def _same_arguments(observation: Observation, args: Iterable[str]) -> CaseResult:
    wanted = "args=" + ",".join(_escaped(word) for word in args)
    if wanted in observation.boot.split():
        return passed("all arrive unchanged", observation)
    return failed(f"they arrive changed: {observation.boot}", observation)


def _escaped(text: str) -> str:
    """As the hello sidecar escapes an argument."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%," else f"%{byte:02X}"
        for byte in os.fsencode(text)
    )


# --- limits ----------------------------------------------------------------------------------


@case("64 open files at most: it starts.", needs=(Need.LIMITS,))
def limit_open_files(sandbox: Sandbox) -> CaseResult:
    """An old default of some systems."""
    return stops(sandbox.run(Conditions(wrap=limits(nofile=64))))


@case("8 open files at most: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_open_files_tight(sandbox: Sandbox) -> CaseResult:
    """Three are the standard streams; a frozen program opens its archive and its libraries."""
    observation = sandbox.run(Conditions(wrap=limits(nofile=8)))
    return starts_or_refuses(observation, cause=r"open file|too many|EMFILE|descriptor")


@case("512 MiB of address space: it starts.", needs=(Need.LIMITS,))
def limit_address_space(sandbox: Sandbox) -> CaseResult:
    """A service with a memory limit."""
    return stops(sandbox.run(Conditions(wrap=limits(**{"as": 512 * MEGABYTE}))))


@case("12 MiB of address space: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_address_space_tight(sandbox: Sandbox) -> CaseResult:
    """Too little for an interpreter."""
    observation = sandbox.run(Conditions(wrap=limits(**{"as": 12 * MEGABYTE})))
    return starts_or_refuses(observation, cause=r"memory|allocate|map segment")


@case(
    "Files of at most 1 MiB: it starts, or refuses, names the cause and leaves nothing.",
    needs=(Need.LIMITS,),
)
def limit_file_size(sandbox: Sandbox) -> CaseResult:
    """What unpacks larger files gets SIGXFSZ."""
    observation = sandbox.run(Conditions(wrap=limits(fsize=MEGABYTE, core=0)))
    return starts_or_refuses(observation, cause=SPACE + "|too large|file size")


@case("256 KiB of stack: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_stack(sandbox: Sandbox) -> CaseResult:
    """Some hosts start their children with little stack."""
    observation = sandbox.run(Conditions(wrap=limits(stack=256 * 1024, core=0)))
    return starts_or_refuses(observation, cause=r"stack|memory")


@case("umask 077: it starts.")
def umask_077(sandbox: Sandbox) -> CaseResult:
    """Private by default."""
    return stops(sandbox.run(Conditions(wrap=shell("umask 077"))))


# --- other users -----------------------------------------------------------------------------


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
