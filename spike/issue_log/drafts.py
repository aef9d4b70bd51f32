"""New entries with everything filled in that the tool knows: by hand, or from a failure."""

from __future__ import annotations

import hashlib
import platform
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from spike.core import process, workspace
from spike.core.errors import UsageError
from spike.issue_log.entry import NOT_INVOLVED, SEVERITIES, UNKNOWN, Entry
from spike.issue_log.rendering import TEMPLATE, fenced


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the tool can fill in by itself.

    Attributes:
        python: Version of the Python that is packaged.
        nuitka: Version of Nuitka.
        tauri: Version of Tauri.
        build_command: The last build command.
        launch_command: The last launched path with its arguments.
    """

    python: str = ""
    nuitka: str = ""
    tauri: str = ""
    build_command: str = ""
    launch_command: str = ""


def blank(title: str, around: Surroundings, *, severity: str = "medium") -> Entry:
    """A new entry with everything filled in that the tool knows; the rest is the template's.

    Raises:
        UsageError: The severity is not one of the plan's.
    """
    if severity not in SEVERITIES:
        raise UsageError(
            f"Severity is {severity!r}.",
            why=f"Allowed: {', '.join(SEVERITIES)}.",
            try_next=f"--severity {SEVERITIES[2]}",
        )
    return replace(
        TEMPLATE,
        id="",
        title=title.strip(),
        date=date.today().isoformat(),
        platform=workspace.system_name(),
        arch=workspace.arch_name(),
        python=around.python or platform.python_version(),
        nuitka=around.nuitka or UNKNOWN,
        tauri=around.tauri or UNKNOWN,
        severity=severity,
        build_command=around.build_command,
        launch_command=around.launch_command,
        status="open",
    )


def surroundings(
    infos: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
) -> Surroundings:
    """What the last build says, a failed one included.

    Args:
        infos: Contents of the ``build.json`` files that there are.
        failures: Contents of the ``failure.json`` files of failed builds.
    """
    builds = sorted(
        [
            *(
                (str(info["built_at"]), process.shown(info["argv"], info["env"]), info)
                for info in infos
            ),
            *((str(item["at"]), str(item["command"]), item) for item in failures),
        ],
        key=lambda build: build[0],
    )
    last = builds[-1] if builds else ("", "", {})
    launched = max(infos, key=lambda info: str(info["built_at"]), default={})
    nuitka = [info for _, _, info in builds if info["packager"] == "nuitka"]
    return Surroundings(
        python=str(last[2].get("python_version", "")),
        nuitka=str(nuitka[-1]["packager_version"]) if nuitka else "",
        tauri=tauri_version(),
        build_command=last[1],
        launch_command=str(launched.get("artifact", "")),
    )


def tauri_version() -> str:
    """Version of Tauri in the host's lock file; empty without one."""
    path = workspace.TOOL / "src-tauri" / "Cargo.lock"
    try:
        lock = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return ""
    for package in lock.get("package", []):
        if package.get("name") == "tauri":
            return str(package.get("version", ""))
    return ""


def _bounded(lines: Sequence[str], limit: int = 40) -> str:
    return "\n".join(line.rstrip() for line in lines[-limit:]).strip("\n")


def from_build_failure(facts: Mapping[str, Any]) -> Entry:
    """Draft an entry from the ``failure.json`` that a failed build leaves."""
    variant, packager = str(facts["variant"]), str(facts["packager"])
    version = str(facts["packager_version"])
    tail = str(facts["tail"]).splitlines()
    last = next((line for line in reversed(tail) if "error" in line.lower()), (tail or [""])[-1])
    return replace(
        blank(
            f"{variant}: the build of {facts['sidecar']} fails at {facts['step']}",
            Surroundings(
                python=str(facts["python_version"]),
                nuitka=version if packager == "nuitka" else NOT_INVOLVED,
                tauri=NOT_INVOLVED,
                build_command=str(facts["command"]),
            ),
            severity="blocker",
        ),
        reporter=f"nox -s build_{packager}",
        symptoms=f"The step that failed: {facts['step']}. The last message:\n\n"
        + fenced(last.strip()),
        reproduction=f"1. Run `nox -s build_{packager} -- --mode {variant.partition('-')[2]}"
        + ("`." if facts["sidecar"] == "sidecar-hello" else "` with `--sidecar` and its folder."),
        expected=f"{packager} {version} exits with 0 and the artifact is there.",
        actual=f"Exit code {facts['exit_code']}; nothing was published.",
        excerpt=_bounded(tail),
        exit_code=str(facts["exit_code"]),
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up=f"- [ ] Read `{facts['log']}` and write down the cause.",
        kind="build",
        packager=packager,
        variant=variant,
        debug_sessions=0,
        fingerprint=fingerprint("build", variant, str(facts["sidecar"]), message=last),
    )


def from_failed_launch(
    *,
    sidecar: str,
    variant: str,
    packager: str,
    packager_version: str,
    python: str,
    build_command: str,
    launch_command: str,
    command: str,
    failed: int,
    launches: int,
    sample: Mapping[str, Any],
) -> Entry:
    """Draft an entry from a launch that failed in a benchmark.

    Args:
        sidecar: Name of what was launched.
        variant: Its variant.
        packager: Its packager.
        packager_version: The packager's version.
        python: Version of the Python in it.
        build_command: How it was built.
        launch_command: How it was launched.
        command: The task that launches it so again.
        failed: How many launches failed in this way.
        launches: Of how many.
        sample: The first of them, as :func:`benchmarks.reliability.as_sample` gives it.
    """
    kind = str(sample["failure"])
    ended = sample.get("exit_signal") or sample.get("exit_code")
    tails = [
        *(f"stdout: {line}" for line in sample.get("stdout_tail", ())),
        *(f"stderr: {line}" for line in sample.get("stderr_tail", ())),
    ]
    topic = {"left_processes": "leftovers", "left_files": "leftovers", "unclean_stop": "stop"}
    return replace(
        blank(
            f"{variant}: a launch of {sidecar} ends in {kind}",
            Surroundings(
                python=python,
                nuitka=packager_version if packager == "nuitka" else NOT_INVOLVED,
                tauri=NOT_INVOLVED,
                build_command=build_command,
                launch_command=launch_command,
            ),
            severity="high",
        ),
        reporter="invoke bench",
        symptoms=f"{failed} of {launches} launches: {kind}. The first one: {sample['detail']}.",
        reproduction=f"1. Run `{command}`.",
        expected="BOOT, READY, a stop when asked for, exit code 0, nothing left.",
        actual=f"{kind}: {sample['detail']}.",
        excerpt=_bounded(tails) or "(no output)",
        exit_code="none" if ended in (None, "") else str(ended),
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up="- [ ] Find the cause, or a minimal case.",
        kind=topic.get(kind, "launch"),
        packager=packager,
        variant=variant,
        fingerprint=fingerprint("launch", variant, sidecar, kind),
    )


def from_checklist_row(
    *,
    sidecar: str,
    variant: str,
    row: str,
    text: str,
    evidence: str,
    python: str,
    nuitka: str,
    tauri: str,
    build_command: str,
    launch_command: str,
) -> Entry:
    """Draft an entry from a row of the checklist that failed."""
    return replace(
        blank(
            f"{variant}: checklist row {row} fails",
            Surroundings(
                python=python,
                nuitka=nuitka,
                tauri=tauri,
                build_command=build_command,
                launch_command=launch_command,
            ),
            severity="high",
        ),
        reporter="invoke verify",
        symptoms=f"Row {row}, “{text}”, is not true of {sidecar} as {variant}.",
        reproduction=f"1. Run `invoke verify --variant {variant}`.",
        expected=f"{text}.",
        actual="The row fails; the host's evidence is the excerpt.",
        excerpt=_bounded(evidence.splitlines()) or "(none)",
        exit_code=NOT_INVOLVED,
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up="- [ ] Find the cause, or a minimal case.",
        kind="host",
        packager=variant.partition("-")[0],
        variant=variant,
        fingerprint=fingerprint("checklist", variant, sidecar, row),
    )


def fingerprint(*stable: str, message: str = "") -> str:
    """What makes a problem the same problem.

    Args:
        stable: Words that count as they are: the kind, the variant, a row's id.
        message: Text that counts without its numbers, pids, times and paths.
    """
    text = re.sub(r"(?<!\w)[~/][\w./~+-]*", "PATH", message)
    text = re.sub(r"0x[0-9a-f]+|\d+", "N", text)
    return hashlib.sha256("\n".join([*stable, text]).encode()).hexdigest()[:12]
