"""A stranger's two jobs, done in a copy: a benchmark and a packager, each in the places named.

A benchmark is its own file, one entry of the registry, and its test. A packager is its own file,
one entry of two lists, its dependency group and its lock. Everything else has to follow from these:
nothing else is touched here, so a table of names that has to be kept by hand makes a test fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from spike.core.workspace import platform_id
from spike.measure import results
from tests.support import checkouts

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the toy is a script with an interpreter"),
]

BENCHMARK = '''"""Toy: the first words of a launch."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.targets import Target
from spike.core.statistics import median
from spike.core.tables import milliseconds, table
from spike.launch import launcher
from spike.measure import results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "toy"
COMPARED = (Metric(field="boot_ms"),)


def run(
    sidecar: Sidecar, targets: Sequence[Target], *, launches: int, partial: bool = False
) -> results.Result:
    """Launch every target a few times."""
    with results.recording(
        NAME,
        sidecar,
        targets={target.id: target.as_json() for target in targets},
        settings={"launches": launches},
        partial=partial,
    ) as recorder:
        for target in targets:
            for number in range(launches):
                boot_ms = launcher.launch(target.spec()).boot_ms
                recorder.add(target.id, {"round": number, "boot_ms": boot_ms})
    return recorder.result()


def medians(result: results.Result) -> dict[str, float]:
    """Median launch to BOOT of each target, in milliseconds."""
    found = {name: median([s["boot_ms"] for s in result.of(name)]) for name in result.targets}
    return {name: value for name, value in found.items() if value is not None}


def render(result: results.Result) -> str:
    """A row a target."""
    rows = [[name, milliseconds(value)] for name, value in medians(result).items()]
    return table(["toy row", "BOOT, median"], rows)


def summary(result: results.Result) -> str:
    """The quickest."""
    quickest = milliseconds(min(medians(result).values(), default=None))
    return f"The first words of a toy come after {quickest} at least."
'''
BENCHMARK_ENTRY = """
        Benchmark(
            name="toy",
            task="toy",
            says="Ask for the first words.",
            module="benchmarks.toy",
            sections=(Section(name="toy-words", report="toy", title="First words of a toy"),),
            options=(Option(name="launches", help="launches of each", default=6),),
            in_spike=True,
        ),"""
BENCHMARK_TEST = '''"""The toy's table."""

from benchmarks import toy
from spike.measure.results import Result


def test_a_row_a_target() -> None:
    """The median of its launches."""
    result = Result(
        benchmark="toy",
        sidecar="demo",
        sidecar_version="1",
        complete=True,
        provenance={},
        settings={},
        targets={"one": {"kind": "variant"}},
        samples=[{"target": "one", "boot_ms": 12.0}],
        elapsed_s=1.0,
    )
    assert "12.0 ms" in toy.render(result)
'''
PACKAGER = '''"""Toy: the script itself, with the interpreter that runs it in its first line."""

from __future__ import annotations

from dataclasses import dataclass

from spike.packagers.analysis import prologue
from spike.packagers.recipe import STAGED, Mode, Recipe, Tool, output_folder
from spike.project.sidecar import Sidecar

_WRITE = (
    "import pathlib, sys; "
    "_, source, target = sys.argv; "
    "path = pathlib.Path(target); "
    "path.parent.mkdir(parents=True); "
    "path.write_text(f'#!{sys.executable}\\\\n' + pathlib.Path(source).read_text()); "
    "path.chmod(0o755)"
)


@dataclass(frozen=True, kw_only=True)
class Toy:
    """See :class:`spike.packagers.Packager`."""

    name: str = "toy"
    distribution: str = "altgraph"
    modes: tuple[Mode, ...] = (
        Mode(name="script", summary="the script as it is"),
        Mode(name="broken", summary="a build that fails", default=False),
    )
    tools: tuple[Tool, ...] = ()

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        output = output_folder(sidecar, self.name, mode)
        artifact = output / sidecar.name
        code = _WRITE if mode == "script" else "raise SystemExit('error: the toy is broken')"
        source = (STAGED / sidecar.entry).as_posix()
        return Recipe(
            argv=("python", "-c", code, source, artifact.as_posix()),
            output=output,
            artifact=artifact,
            files=dict(prologue.files(sidecar)),
        )


TOY = Toy()
'''


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is in {path.name} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_benchmark(root: Path) -> None:
    """Its file, its entry, its test."""
    (root / "benchmarks" / "toy.py").write_text(BENCHMARK, encoding="utf-8")
    (root / "tests" / "unit" / "benchmarks" / "test_toy.py").write_text(BENCHMARK_TEST)
    start = "    for benchmark in ("
    replaced(root / "benchmarks" / "registry.py", start, start + BENCHMARK_ENTRY)


def add_packager(root: Path) -> None:
    """Its file, its place in the two lists, its dependency group, its lock."""
    packagers = root / "spike" / "packagers"
    (packagers / "toy.py").write_text(PACKAGER, encoding="utf-8")
    replaced(packagers / "__init__.py", "CX_FREEZE, CPYTHON)", "CX_FREEZE, CPYTHON, TOY)")
    replaced(root / "spike" / "project" / "settings.py", '"cpython")', '"cpython", "toy")')
    replaced(
        packagers / "__init__.py",
        "from spike.packagers.recipe import Mode, Packager\n",
        "from spike.packagers.recipe import Mode, Packager\nfrom spike.packagers.toy import TOY\n",
    )
    replaced(root / "pyproject.toml", "\n[tool.uv]", 'toy = ["altgraph"]\n\n[tool.uv]')
    # A distribution that another lock has too, so that nothing new is fetched.
    lock = (root / "locks" / "pyinstaller.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^altgraph==(?:.*\\\n)+.*\n", lock, re.MULTILINE)
    assert pinned is not None
    (root / "locks" / "toy.txt").write_text(pinned[0], encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's files without anything that was measured, and the two jobs done."""
    root = tmp_path_factory.mktemp("extended") / "repository"
    checkouts.copy(root, without=("benchmarks/results/", "benchmarks/report/", "snapshots/"))
    add_benchmark(root)
    add_packager(root)
    # What a checkout ignores, the checkers of the copy have to ignore as well.
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


@pytest.fixture(scope="module")
def run(copy: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a module of the tool environment in the copy, as a user types it there."""

    def command(*words: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return command


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def measured(copy: Path, run: Run) -> Path:
    """The toy built by its own session, and what the record asks for measured; the results."""
    hint = run("invoke", "toy", codes=(2,)).stderr
    assert "build_toy" in hint, "the command that builds is not named"
    run("nox", "-s", "build_toy")
    run("invoke", "bench", "--launches", "6")
    run("invoke", "size")
    run("invoke", "toy")
    return copy / "benchmarks" / "results" / platform_id()


def test_nox_has_a_session_that_builds_with_it(run: Run) -> None:
    """Nobody has written that session."""
    assert re.search(r"^- build_toy .*toy", run("nox", "--list").stdout, re.MULTILINE)


def test_invoke_lists_the_task_with_its_options(run: Run) -> None:
    """Its line of help, its own option and those that every measuring task has."""
    tasks = json.loads(run("invoke", "--list", "--list-format=json").stdout)["tasks"]
    (toy,) = [task for task in tasks if task["name"] == "toy"]
    assert toy["help"] == "Ask for the first words."
    options = run("invoke", "--help", "toy").stdout
    for name in ("--launches", "--variant", "--sidecar", "(default 6)"):
        assert name in options
    assert "--launches takes a whole number" in (
        run("invoke", "toy", "--launches", "many", codes=(2,)).stderr
    )


def test_the_build_is_measured_by_the_toy_and_by_the_others(measured: Path) -> None:
    """The new variant stands in the new benchmark and in the old ones."""
    for name in ("toy", "reliability", "size"):
        result = results.load_file(measured / f"{name}.json", remedy="")
        assert result is not None
        assert result.complete
        assert result.targets["toy-script"]["build"]["packager"] == "toy"


def test_two_runs_are_compared_by_the_toys_own_figure(run: Run, measured: Path) -> None:
    """The field is named in the benchmark's file alone."""
    path = str(measured / "toy.json")
    assert "boot_ms" in run("invoke", "compare", path, path).stdout


@pytest.mark.usefixtures("measured")
def test_the_report_has_its_table_and_keeps_to_the_schema(run: Run, copy: Path) -> None:
    """Heading, sentence, table and raw samples, in Markdown and in JSON."""
    text = run("invoke", "report").stdout
    assert "toy row" in text
    document = json.loads(run("invoke", "report", "--format", "json").stdout)
    schema = json.loads((copy / "decision" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert document["benchmarks"]["toy"]["current"]
    assert "toy-script" in [variant["id"] for variant in document["variants"]]


@pytest.mark.usefixtures("measured")
def test_a_report_of_its_own_is_written_and_checked(run: Run, copy: Path) -> None:
    """With the sentence on top, and found out when a digit of it is changed."""
    run("invoke", "adr")
    report = copy / "benchmarks" / "report" / platform_id() / "toy.md"
    text = report.read_text(encoding="utf-8")
    assert "First words of a toy" in text
    assert "The first words of a toy come after" in text
    assert "toy-script" in text
    assert "toy.json" in text
    assert "invoke toy" in text
    line = next(line for line in text.splitlines() if line.startswith("| toy-script"))
    digit = next(character for character in line if character.isdigit())
    changed = line.replace(digit, str((int(digit) + 1) % 10), 1)
    report.write_text(text.replace(line, changed), encoding="utf-8")
    assert "toy.md" in run("invoke", "adr", "--check", codes=(1,)).stdout
    report.write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("measured")
def test_its_colour_is_no_other_packagers_and_is_drawn(run: Run, copy: Path) -> None:
    """By its place in the list; the picture of the launches shows it."""
    code = (
        "from decision.record import pictures; from spike.packagers import PACKAGERS; "
        "print(*(pictures.colour(f'{name}-x') for name in PACKAGERS), pictures.OTHER_COLOUR)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True
    )
    *colours, other = done.stdout.split()
    assert len({*colours, other}) == len(colours) + 1
    run("invoke", "adr")
    (picture,) = copy.rglob("launch-to-ready.svg")
    assert colours[-1].lower() in picture.read_text(encoding="utf-8").lower()


def test_a_failed_build_becomes_an_entry_of_the_issue_log(run: Run, copy: Path) -> None:
    """The log accepts the packager's name, and the list shows it."""
    run("nox", "-s", "build_toy", "--", "--mode", "broken", codes=(1,))
    drafted = [path for path in (copy / "issues").glob("*.md") if "toy-broken" in path.read_text()]
    assert len(drafted) == 1
    assert "- Packager: toy\n" in drafted[0].read_text(encoding="utf-8")
    assert "toy-broken" in run("invoke", "issue", "--list").stdout
    drafted[0].unlink()  # nobody fills it in, and the log's own tests would miss that


@pytest.mark.usefixtures("measured")
def test_the_plans_workflow_runs_the_toy_and_skips_it_then(run: Run, copy: Path) -> None:
    """It is a step like the others: up to date after it was measured."""
    code = (
        "import tasks; from decision.workflows import spike; from spike.project import sidecar; "
        "spike.measure(sidecar.load(), spike.Settings(launches=6, with_host=False, force=False), "
        "only=('toy',))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True
    )
    assert "== toy\nup to date" in done.stdout


@pytest.mark.usefixtures("measured")
def test_the_tests_and_checks_of_the_copy_stay_green(run: Run) -> None:
    """Nothing that a test or a checker holds by hand has to be changed for either."""
    run(
        *("pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "not mypy"),
        *("tests/quality", "tests/unit/benchmarks/test_toy.py"),
        *("tests/unit/benchmarks/test_registry.py", "tests/unit/benchmarks/test_libraries.py"),
        *("tests/unit/packagers", "tests/unit/issue_log", "tests/unit/decision/test_pictures.py"),
        "tests/unit/project/test_settings.py",
    )
