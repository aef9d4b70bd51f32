"""Runs the shell lines of a workflow's job or of an action, in order, as a runner does."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, kw_only=True)
class Shell:
    """What a runner gives lines to.

    Attributes:
        argv: The shell, with what keeps a user's settings out.
        system: What a runner calls ``RUNNER_OS``.
        env: Changes to the environment, by the folders that earlier steps put on the path.
        shown: A path as its programs know it.
    """

    argv: tuple[str, ...] = ("bash", "--noprofile", "--norc")
    system: str = "Linux"
    env: Callable[[Sequence[str]], Mapping[str, str]] = field(
        default=lambda more: {"PATH": os.pathsep.join([*more, os.environ["PATH"]])}
    )
    shown: Callable[[Path], str] = str


def job(path: Path, name: str) -> list[dict[str, Any]]:
    """The steps of a job of a workflow."""
    return list(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"][name]["steps"])


def action(path: Path) -> list[dict[str, Any]]:
    """The steps of a composite action."""
    return list(yaml.safe_load(path.read_text(encoding="utf-8"))["runs"]["steps"])


def run(
    steps: list[dict[str, Any]],
    *,
    cwd: Path,
    temp: Path,
    env: Mapping[str, str],
    leave_out: Collection[str] = (),
    shell: Shell = Shell(),
) -> dict[str, str]:
    """Run every step that has lines of its own, but for those that are named.

    Args:
        steps: See :func:`job` and :func:`action`.
        cwd: The checkout.
        temp: What a runner calls ``RUNNER_TEMP``.
        env: What the workflow's expressions would give.
        leave_out: Names of steps that need what is not here.
        shell: What runs them.

    Returns:
        The outputs of all steps, the later winning; a text of several lines as it is in the file.
    """
    temp.mkdir(parents=True, exist_ok=True)
    files = {name: temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH")}
    files["GITHUB_STEP_SUMMARY"] = temp / "summary"
    for file in files.values():
        file.touch()
    for step in steps:
        if "run" not in step or step.get("name") in leave_out:
            continue
        more = files["GITHUB_PATH"].read_text(encoding="utf-8").split()
        said = _outputs(files["GITHUB_OUTPUT"])
        of_steps = {
            name: said.get(match[1], "")
            for name, value in step.get("env", {}).items()
            if (match := _OF_A_STEP.fullmatch(str(value)))
        }
        done = subprocess.run(
            [*shell.argv, "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=cwd / step.get("working-directory", "."),
            env={
                **os.environ,
                **{name: shell.shown(file) for name, file in files.items()},
                "RUNNER_TEMP": shell.shown(temp),
                "RUNNER_OS": shell.system,
                **env,
                **of_steps,
                **shell.env([*reversed(more)]),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step.get('name')}: {done.stdout[-6000:]}"
    return _outputs(files["GITHUB_OUTPUT"]) | {"": files["GITHUB_OUTPUT"].read_text("utf-8")}


_OF_A_STEP = re.compile(r"\$\{\{ steps\.\w+\.outputs\.(\w+) \}\}")


def _outputs(file: Path) -> dict[str, str]:
    """What the steps have said so far, the later winning."""
    pairs = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())
    return {name: value for name, separator, value in pairs if separator}
