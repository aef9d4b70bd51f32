"""The package manager inside the root: install, upgrade, remove, and what it lists."""

from __future__ import annotations

from spike.core.process import Completed
from spike.installed.root import Root

DEPENDENCY_WORDS = ("depends on", "dependency problems")


class Manager:
    """One package in the root, by the package manager of its kind.

    Attributes:
        checks: Whether dependencies are checked: on a system without an rpm database of its own
            rpm knows of none.
    """

    def __init__(self, root: Root, kind: str, name: str) -> None:
        self._root = root
        self._kind = kind
        self._name = name
        self.checks = kind == "deb" or self._knows_the_system()

    def _knows_the_system(self) -> bool:
        return bool(self._root.as_manager("rpm", "--query", "--all").output.strip())

    def install(self, file: str) -> Completed:
        """Install a package file of ``/packages``, or upgrade to it."""
        path = f"/packages/{file}"
        if self._kind == "deb":
            return self._root.as_manager("dpkg", "--install", path)
        loose = () if self.checks else ("--nodeps",)
        return self._root.as_manager("rpm", "--upgrade", *loose, path)

    def remove(self) -> Completed:
        """Remove the package, with its configuration files."""
        if self._kind == "deb":
            return self._root.as_manager("dpkg", "--purge", self._name)
        loose = () if self.checks else ("--nodeps",)
        return self._root.as_manager("rpm", "--erase", *loose, self._name)

    def listed(self) -> tuple[str, ...]:
        """Paths that the package manager lists as the package's, relative to the root."""
        words = ("dpkg", "--listfiles") if self._kind == "deb" else ("rpm", "--query", "--list")
        lines = self._root.as_manager(*words, self._name).output.splitlines()
        return tuple(line.lstrip("/") for line in lines if line.startswith("/"))

    def known(self) -> bool:
        """Whether the package is installed."""
        if self._kind == "deb":
            words = ("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", self._name)
            done = self._root.as_manager(*words)
            return done.ok and done.output.startswith("i")
        return self._root.as_manager("rpm", "--query", self._name).ok


def advice(done: Completed) -> str:
    """What to do after a failed installation; empty where nothing is known."""
    said = done.output + done.errors
    if any(word in said for word in DEPENDENCY_WORDS):
        return "a dependency is not installed on this system: (as root) apt-get install -y NAME"
    return ""
