"""The lines of the workflow's Windows job are those that ``nox -s windows`` runs under Wine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spike.core.workspace import HELLO, TOOL
from spike.wine import prefix, proof, rust
from spike.wine.compiler import Compiler
from spike.wine.prefix import Wine
from spike.wine.proof import Proof, Step
from tests.support import workflow_lines

CI = TOOL / ".github" / "workflows" / "ci.yml"
RECORDS = """\
#!/bin/sh
echo "${0##*/} $*" >> "$RECORDED"
case "$*" in faults* | status*) exit 1 ;; esac
"""
"""A command that writes down how it is called; two of them give a verdict, which is no failure."""

ONLY_THERE = {
    ("python", "bootstrap.py"),  # no virtual environment can be made under Wine
}


@dataclass(frozen=True, kw_only=True)
class Planned(Proof):
    """The proof's steps, written down in place of being run.

    Attributes:
        calls: What the Python for Windows would be given.
    """

    calls: list[tuple[str, ...]] = field(default_factory=list)

    def step(
        self,
        name: str,
        packager: str | None,
        *words: str,
        locks: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Write down what would be run."""
        self.calls.append(tuple(self._plain(word) for word in words))
        self.steps.append(Step(name=name, ok=True, exit_code=0))

    def _plain(self, word: str) -> str:
        for root in (self.project, TOOL):
            word = word.removeprefix(prefix.windows_path(root) + "\\")
        return word.replace("\\", "/")


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """All that the session does with every packager."""
    place = Wine(folder=tmp_path / "windows")
    compiler = Compiler.__new__(Compiler)  # nothing is compiled
    made = Planned(place=place, project=tmp_path / "project", compiler=compiler)
    made.hello(proof.packagers([]), 20)
    made.more(proof.packagers([]))
    made.faults(proof.packagers([]), {})
    made.overview()
    return made


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the job's shell calls, in order; its own syntax is the shell's."""
    folder, recorded = tmp_path / "bin", tmp_path / "recorded"
    folder.mkdir()
    for name in ("python", "invoke", "nox", "cargo"):
        (folder / name).write_text(RECORDS, encoding="ascii")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    workflow_lines.run(
        workflow_lines.job(CI, "windows"),
        cwd=TOOL,
        temp=tmp_path / "temp",
        env={"RECORDED": str(recorded), "RUNNER_OS": "Windows"},
    )
    return [tuple(line.split()) for line in recorded.read_text(encoding="utf-8").splitlines()]


def without_launches(words: Sequence[str]) -> tuple[str, ...]:
    """A command without how often it launches."""
    at = words.index("--launches") if "--launches" in words else len(words)
    return (*words[:at], *words[at + 2 :])


def test_every_command_of_the_job_is_one_of_the_session(
    lines: list[tuple[str, ...]], planned: Planned
) -> None:
    """Tests and builds aside, which are compared below."""
    known = {without_launches(call[1:]) for call in planned.calls}
    known |= {("cargo", "test", *rust.TESTED), ("cargo", "check", *rust.CHECKED), *ONLY_THERE}
    compared = [
        line for line in lines if line[0] != "nox" and line[:3] != ("python", "-m", "pytest")
    ]
    assert len(compared) >= 9
    assert [line for line in compared if without_launches(line) not in known] == []


def test_the_job_builds_what_the_session_builds(
    lines: list[tuple[str, ...]], planned: Planned
) -> None:
    """The probe is built by the fault cases there, as everywhere; a packager more is no matter."""
    there = set()
    for line in lines:
        if line[0] == "nox":
            sidecar = line[line.index("--sidecar") + 1] if "--sidecar" in line else HELLO
            there |= {(word.removeprefix("build_"), sidecar) for word in line if "build_" in word}
    here = {
        (call[2], call[call.index("--sidecar") + 1] if "--sidecar" in call else HELLO)
        for call in planned.calls
        if call[:2] == ("-m", "spike.build")
    }
    named = {name for name, _ in there}
    assert named >= {"nuitka", "pyinstaller", "cx_freeze"}
    assert there == {(one, what) for one, what in here if one in named and what != proof.PROBE}
    assert len(there) == 2 * len(named)


def test_the_job_tests_what_the_session_tests(
    lines: list[tuple[str, ...]], planned: Planned
) -> None:
    """Those of the launcher, and those that are about no launch."""
    there = {word for line in lines if line[:3] == ("python", "-m", "pytest") for word in line[3:]}
    tested = [call for call in planned.calls if call[:2] == ("-m", "pytest")]
    assert there == {word for call in tested for word in call if word.startswith("tests/")}
