"""Places: temporary folders, homes, paths, environments, limits, rights and other users."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from benchmarks.faults.case import case
from benchmarks.faults.needs import UNPRIVILEGED_ID, Need
from benchmarks.faults.sandbox import Life, Program, Setting, Trial, limits, quoted, shell
from benchmarks.faults.verdict import (
    Finding,
    NotRun,
    Outcome,
    Seen,
    degraded,
    good,
    starts_or_refuses,
    stops,
    worst,
    wrong,
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
def tmpdir_unset(trial: Trial) -> Finding:
    """Services and graphical sessions often have none. /tmp is an empty one of its own here."""
    commands, views = _private_tmp(trial)
    with trial.namespace(*commands) as space:
        look = tuple(space.view(path) for path in views)
        return stops(trial.run(Setting(wrap=space.wrap, env={"TMPDIR": None}, look=look)))


def _private_tmp(trial: Trial) -> tuple[list[str], list[Path]]:
    """Commands that give a namespace empty folders in place of /tmp and /var/tmp."""
    places = [Path("/tmp"), Path("/var/tmp")]
    commands = []
    for place in places:
        empty = trial.folder("private-tmp")
        empty.chmod(0o1777)
        if trial.scratch.is_relative_to(place):
            raise NotRun(f"this repository lies below {place}, which the case has to replace")
        commands.append(f"mount --bind {quoted(empty)} {quoted(place)}")
    return commands, places


@case(
    "TMPDIR names a folder that does not exist: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_missing(trial: Trial) -> Finding:
    """A session's folder that was tidied away."""
    return _with_tmp(trial, trial.scratch / "nowhere" / "to be found")


@case(
    "TMPDIR names a file: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_is_a_file(trial: Trial) -> Finding:
    """A mistake in a configuration."""
    path = trial.folder() / "file"
    path.write_text("not a folder\n")
    return _with_tmp(trial, path)


def _with_tmp(trial: Trial, tmp: Path, *mounts: str, cause: str = TEMPORARY) -> Finding:
    commands, views = _private_tmp(trial)
    with trial.namespace(*mounts, *commands) as space:
        look = (*(space.view(path) for path in views), space.view(tmp))
        seen = trial.run(Setting(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(seen, cause=cause)


@case(
    "TMPDIR is on a read-only file system: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_read_only(trial: Trial) -> Finding:
    """A hardened service."""
    tmp = trial.folder("tmp")
    return _with_tmp(trial, tmp, f"mount -t tmpfs -o ro none {quoted(tmp)}")


@case(
    "TMPDIR is mounted noexec: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def tmpdir_noexec(trial: Trial) -> Finding:
    """Common on hardened servers and desktops (CIS benchmark: /tmp with noexec)."""
    tmp = trial.folder("tmp")
    mount = f"mount -t tmpfs -o noexec,nosuid,nodev none {quoted(tmp)}"
    return _with_tmp(trial, tmp, mount, cause=NOEXEC)


@case(
    "TMPDIR, /tmp and /var/tmp are noexec: it starts, or refuses and names the cause.",
    needs=(Need.MOUNTS,),
)
def all_tmp_noexec(trial: Trial) -> Finding:
    """No way out to another temporary folder."""
    tmp = trial.folder("tmp")
    options = "-o noexec,nosuid,nodev"
    mounts = [
        f"mount -t tmpfs {options} none {quoted(place)}"
        for place in (tmp, Path("/tmp"), Path("/var/tmp"))
    ]
    with trial.namespace(*mounts) as space:
        look = tuple(space.view(path) for path in (tmp, Path("/tmp"), Path("/var/tmp")))
        seen = trial.run(Setting(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(seen, cause=NOEXEC)


@case(
    "TMPDIR is full (1 MiB): it starts, or refuses, names the cause and leaves nothing there.",
    needs=(Need.MOUNTS,),
)
def tmpdir_full(trial: Trial) -> Finding:
    """A full disk must not be made fuller for good."""
    tmp = trial.folder("tmp")
    mount = f"mount -t tmpfs -o size={FULL_TMPFS} none {quoted(tmp)}"
    commands, views = _private_tmp(trial)
    with trial.namespace(mount, *commands) as space:
        look = (*(space.view(path) for path in views), space.view(tmp))
        seen = trial.run(Setting(wrap=space.wrap, tmp=tmp, look=look))
    return starts_or_refuses(seen, cause=SPACE)


@case("TMPDIR is on another file system (tmpfs): it starts.", needs=(Need.MOUNTS,))
def tmpdir_other_file_system(trial: Trial) -> Finding:
    """What is unpacked cannot be renamed or linked across."""
    tmp = trial.folder("tmp")
    with trial.namespace(f"mount -t tmpfs -o size=512m none {quoted(tmp)}") as space:
        return stops(trial.run(Setting(wrap=space.wrap, tmp=tmp, look=(space.view(tmp),))))


@case("TMPDIR has spaces, letters beyond ASCII and shell characters in its name: it starts.")
def tmpdir_awkward_name(trial: Trial) -> Finding:
    """A user called Jörg Müller."""
    tmp = trial.folder() / AWKWARD
    tmp.mkdir()
    return stops(trial.run(Setting(tmp=tmp, look=(tmp,))))


@case("TMPDIR has an awkward name and LC_ALL=C: it starts.")
def tmpdir_awkward_name_in_c_locale(trial: Trial) -> Finding:
    """The C locale cannot decode the name."""
    tmp = trial.folder() / AWKWARD
    tmp.mkdir()
    return stops(trial.run(Setting(tmp=tmp, look=(tmp,), env={"LC_ALL": "C", "LANG": None})))


@case("TMPDIR is a relative path: it starts.")
def tmpdir_relative(trial: Trial) -> Finding:
    """Relative to the working folder, which may change."""
    cwd = trial.folder("cwd")
    (cwd / "here").mkdir()
    return stops(trial.run(Setting(cwd=cwd, tmp=Path("here"), look=(cwd / "here",))))


@case("What it unpacks is for its own user only, even with umask 000.")
def unpacked_files_are_private(trial: Trial) -> Finding:
    """Nobody else may put a library into the folder of a running program."""
    open_to_others = []
    with trial.life(Setting(wrap=shell("umask 000"))) as life:
        life.until_ready()
        top = sorted(life.tmp.iterdir())
        for path in [*top, *(inner for folder in top for inner in folder.rglob("*"))]:
            # A folder that others cannot enter protects all that is in it.
            if _reachable_and_writable(path, life.tmp):
                open_to_others.append(path.relative_to(life.tmp).as_posix())
        life.stop()
        seen = life.end()
    if open_to_others:
        return wrong(f"{len(open_to_others)} entries writable by all: {open_to_others[0]}", seen)
    verdict = stops(seen)
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    return good("private to its user" if top else "unpacks nothing", seen)


def _reachable_and_writable(path: Path, top: Path) -> bool:
    for folder in path.parents:
        if folder == top:
            break
        if not folder.stat().st_mode & stat.S_IXOTH:
            return False
    mode = path.lstat().st_mode
    return bool(mode & stat.S_IWOTH) and not stat.S_ISLNK(mode)


@case("The names of its temporary folders cannot be foreseen, or a planted one does no harm.")
def planted_temporary_folder(trial: Trial) -> Finding:
    """In a shared /tmp whoever knows the name can be there first, with a folder or a symlink."""
    names = [_unpacked(trial) for _ in range(2)]
    foreseen = sorted(names[0] & names[1])
    if not foreseen:
        seen = trial.run()
        text = "names differ in every launch" if names[0] else "unpacks nothing"
        return good(text, seen)
    if os.geteuid() != 0:
        raise NotRun("needs root to plant a folder of another user")
    found = {}
    for kind in ("folder", "symlink"):
        tmp = trial.folder("shared-tmp")
        tmp.chmod(0o1777)
        bait = trial.folder("bait")
        bait.chmod(0o777)
        os.chown(bait, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        for name in foreseen:
            path = tmp / name
            if kind == "folder":
                path.mkdir(mode=0o777)
            else:
                path.symlink_to(bait)
            os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID, follow_symlinks=False)
        seen = trial.run(Setting(tmp=tmp))
        used = [*(tmp / name for name in foreseen if kind == "folder"), bait]
        trusted = any(path.is_dir() and any(path.rglob("*")) for path in used)
        if trusted:
            found[kind] = wrong("it unpacks into a place that another user owns", seen)
        else:
            found[kind] = starts_or_refuses(seen, cause=TEMPORARY)
    return worst(found)


def _unpacked(trial: Trial) -> set[str]:
    """Names at the top of TMPDIR and of the cache while it runs."""
    with trial.life() as life:
        life.until_ready()
        names = {path.name for path in life.tmp.iterdir()}
        life.stop()
        life.end()
    return names


# --- the home folder -------------------------------------------------------------------------


@case("HOME is unset: it starts.")
def home_unset(trial: Trial) -> Finding:
    """Services and containers."""
    return stops(trial.run(Setting(env={"HOME": None})))


@case("HOME does not exist: it starts.")
def home_missing(trial: Trial) -> Finding:
    """A system account."""
    return stops(trial.run(Setting(env={"HOME": "/nonexistent"})))


@case("HOME is read-only: it starts, or refuses and names the cause.", needs=(Need.MOUNTS,))
def home_read_only(trial: Trial) -> Finding:
    """A network home with no quota left, or a kiosk."""
    home = trial.folder("home")
    with trial.namespace(f"mount -t tmpfs -o ro none {quoted(home)}") as space:
        seen = trial.run(Setting(wrap=space.wrap, env={"HOME": str(home)}))
    return starts_or_refuses(seen, cause=r"home|cache|read-only")


# --- where the program lies ------------------------------------------------------------------


@case("It lies in a folder with spaces, letters beyond ASCII and shell characters: it starts.")
def path_awkward(trial: Trial) -> Finding:
    """The folder of a user called Jörg Müller."""
    folder = trial.folder() / AWKWARD
    folder.mkdir()
    return stops(trial.run(program=trial.install(folder)))


@case("It lies in such a folder and LC_ALL=C: it starts.")
def path_awkward_in_c_locale(trial: Trial) -> Finding:
    """The C locale cannot decode the path."""
    folder = trial.folder() / AWKWARD
    folder.mkdir()
    setting = Setting(env={"LC_ALL": "C", "LANG": None})
    return stops(trial.run(setting, program=trial.install(folder)))


@case("Its path is longer than 200 characters: it starts.")
def path_long(trial: Trial) -> Finding:
    """Deep application folders."""
    folder = trial.folder()
    while len(str(folder)) < 260:
        folder = folder / "a-folder-with-a-rather-long-name"
    folder.mkdir(parents=True)
    return stops(trial.run(program=trial.install(folder)))


@case("It is started through a symlink from elsewhere: it starts.")
def path_symlink(trial: Trial) -> Finding:
    """/usr/local/bin/sidecar."""
    link = trial.folder() / "link"
    link.symlink_to(trial.hello.artifact)
    return stops(trial.run(Setting(name=str(link))))


@case("It is started by a relative path: it starts.")
def path_relative(trial: Trial) -> Finding:
    """./sidecar."""
    wrap = shell(f"cd {quoted(trial.hello.artifact.parent)}")
    return stops(trial.run(Setting(wrap=wrap, name=f"./{trial.hello.artifact.name}")))


@case("It is found through PATH, by its bare name: it starts.")
def path_search(trial: Trial) -> Finding:
    """argv[0] is then no path at all."""
    wrap = shell(f'PATH={quoted(trial.hello.artifact.parent)}:"$PATH"')
    return stops(trial.run(Setting(wrap=wrap, name=trial.hello.artifact.name)))


@case("argv[0] is something else altogether: it starts.")
def path_false_argv0(trial: Trial) -> Finding:
    """Login shells and some hosts set it as they like."""
    wrap = ("/bin/bash", "-c", 'exec -a "something else" "$@"', "bash")
    if not Path(wrap[0]).exists():
        raise NotRun("/bin/bash is not there")
    return stops(trial.run(Setting(wrap=wrap)))


@case("It lies on a read-only file system: it starts.", needs=(Need.MOUNTS,))
def path_read_only(trial: Trial) -> Finding:
    """/usr, an AppImage, a signed bundle."""
    folder = trial.folder("installed")
    program = trial.install(folder)
    mounts = (
        f"mount --bind {quoted(folder)} {quoted(folder)}",
        f"mount -o remount,ro,bind {quoted(folder)}",
    )
    with trial.namespace(*mounts) as space:
        return stops(trial.run(Setting(wrap=space.wrap), program=program))


@case("Its working folder has been removed: it starts.")
def working_folder_removed(trial: Trial) -> Finding:
    """The folder from which the host was started is gone."""
    folder = trial.folder("gone")
    return stops(trial.run(Setting(wrap=shell(f"cd {quoted(folder)} && rmdir {quoted(folder)}"))))


@case("/proc is not mounted: it starts, or refuses and names the cause.", needs=(Need.MOUNTS,))
def no_proc(trial: Trial) -> Finding:
    """Sandboxes and rescue systems. /proc is hidden under an empty file system."""
    with trial.namespace("mount -t tmpfs -o ro none /proc") as space:
        seen = trial.run(Setting(wrap=space.wrap))
    return starts_or_refuses(seen, cause=r"/proc|executable|own path|self")


# --- the environment -------------------------------------------------------------------------


@case("LC_ALL=C: it starts.")
def locale_c(trial: Trial) -> Finding:
    """No locale is installed, as in most containers."""
    return stops(trial.run(Setting(env={"LC_ALL": "C", "LANG": None})))


@case("LC_ALL names a locale that does not exist: it starts.")
def locale_unknown(trial: Trial) -> Finding:
    """Forwarded by ssh from another machine."""
    return stops(trial.run(Setting(env={"LC_ALL": "xx_YY.UTF-8"})))


@case("PYTHONHOME is nonsense: it starts; a frozen program brings its own Python.")
def pythonhome_nonsense(trial: Trial) -> Finding:
    """Left over from somebody's virtual environment."""
    return stops(trial.run(Setting(env={"PYTHONHOME": "/nonexistent"})))


@case("PYTHONPATH holds modules named like the standard library's: none of them is imported.")
def pythonpath_hostile(trial: Trial) -> Finding:
    """A developer's PYTHONPATH, or an attacker's: every module there says so when imported."""
    hostile = trial.folder("hostile")
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
    seen = trial.run(Setting(env={"PYTHONPATH": str(hostile)}))
    if any("HOSTILE" in line for line in seen.stderr):
        return wrong(f"it executes a module from PYTHONPATH: {seen.last_words}", seen)
    return stops(seen)


@case(
    "PYTHONOPTIMIZE, PYTHONINSPECT, PYTHONDEBUG, PYTHONSTARTUP and others are nonsense: "
    "it starts, and says nothing on stderr."
)
def python_variables_nonsense(trial: Trial) -> Finding:
    """Variables that change an interpreter, not a program."""
    names = (
        *("PYTHONOPTIMIZE", "PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE"),
        *("PYTHONUNBUFFERED", "PYTHONNOUSERSITE", "PYTHONCASEOK", "PYTHONPLATLIBDIR"),
        *("PYTHONWARNINGS", "PYTHONBREAKPOINT", "PYTHONEXECUTABLE", "PYTHONUSERBASE"),
    )
    return _quiet(trial.run(Setting(env=dict.fromkeys(names, "nonsense"))))


def _quiet(seen: Seen) -> Finding:
    verdict = stops(seen)
    if verdict.outcome is Outcome.AS_EXPECTED and seen.last_words:
        return degraded(f"it starts, but says: {seen.last_words}", seen)
    return verdict


@case(
    "PYTHONHASHSEED, PYTHONMALLOC, PYTHONIOENCODING, PYTHONUTF8 are nonsense: it starts; "
    "an interpreter would refuse."
)
def python_variables_fatal(trial: Trial) -> Finding:
    """An interpreter ends with a fatal error at the first of them."""
    found = {}
    for name in ("PYTHONHASHSEED", "PYTHONMALLOC", "PYTHONIOENCODING", "PYTHONUTF8"):
        found[name] = stops(trial.run(Setting(env={name: "nonsense"})))
    return worst(found, good_detail="none of the four disturbs it")


@case("LD_LIBRARY_PATH is nonsense: it starts.")
def ld_library_path_nonsense(trial: Trial) -> Finding:
    """Left over from another program."""
    return stops(trial.run(Setting(env={"LD_LIBRARY_PATH": "/nonexistent:relative:::"})))


@case("LD_LIBRARY_PATH holds broken copies of the libraries it brings: it uses its own.")
def ld_library_path_broken_libraries(trial: Trial) -> Finding:
    """Another application's libraries are in the way: each here is an empty file."""
    hostile = trial.folder("libraries")
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
    seen = trial.run(Setting(env={"LD_LIBRARY_PATH": str(hostile)}))
    return starts_or_refuses(seen, cause=str(hostile.name))


@case("No environment at all: it starts.", needs=(Need.MOUNTS,))
def environment_empty(trial: Trial) -> Finding:
    """Env -i. TMPDIR is unset then, so /tmp is an empty one of its own here."""
    commands, views = _private_tmp(trial)
    with trial.namespace(*commands) as space:
        look = tuple(space.view(path) for path in views)
        wrap = (*space.wrap, shutil.which("env") or "/usr/bin/env", "-i")
        return stops(trial.run(Setting(wrap=wrap, look=look, marked=False)))


@case("The packagers' own variables are set to nonsense: it starts.")
def packager_variables_nonsense(trial: Trial) -> Finding:
    """As inherited from a parent that was frozen too, by this packager or another."""
    names = (
        *("_MEIPASS2", "_PYI_ARCHIVE_FILE", "_PYI_APPLICATION_HOME_DIR"),
        *("_PYI_PARENT_PROCESS_LEVEL", "_PYI_SPLASH_IPC", "_PYI_LINUX_PROCESS_NAME"),
        *("NUITKA_ONEFILE_PARENT", "NUITKA_ONEFILE_BINARY", "NUITKA_ONEFILE_DIRECTORY"),
        *("NUITKA_ORIGINAL_ARGV0", "NUITKA_ORIGINAL_ARGV0_0", "NUITKA_LAUNCH_TOKEN"),
        *("__CXFREEZE_DIR", "LIBPATH"),
    )
    seen = trial.run(Setting(env=dict.fromkeys(names, "/nonexistent/nonsense")))
    return starts_or_refuses(seen, cause=r"_MEI|_PYI|NUITKA|environment")


@case("An environment of 100 KB: it starts.")
def environment_large(trial: Trial) -> Finding:
    """Continuous integration systems and module systems."""
    return stops(trial.run(Setting(env={f"LARGE_{i}": "x" * 1000 for i in range(100)})))


@case("Its arguments arrive as they were given: empty, with spaces, beyond ASCII, --help.")
def arguments_arrive(trial: Trial) -> Finding:
    """The hello sidecar repeats them in its BOOT line, percent-encoded."""
    args = ("a b", "", "ü漢", "%", "--help", "-v", "--version", "-")
    seen = trial.run(Setting(args=args))
    verdict = stops(seen)
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    return _same_arguments(seen, args)


@case("An argument that is not valid UTF-8 arrives as it was given.")
def arguments_not_utf8(trial: Trial) -> Finding:
    """A file name from an old archive."""
    args = (os.fsdecode(b"caf\xe9"),)
    seen = trial.run(Setting(args=args))
    verdict = stops(seen)
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    return _same_arguments(seen, args)


@case("-c among its arguments reaches the program: it is no interpreter.")
def arguments_with_c(trial: Trial) -> Finding:
    """Frozen programs treat it specially, for the sake of multiprocessing."""
    args = ("--config", "a", "-c", "b")
    seen = trial.run(Setting(args=args))
    verdict = stops(seen)
    if verdict.outcome is not Outcome.AS_EXPECTED:
        return verdict
    return _same_arguments(seen, args)


def _same_arguments(seen: Seen, args: Iterable[str]) -> Finding:
    wanted = "args=" + ",".join(_escaped(word) for word in args)
    if wanted in seen.boot.split():
        return good("all arrive unchanged", seen)
    return wrong(f"they arrive changed: {seen.boot}", seen)


def _escaped(text: str) -> str:
    """As the hello sidecar escapes an argument."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b"%," else f"%{byte:02X}"
        for byte in os.fsencode(text)
    )


# --- limits ----------------------------------------------------------------------------------


@case("64 open files at most: it starts.", needs=(Need.LIMITS,))
def limit_open_files(trial: Trial) -> Finding:
    """An old default of some systems."""
    return stops(trial.run(Setting(wrap=limits(nofile=64))))


@case("8 open files at most: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_open_files_tight(trial: Trial) -> Finding:
    """Three are the standard streams; a frozen program opens its archive and its libraries."""
    seen = trial.run(Setting(wrap=limits(nofile=8)))
    return starts_or_refuses(seen, cause=r"open file|too many|EMFILE|descriptor")


@case("512 MiB of address space: it starts.", needs=(Need.LIMITS,))
def limit_address_space(trial: Trial) -> Finding:
    """A service with a memory limit."""
    return stops(trial.run(Setting(wrap=limits(**{"as": 512 * MEGABYTE}))))


@case("12 MiB of address space: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_address_space_tight(trial: Trial) -> Finding:
    """Too little for an interpreter."""
    seen = trial.run(Setting(wrap=limits(**{"as": 12 * MEGABYTE})))
    return starts_or_refuses(seen, cause=r"memory|allocate|map segment")


@case(
    "Files of at most 1 MiB: it starts, or refuses, names the cause and leaves nothing.",
    needs=(Need.LIMITS,),
)
def limit_file_size(trial: Trial) -> Finding:
    """What unpacks larger files gets SIGXFSZ."""
    seen = trial.run(Setting(wrap=limits(fsize=MEGABYTE, core=0)))
    return starts_or_refuses(seen, cause=SPACE + "|too large|file size")


@case("256 KiB of stack: it starts, or refuses and names the cause.", needs=(Need.LIMITS,))
def limit_stack(trial: Trial) -> Finding:
    """Some hosts start their children with little stack."""
    seen = trial.run(Setting(wrap=limits(stack=256 * 1024, core=0)))
    return starts_or_refuses(seen, cause=r"stack|memory")


@case("umask 077: it starts.")
def umask_077(trial: Trial) -> Finding:
    """Private by default."""
    return stops(trial.run(Setting(wrap=shell("umask 077"))))


# --- other users -----------------------------------------------------------------------------


@case("An unprivileged user runs it, installed by root: it starts.", needs=(Need.UNPRIVILEGED,))
def unprivileged_user(trial: Trial) -> Finding:
    """The usual way of a system-wide installation."""
    return stops(_as_nobody(trial, ()))


def _as_nobody(trial: Trial, wrap: tuple[str, ...]) -> Seen:
    public = trial.public_folder()
    program = trial.install(public)
    tmp, home = public / "tmp", public / "home"
    for path in (tmp, home):
        path.mkdir(mode=0o700)
        os.chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    drop = (
        shutil.which("setpriv") or "setpriv",
        *(f"--reuid={UNPRIVILEGED_ID}", f"--regid={UNPRIVILEGED_ID}", "--clear-groups", "--"),
    )
    setting = Setting(
        wrap=(*drop, *wrap), env={"HOME": str(home)}, cwd=public, tmp=tmp, look=(tmp,)
    )
    return trial.run(setting, program=program)


@case("No new privileges and no capabilities: it starts.", needs=(Need.UNPRIVILEGED,))
def no_new_privileges(trial: Trial) -> Finding:
    """Systemd's NoNewPrivileges, and what most sandboxes set."""
    drop = (shutil.which("setpriv") or "setpriv", "--no-new-privs", "--bounding-set=-all", "--")
    return stops(trial.run(Setting(wrap=drop)))


@case("Two users run it at the same time with one TMPDIR: both start.", needs=(Need.UNPRIVILEGED,))
def two_users_one_tmpdir(trial: Trial) -> Finding:
    """What one user's launch leaves or holds must not lock the other out."""
    public = trial.public_folder()
    program = trial.install(public)
    tmp, home = public / "tmp", public / "home"
    tmp.mkdir()
    tmp.chmod(0o1777)
    home.mkdir(mode=0o700)
    os.chown(home, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    drop = (
        shutil.which("setpriv") or "setpriv",
        *(f"--reuid={UNPRIVILEGED_ID}", f"--regid={UNPRIVILEGED_ID}", "--clear-groups", "--"),
    )
    with trial.life(Setting(tmp=tmp), program) as mine:
        mine.until_ready()
        setting = Setting(tmp=tmp, cwd=public, wrap=drop, env={"HOME": str(home)})
        seen = _beside(trial, setting, program)
        mine.stop()
        own = mine.end()
    return worst(
        {"the first user": stops(own), "the second user": stops(seen)},
        good_detail="both start and stop",
    )


def _beside(trial: Trial, setting: Setting, program: Program) -> Seen:
    with trial.life(setting, program) as life:
        _finish(life)
        return life.end()


def _finish(life: Life) -> None:
    if life.until_ready():
        life.stop()
