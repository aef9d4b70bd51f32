"""How the root is asked for, and what is said where it is not allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core.errors import MissingToolError
from spike.installed import root


@pytest.mark.parametrize("as_root", [True, False])
def test_the_namespaces(as_root: bool) -> None:
    """A user needs one of users as well; the network is its own unless it is asked for."""
    words = root.command(as_root=as_root, network=False)
    assert {"--mount", "--pid", "--net", "--kill-child"} <= set(words)
    assert ("--user" in words) is not as_root
    assert "--net" not in root.command(as_root=as_root, network=True)


def test_a_missing_tool_has_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of them at once, and the packages that bring them."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(root, "tools", lambda: str(tmp_path))
    with pytest.raises(MissingToolError) as caught:
        root.check(as_root=False, network=False)
    assert "fuse-overlayfs" in caught.value.what
    assert caught.value.try_next == (
        "(as root) apt-get install -y util-linux coreutils xvfb fuse-overlayfs"
    )


def test_elsewhere_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any tool is looked for."""
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(MissingToolError, match="on Linux only"):
        root.check(as_root=True, network=False)


def test_the_switch_that_forbids_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first one that is set so; else the way that needs none."""
    switch = tmp_path / "switch"
    switch.write_text("1\n")
    monkeypatch.setattr(root, "UNSHARE_WHY", ((str(switch), "1", "sysctl x=0"),))
    assert root.remedy(as_root=False) == "sudo sysctl x=0, or run the command as root"
    switch.write_text("0\n")
    assert root.remedy(as_root=False) == "run the command as root"
    assert "--privileged" in root.remedy(as_root=True)


def test_paths_as_they_are_called_inside() -> None:
    """Also that of a file which was replaced while it runs."""
    own = root.Root(Path("/base"), as_root=True)
    assert own.inside(f"{own.path}/usr/bin/a (deleted)") == "/usr/bin/a"
    assert own.inside("/usr/bin/a") == "/usr/bin/a"
