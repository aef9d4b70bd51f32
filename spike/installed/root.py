"""A root of its own: the system's folders below, what changes above, and all of it gone at the end.

The folders of the system are lower layers of overlays, whose upper layers lie in a tmpfs of this
mount namespace; homes, temporary files and devices are new. So a package is installed beside all
that this system has, and nothing of this system is written to. When the process that is the first
of its process namespace ends, every process in it ends, and the mounts go with the last of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

from spike.core import process
from spike.core.errors import MissingToolError, SpikeError

SYSTEM = ("usr", "etc", "var", "opt", "srv", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""What of ``/`` is seen inside. Links among them are links inside, too."""

AREAS = ("home", "root", "tmp", "run", "mnt", "media", "var/tmp", "dev/shm")
"""Folders that are new and empty inside."""

OPEN_AREAS = ("tmp", "var/tmp", "dev/shm")
"""Those in which everybody may write."""

DATABASES = ("var/lib/dpkg", "var/lib/rpm", "usr/lib/sysimage/rpm")
"""What the package managers know of the system."""

USER_ID = 61234
USER = "tester"
HOME = f"home/{USER}"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

FUSE_MOUNT_S = 10.0

UNSHARE_WHY = (
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)
"""Switches that forbid user namespaces: file, value that forbids, and the command that allows."""


def privileged() -> bool:
    """Whether this process is root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def command(*, as_root: bool, network: bool) -> list[str]:
    """The words in front of a command that runs in namespaces of its own."""
    words = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    if not network:
        words.append("--net")
    return words if as_root else [*words, "--user", "--map-root-user"]


def check(*, as_root: bool, network: bool) -> None:
    """Make sure that such a root can be made here.

    Raises:
        MissingToolError: A tool is not installed, or namespaces are forbidden; the message has the
            command.
    """
    if sys.platform != "linux":
        raise MissingToolError(
            "Packages are installed on Linux only: the root of their own is made of namespaces.",
            try_next="run it in a job on Linux, where the .deb or .rpm is built as well",
        )
    needed = {"unshare": "util-linux", "mount": "util-linux", "chroot": "coreutils", "Xvfb": "xvfb"}
    if not as_root:
        needed["fuse-overlayfs"] = "fuse-overlayfs"
    lacking = {name: apt for name, apt in needed.items() if not shutil.which(name, path=tools())}
    if lacking:
        raise MissingToolError(
            f"Not installed: {', '.join(lacking)}.",
            why="The root of its own and its display are made with them.",
            try_next=f"(as root) apt-get install -y {' '.join(dict.fromkeys(lacking.values()))}",
        )
    if not as_root and not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise MissingToolError(
            "/dev/fuse cannot be opened by this user, which fuse-overlayfs needs.",
            try_next="sudo chmod 666 /dev/fuse, or run the command as root",
        )
    done = process.capture([*command(as_root=as_root, network=network), "true"])
    if not done.ok:
        raise MissingToolError(
            "Namespaces of its own are not allowed here.",
            why=done.errors.strip() + ".",
            try_next=remedy(as_root=as_root),
        )


def remedy(*, as_root: bool) -> str:
    """The command that allows namespaces here."""
    if as_root:
        return "in a container: docker run --privileged, or podman run --privileged"
    for file, forbids, allow in UNSHARE_WHY:
        with contextlib.suppress(OSError):
            if Path(file).read_text().strip() == forbids:
                return f"sudo {allow}, or run the command as root"
    return "run the command as root"


def tools() -> str:
    """PATH with the folders in which a user's own often lacks what root has."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def chroot() -> str:
    """Path of the tool; the PATH of a user inside may lack its folder."""
    return shutil.which("chroot", path=tools()) or "chroot"


class Root:
    """The root, built in the namespaces of this process.

    Attributes:
        base: Folder with the tmpfs.
        path: The root.
        helpers: Process ids of what keeps it up.
    """

    def __init__(self, base: Path, *, as_root: bool) -> None:
        self.base = base
        self.path = base / "root"
        self.as_root = as_root
        self.helpers: set[int] = set()
        self._overlays: list[str] = []

    @property
    def kind(self) -> str:
        """How it is made, for the report."""
        if self.as_root:
            return "overlayfs as root"
        return "fuse-overlayfs in a user namespace"

    def build(self, packages: Path, *, network: bool) -> None:
        """Make it.

        Args:
            packages: Folder that is seen inside as ``/packages``, read-only.
            network: Whether names are resolved as on this machine.

        Raises:
            SpikeError: Something cannot be mounted.
        """
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", self.base)
        self.path.mkdir()
        for name in SYSTEM:
            self._system(name)
        for name in AREAS:
            area = self.base / "areas" / name
            area.mkdir(parents=True)
            area.chmod(0o1777 if name in OPEN_AREAS else 0o755)
        for name in ("proc", "sys", "dev", *AREAS):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        mount("-t", "proc", "proc", self.path / "proc")
        mount("--rbind", "/sys", self.path / "sys")
        self._devices()
        for name in AREAS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
            mount("--bind", self.base / "areas" / name, self.path / name)
        (self.path / "packages").mkdir()
        mount("--bind", "-o", "ro", packages, self.path / "packages")
        if network:
            self._resolver()
        self._user()

    def _system(self, name: str) -> None:
        lower = Path("/") / name
        if lower.is_symlink():
            (self.path / name).symlink_to(lower.readlink())
        elif lower.is_dir():
            for layer in ("upper", "work"):
                (self.base / layer / name).mkdir(parents=True)
            (self.path / name).mkdir()
            if not self.as_root:
                self._locks(name)
            self._overlay(name, lower)
            self._overlays.append(name)

    def _locks(self, name: str) -> None:
        """Put files in place of a package manager's locks, which a user cannot read below."""
        for base in DATABASES:
            if not base.startswith(f"{name}/"):
                continue
            for parent, _, files in os.walk(f"/{base}"):
                for file in (Path(parent, each) for each in files):
                    if not os.access(file, os.R_OK):
                        own = self.base / "upper" / file.relative_to("/")
                        own.parent.mkdir(parents=True, exist_ok=True)
                        own.touch(mode=0o640)

    def _overlay(self, name: str, lower: Path) -> None:
        layers = ",".join(
            (
                f"lowerdir={lower}",
                f"upperdir={self.base / 'upper' / name}",
                f"workdir={self.base / 'work' / name}",
            )
        )
        target = self.path / name
        if self.as_root:
            mount("-t", "overlay", "overlay", "-o", layers, target)
            return
        # The kernel's own changes no file whose owner is unknown in the user namespace.
        words = ["fuse-overlayfs", "-f", "-o", f"{layers},squash_to_root", str(target)]
        import subprocess

        helper = process.spawn(
            words,
            env={**os.environ, "PATH": tools()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.helpers.add(helper.pid)
        deadline = time.monotonic() + FUSE_MOUNT_S
        while not os.path.ismount(target):
            if helper.poll() is not None or time.monotonic() > deadline:
                process.kill_group(helper.pid)
                errors = helper.stderr.read().decode("utf-8", "replace") if helper.stderr else ""
                raise SpikeError(
                    f"fuse-overlayfs cannot mount /{name}.",
                    why=errors.strip()[-500:],
                    try_next="run the command as root",
                )
            time.sleep(0.02)

    def _devices(self) -> None:
        folder = self.path / "dev"
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
        for name in DEVICES:
            if Path("/dev", name).exists():
                (folder / name).touch()
                mount("--bind", f"/dev/{name}", folder / name)
        (folder / "pts").mkdir()
        mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", folder / "pts")
        (folder / "ptmx").symlink_to("pts/ptmx")
        for name, target in (
            ("fd", "fd"),
            ("stdin", "fd/0"),
            ("stdout", "fd/1"),
            ("stderr", "fd/2"),
        ):
            (folder / name).symlink_to(f"/proc/self/{target}")

    def _resolver(self) -> None:
        """On many systems resolv.conf is a link into /run, which is new inside."""
        with contextlib.suppress(OSError):
            text = Path("/etc/resolv.conf").read_text()
            inside = self.path / "etc" / "resolv.conf"
            inside.unlink(missing_ok=True)
            inside.write_text(text)

    def _user(self) -> None:
        """A user without rights, where somebody may become one; else the one that there is."""
        home = self.path / HOME
        session = self.path / self.session
        for folder in (home, session):
            folder.mkdir(parents=True)
            folder.chmod(0o700)
        if not self.as_root:
            return
        for name, line in (
            ("passwd", f"{USER}:x:{USER_ID}:{USER_ID}::/{HOME}:/bin/sh\n"),
            ("group", f"{USER}:x:{USER_ID}:\n"),
        ):
            with (self.path / "etc" / name).open("a") as stream:
                stream.write(line)
        for folder in (home, session):
            os.chown(folder, USER_ID, USER_ID)

    @property
    def session(self) -> str:
        """The folder of the user's session, without the first ``/``."""
        return f"run/user/{USER_ID if self.as_root else 0}"

    def inside(self, path: str) -> str:
        """A path as it is called inside the root."""
        return path.removeprefix(str(self.path)).removesuffix(" (deleted)") or "/"

    def as_manager(self, *words: str, timeout_s: float = 300.0) -> process.Completed:
        """Run a command of the administrator's inside."""
        return process.capture(
            [chroot(), str(self.path), *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
            | {"DEBIAN_FRONTEND": "noninteractive", "TMPDIR": "/tmp"},
            timeout_s=timeout_s,
        )

    def user_words(self, words: tuple[str, ...]) -> list[str]:
        """The words that run a command inside as the user, from the user's home."""
        who = ["--userspec", f"{USER_ID}:{USER_ID}", "--groups", str(USER_ID)]
        return [
            *(chroot(), *(who if self.as_root else ()), str(self.path)),
            *("/bin/sh", "-c", 'cd "$HOME" && exec "$@"', "sh", *words),
        ]

    def system_uppers(self) -> dict[str, Path]:
        """Where what was changed of each folder of the system lies."""
        return {name: self.base / "upper" / name for name in self._overlays}

    def areas(self) -> dict[str, Path]:
        """Where the files of each new folder lie."""
        return {name: self.base / "areas" / name for name in AREAS}


def mount(*words: str | Path) -> None:
    """Mount something.

    Raises:
        SpikeError: It cannot be mounted; the message has mount's own words.
    """
    done = process.capture(["mount", *map(str, words)], env={"PATH": tools()})
    if not done.ok:
        raise SpikeError(
            "The root of its own cannot be made.",
            why=f"{process.shown(done.argv)}: {done.errors.strip()}.",
            try_next="run the command as root, outside of a container or in a privileged one",
        )


def loopback_up() -> None:
    """Switch on the loopback of a new network namespace: programs talk to themselves over it."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(channel, 0x8913, request))[1]  # SIOCGIFFLAGS
        up = struct.pack("16sH14s", b"lo", flags | 1, b"")  # IFF_UP
        fcntl.ioctl(channel, 0x8914, up)  # SIOCSIFFLAGS
