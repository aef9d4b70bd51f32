"""The registry of benchmarks: what an entry says is what its module has."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import registry
from benchmarks.definition import Benchmark
from benchmarks.registry import BENCHMARKS
from spike.core.workspace import TOOL as ROOT
from spike.measure import results
from spike.project import sidecar

EVERY = pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))


@EVERY
def test_a_module_has_what_its_entry_names(benchmark: Benchmark) -> None:
    """A misspelt name is found here, and not after an hour of measuring."""
    module = importlib.import_module(benchmark.module)
    assert benchmark.name in vars(module).values(), "the name of its result file"
    takes = inspect.signature(getattr(module, benchmark.runs)).parameters
    assert list(takes)[:2] == ["sidecar", "targets"]
    assert set(benchmark.defaults) | {"partial"} <= set(takes)
    for section in benchmark.sections:
        for name in ("render", "summary", section.render, section.summary):
            function = getattr(module, name)
            needed = [
                parameter
                for parameter in inspect.signature(function).parameters.values()
                if parameter.default is parameter.empty
            ]
            assert [parameter.name for parameter in needed] == ["result"], name


@EVERY
def test_a_default_is_a_value_that_the_option_takes(benchmark: Benchmark) -> None:
    """What a task does by itself can also be asked of it."""
    for option in benchmark.options:
        assert option.low <= option.default <= option.high, option.name


def test_names_are_of_one_thing_each() -> None:
    """Two sections of one name would overwrite each other in a report."""
    sections = [section.name for _, section in registry.sections()]
    tasks = [benchmark.task for benchmark in BENCHMARKS.values()]
    assert len(set(sections)) == len(sections)
    assert len(set(tasks)) == len(tasks)


def test_every_result_that_is_kept_has_its_benchmark_and_can_be_told() -> None:
    """Table, sentence and spread of the committed results: nothing of them is out of date."""
    hello = sidecar.load()
    told = []
    for name, path in results.files(hello.workspace.results).items():
        if name == "fallback":
            continue
        result = results.load_file(path, remedy="")
        assert result is not None
        benchmark = BENCHMARKS[result.benchmark]
        for section in benchmark.sections:
            assert benchmark.render(result, section).startswith(("|", "Behind our own code"))
            sentence = benchmark.summary(result, section)
            assert sentence.endswith("."), sentence
            assert "\n" not in sentence
            assert any(character.isdigit() for character in sentence), sentence
        benchmark.times(result)
        told.append(result.benchmark)
    assert "reliability" in told


def test_a_command_names_the_task_and_the_sidecar(tmp_path: Path) -> None:
    """It stands in error messages, for the user to type."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "one"\nversion = "1"\n')
    (tmp_path / "main.py").touch()
    other = sidecar.load(str(tmp_path))
    assert registry.command("cold_start", sidecar.load()) == "invoke cold-start"
    assert registry.command("parallel", sidecar.load()) == "invoke bench --parallel 8"
    assert registry.command("fallback", other) == f"invoke fallback{other.option}"
    assert other.option


def test_reading_the_registry_imports_no_benchmark() -> None:
    """``invoke --list`` shows every task, and must not wait for numpy to do so."""
    code = (
        "import sys, benchmarks.registry as registry; "
        "print([name for name in sys.modules if name in "
        "{entry.module for entry in registry.BENCHMARKS.values()} | {'numpy', 'matplotlib'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
