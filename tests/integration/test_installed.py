"""`invoke installed` on packages that behave, on some that do not, and on this repository's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spike.build.buildinfo import Built
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL as ROOT
from spike.host import application, sources, staging
from spike.host.staging import Launching
from spike.installed import root
from tests.support import toy_application

pytestmark = pytest.mark.integration

ALWAYS_NOT_RUN = {"appimage", "nsis"}


@pytest.fixture(autouse=True)
def _possible() -> None:
    try:
        root.check(as_root=root.privileged(), network=False)
    except SpikeError as error:
        pytest.skip(str(error))


def prove(package: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "invoke", "installed", "--package", str(package)),
            *("--format", "json", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {row["row"]: row["verdict"] for row in report["rows"]}


def pictures() -> set[str]:
    """What a proof must not leave on this machine."""
    names = {path.name for path in Path("/tmp").glob("spike-installed-*")}
    status = Path("/var/lib/dpkg/status")
    return names | {str(status.stat().st_mtime_ns) if status.exists() else ""}


def test_a_package_that_behaves(tmp_path: Path) -> None:
    """Every row passes, with every way to notice READY, and this machine is as before."""
    before = pictures()
    hook = tmp_path / "hooks.nsh"
    code, report = prove(
        toy_application.deb(tmp_path),
        *("--ready-url", "/health", "--ready-log", "toy is ready", "--health", "/health"),
        *("--ready-file", "~/.local/share/toy/ready", "--nsis-hook", str(hook)),
    )
    assert code == 0, report
    found = verdicts(report)
    assert {row for row, verdict in found.items() if verdict == "not run"} == (
        ALWAYS_NOT_RUN if shutil.which("makensis") else {*ALWAYS_NOT_RUN, "nsis-hook"}
    )
    assert set(found.values()) == {"pass", "not run"}
    assert report["data_folders"] == ["~/.local/share/toy"]
    assert "toy-sidecar.exe" in hook.read_text()
    assert pictures() == before


@pytest.mark.parametrize(
    ("behaviour", "row", "left"),
    [
        ("orphan", "quit", "process: /usr/bin/python3 /usr/bin/toy-sidecar"),
        ("litter", "quit", "file: /tmp/toy-left-"),
        ("dies", "ready", "no process of /usr/bin/toy-sidecar"),
    ],
)
def test_what_behaves_badly_fails(tmp_path: Path, behaviour: str, row: str, left: str) -> None:
    """In its row, and by name; the exit code is 1."""
    package = toy_application.deb(tmp_path, behaviour)
    code, report = prove(package, "--grace", "2", "--timeout", "8", "--settle", "1")
    assert code == 1
    found = next(each for each in report["rows"] if each["row"] == row)
    assert found["verdict"] == "fail"
    assert left in " ".join(found["left"])


def test_a_next_version_of_ones_own(tmp_path: Path) -> None:
    """It is what runs afterwards, also when the sidecar has another name."""
    first = toy_application.deb(tmp_path / "1")
    then = toy_application.deb(tmp_path / "2", version="2.0", sidecar="toy-worker")
    code, report = prove(first, "--next", str(then), "--settle", "1")
    assert code == 0, report
    assert report["next_version"] == "2.0"
    assert "/usr/bin/toy-worker" in str(report["rows"])
    assert report["next_made_by_repacking"] is False


def test_a_user_can_do_it(tmp_path: Path) -> None:
    """Without root, by fuse-overlayfs in a user namespace."""
    if os.geteuid() == 0:
        pytest.skip("this is root; the rows are the same, and so is all but the mount")
    code, report = prove(toy_application.deb(tmp_path), "--settle", "1")
    assert code == 0, report
    assert report["root"].startswith("fuse-overlayfs")


@pytest.mark.host
@pytest.mark.parametrize(
    "kind",
    [
        "deb",
        pytest.param(
            "rpm",
            marks=[
                pytest.mark.nightly,
                pytest.mark.skipif(not shutil.which("rpmbuild"), reason="needs rpm (apt: rpm)"),
            ],
        ),
    ],
)
def test_this_repositorys_own_package(built: Callable[..., Built], kind: str) -> None:
    """As the Tauri bundler makes it, with a sidecar of two processes and files of its own."""
    try:
        application.check_tools()
    except SpikeError as error:
        pytest.skip(str(error))
    staged = staging.stage(built("pyinstaller-onefile"), None, Launching())
    made = application.package(staged, ROOT / "build" / "host" / "installed")
    package = made.deb
    if kind == "rpm":
        command = application.tauri_command()
        words = ("bundle", "--bundles", "rpm", "--ci", "--config", staged.tauri_config())
        subprocess.run([*command, *words], cwd=sources.folder(), check=True, capture_output=True)
        package = next((sources.release() / "bundle" / "rpm").glob("*.rpm"))
    code, report = prove(package)
    assert code == 0, report
    found = verdicts(report)
    assert {row for row, verdict in found.items() if verdict == "pass"} >= {
        *("install", "start", "ready", "quit", "kill", "start-again", "upgrade", "new-sidecar"),
        *("read-only-mount", "remove"),
    }
