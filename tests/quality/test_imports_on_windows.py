"""Every module can be imported on Windows: no name that only POSIX has is asked for at import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT

PROGRAMS = (
    "spike/packagers/staged",  # a plugin of Nuitka's, and a part of what ships
    "spike/completeness/watched",  # runs in the plain script
    "spike/faststart/staged",  # a part of what ships
    "spike/faststart/tools",  # runs in the plain script
    "spike/host/faulty",  # sidecars: programs of their own
    "spike/scaffold/template",
    "benchmarks/faults/probe",
)
"""What is no module of ours."""

AS_ON_WINDOWS = """
import importlib, os, signal, sys

folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
for name in names:
    importlib.import_module(name)  # brings the standard library and the tools in, whole
ours = {name.partition(".")[0] for name in names}
for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
    del sys.modules[name]

POSIX_MODULES = {
    "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty",
}


class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name in POSIX_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


for name in POSIX_MODULES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Refusal())

SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
OF_SIGNAL = {
    "Handlers", "Signals", "default_int_handler", "getsignal", "raise_signal", "set_wakeup_fd",
    "signal", "strsignal", "valid_signals", "NSIG",
}
for name in list(vars(signal)):
    if not name.startswith("_") and name not in SIGNALS | OF_SIGNAL:
        delattr(signal, name)

# Names of os.py in CPython 3.11 whose documentation has "Availability: Unix" and no Windows.
POSIX = set(
    "chown chroot confstr confstr_names copy_file_range ctermid environb eventfd fchdir fchmod "
    "fchown fdatasync fork forkpty fpathconf fstatvfs getegid getenvb geteuid getgid getgrouplist "
    "getgroups getloadavg getpgid getpgrp getpriority getrandom getresgid getresuid getsid getuid "
    "getxattr initgroups killpg lchown listxattr lockf login_tty major makedev memfd_create minor "
    "mkfifo mknod nice openpty pathconf pathconf_names pidfd_open pipe2 posix_fadvise "
    "posix_fallocate posix_openpt posix_spawn posix_spawnp pread preadv pwrite pwritev readv "
    "register_at_fork removexattr sched_getaffinity sched_getscheduler sched_setaffinity "
    "sched_yield sendfile set_blocking get_blocking setegid seteuid setgid setgroups setns "
    "setpgid setpriority setregid setresgid setresuid setreuid setsid setuid setxattr splice "
    "statvfs sync sysconf sysconf_names tcgetpgrp tcsetpgrp ttyname umask uname unshare wait wait3 "
    "wait4 waitid writev EX_OK NGROUPS_MAX O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC "
    "WNOHANG WUNTRACED WCONTINUED".split()
) - {"umask"}
BEGINNINGS = ("POSIX_", "PRIO_", "SCHED_", "CLD_", "EFD_", "F_", "GRND_", "MFD_", "P_ALL", "P_PGID",
    "P_PID", "RTLD_", "RWF_", "SPLICE_", "ST_", "WIF", "WEXIT", "WSTOP", "WTERM", "WCORE", "XATTR_")
for name in list(vars(os)):
    if name in POSIX or name.startswith(BEGINNINGS):
        delattr(os, name)
# os.name stays: pathlib has chosen its paths by it. What asks sys.platform goes the Windows way.
sys.platform = "win32"

bad = []
for name in names:
    try:
        importlib.import_module(name)
    except BaseException as error:
        bad.append(f"{name}: {type(error).__name__}: {error}")
sys.stdout.write("\\n".join(bad))
"""


def module_names() -> list[str]:
    """Every module of ours, as it is imported."""
    found = [path.stem for path in ROOT.glob("*.py")]
    for package in ("spike", "benchmarks", "decision", "commands"):
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if path.stem == "__main__" or relative.as_posix().startswith(PROGRAMS):
                continue
            parts = relative.with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def refused(folder: Path, names: list[str]) -> list[str]:
    """What of these cannot be imported where only the names of Windows are there."""
    done = subprocess.run(
        [sys.executable, "-c", AS_ON_WINDOWS, str(folder), *names],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="there every test imports them as they are")
def test_every_module_can_be_imported_on_windows() -> None:
    """In one go, as a command does it."""
    names = module_names()
    assert {"tasks", "noxfile", "bootstrap", "spike.launch.running", "benchmarks.complexity"} <= {
        *names
    }
    assert refused(ROOT, names) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the names are there or not")
@pytest.mark.parametrize(
    "line",
    [
        "import signal\nSTOP = (signal.SIGTERM, signal.SIGHUP)",
        "import signal\ndef f(number=signal.SIGKILL):\n    pass",
        "import fcntl",
        "import os\nONLY = os.WNOHANG",
        "import os\nROOT = os.geteuid() == 0",
        "import os\nFLAGS = os.O_RDONLY | os.O_DIRECTORY",
        "import sys\nif sys.platform == 'win32':\n    import not_on_linux_either",
    ],
)
def test_a_name_of_posix_would_be_found(tmp_path: Path, line: str) -> None:
    """The check above is able to fail."""
    (tmp_path / "asking.py").write_text(f"{line}\n", encoding="utf-8")
    (tmp_path / "harmless.py").write_text("import os, signal\nsignal.SIGTERM\n", encoding="utf-8")
    found = refused(tmp_path, ["harmless", "asking"])
    assert [text.partition(":")[0] for text in found] == ["asking"]


def test_a_temporary_folder_is_named_as_the_platform_reads_it() -> None:
    """TMPDIR alone is nothing to Windows: ``spike.launch.spec.TEMPORARY`` has the names."""
    sources = [path for name in ("spike", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    alone = {path.name for path in sources if '"TMPDIR":' in path.read_text(encoding="utf-8")}
    assert alone == {"application.py", "root.py", "temporary_folder.py"}  # of Linux alone
