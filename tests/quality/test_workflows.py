"""The workflows and the action: what their own checkers say, and what these do not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from spike.core.workspace import TOOL as ROOT
from spike.scaffold import making
from spike.wine import proof

FOLDER = ROOT / ".github"
FILES = sorted(FOLDER.rglob("*.yml"))
TOOLS = Path(sys.executable).parent


def steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of a workflow, or of an action."""
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job["steps"]]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new application's workflow."""
    name = ".github/workflows/ci.yml"
    made = making.files("my-app", "com.example.my-app")[name]
    path = tmp_path_factory.mktemp("new") / name
    path.parent.mkdir(parents=True)
    path.write_bytes(made)
    return path.parents[1]


def nothing_found(*words: str | Path) -> None:
    """Run a checker."""
    done = subprocess.run(
        [TOOLS / words[0], *words[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing(new: Path) -> None:
    """Syntax, expressions, contexts, inputs of the actions that are used."""
    for folder in (FOLDER, new):
        nothing_found("actionlint", *sorted((folder / "workflows").glob("*.yml")))


def test_zizmor_finds_nothing(new: Path) -> None:
    """Permissions, injection through inputs, unpinned actions, credentials that stay."""
    nothing_found("zizmor", "--offline", FOLDER)
    nothing_found("zizmor", "--offline", new)


def test_a_new_applications_workflow_has_our_pins(new: Path) -> None:
    """Whoever brings ours up to date brings it, too."""
    path = new / "workflows" / "ci.yml"
    test_every_action_is_pinned_by_commit_and_says_its_version(path)
    test_inputs_reach_the_shell_as_variables_alone(path)
    ours = "".join(file.read_text(encoding="utf-8") for file in FILES)
    for pin in re.findall(r"uses: .+", path.read_text(encoding="utf-8")):
        assert pin in ours


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    """A tag can be moved; a commit without a version tells nobody what it is."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    for line in lines:
        assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    pins = {re.sub(r"^[\s-]*uses: ", "", line) for line in lines}
    assert len({pin.partition("@")[0] for pin in pins}) == len(pins), "one version each"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_inputs_reach_the_shell_as_variables_alone(path: Path) -> None:
    """An expression inside a script is code that whoever gives the input writes."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    scripts = [step["run"] for step in steps(document) if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]


def test_windows_itself_is_asked_what_wine_is_asked() -> None:
    """The lines of nox -s windows, on a runner."""
    jobs = yaml.safe_load((FOLDER / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    lines = "\n".join(step["run"] for step in jobs["windows"]["steps"] if "run" in step)
    example = f"--sidecar {proof.EXAMPLE}"
    sessions = "build_nuitka build_pyinstaller build_cx_freeze"
    for wanted in (
        *proof.TESTS,
        f"nox -s {sessions}\n",
        f"nox -s {sessions} -- {example}\n",
        *("invoke bench\n", f"invoke bench {example} ", "invoke complexity\n"),
        f"invoke contract -- python {proof.CONTRACT}/main.py\n",
        *("invoke faults ", "invoke status "),
        *("cargo test --locked -p sidecar-supervisor -p sidecar-launcher\n", "cargo check "),
    ):
        assert wanted in lines, wanted


def test_a_shell_line_with_an_expression_is_found(tmp_path: Path) -> None:
    """The checks above can fail."""
    path = tmp_path / "bad.yml"
    path.write_text("jobs: {a: {steps: [{run: 'echo ${{ inputs.sidecar }}'}]}}", encoding="utf-8")
    with pytest.raises(AssertionError):
        test_inputs_reach_the_shell_as_variables_alone(path)
    path.write_text("      - uses: actions/checkout@v7\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        test_every_action_is_pinned_by_commit_and_says_its_version(path)
