"""Whole services: every bar is held against the right row, and no row looks measured and is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import service_bars, services
from spike.build import buildinfo
from spike.core import generated
from spike.core.errors import MissingBuildError, UsageError
from spike.core.workspace import TOOL
from spike.packagers import VARIANTS
from spike.project import sidecar
from tests.support.evidence import result

ROWS = {
    # Row: milliseconds to READY, of the first request and of the smoke check, PSS, in a folder.
    "fastapi/baseline-python": (400.0, 10.0, 100.0, 50e6, False),
    "fastapi/cpython-folder-fast": (220.0, 30.0, 120.0, 45e6, True),
    "fastapi/pyinstaller-onedir-fast": (260.0, 30.0, 120.0, 45e6, True),
    "fastapi/pyinstaller-onefile-fast": (290.0, 30.0, 120.0, 60e6, False),
    "fastapi/pyinstaller-onefile": (800.0, 10.0, 100.0, 70e6, False),
    "fastapi/3.11-other cpython-folder-fast": (100.0, 5.0, 50.0, 40e6, True),
    "llm/baseline-python": (1000.0, 10.0, 100.0, 50e6, False),
    "llm/cpython-folder-fast": (850.0, 200.0, 100.0, 51e6, True),
}


def measured(rows: dict[str, tuple[float, float, float, float, bool]] | None = None) -> Any:
    samples: list[dict[str, Any]] = []
    targets: dict[str, dict[str, Any]] = {}
    for name, (ready, request, smoke, pss, in_folder) in (rows or ROWS).items():
        service, row = name.split("/")
        baseline = row.startswith("baseline")
        targets[name] = {
            "kind": "baseline" if baseline else services.KIND,
            "service": service,
            "row": row,
            "in_folder": in_folder,
            "proof_s": 70.0 if name == "llm/cpython-folder-fast" else None,
            "python_version": "3.11.7",
            "size_bytes": 30e6,
        }
        for number in range(8):
            figures = {"ready_ms": ready + number, "request_ms": request, "smoke_ms": smoke}
            samples.append({"target": name, "round": number, **figures, "failure": None})
        samples += [{"target": name, "pss_bytes": pss}, {"target": name, "instructions": 2e9}]
    return replace(result("services", samples), targets=targets)


def test_every_bar_is_held_against_its_own_rows() -> None:
    """Another Python's row is never the best; a folder and a file have bars of their own."""
    found = {(bar.service, bar.says): bar for bar in service_bars.bars(measured())}
    folder = found["fastapi", "best folder, READY / plain"]
    assert (folder.row, folder.met) == ("cpython-folder-fast", True)
    assert folder.value == pytest.approx(223.5 / 403.5)
    assert found["fastapi", "best folder, READY / pyinstaller-onefile"].met
    file = found["fastapi", "best one file, READY / plain"]
    assert (file.row, file.met, file.most) == ("pyinstaller-onefile-fast", True, 0.75)
    assert not found["llm", "best, READY / plain"].met
    request = found["llm", "the same, READY plus first request / plain"]
    assert request.value == pytest.approx(1053.5 / 1013.5)
    missed = services.missed(measured())
    assert len(missed) == 5
    assert missed[0].startswith("llm: best, READY / plain: 0.85 (")
    assert "(cpython-folder-fast), and at most 0.8 is asked." in missed[0]
    assert any("PSS at READY / plain: 1.02 (" in each for each in missed)
    assert any("proof add, seconds: 70 (" in each for each in missed)


def test_a_failed_launch_counts_and_is_no_time() -> None:
    """Its round is left out of the ratio, and the table says how many failed."""
    whole = measured()
    bad = {**whole.samples[10], "failure": "smoke_failed: no", "ready_ms": 1.0}
    samples = [*whole.samples[:10], bad, *whole.samples[11:]]
    said = services.render(replace(whole, samples=samples))
    line = next(each for each in said.splitlines() if each.startswith("| cpython-folder-fast"))
    assert "1 of 8" in line
    assert "0.55 (" in line
    assert services.render(whole).startswith("|")
    summary = services.summary(whole)
    assert "0.55 (fastapi, cpython-folder-fast) to 0.85 (llm, cpython-folder-fast)" in summary


def test_what_is_not_there_has_no_bar() -> None:
    """A run of some rows says of these alone."""
    some = {name: ROWS[name] for name in ("fastapi/cpython-folder-fast", "llm/baseline-python")}
    assert service_bars.bars(measured(some)) == []
    assert services.missed(measured(some)) == []


def test_the_rows_are_every_fast_variant_and_its_plain_one() -> None:
    """Of the five services, by their names."""
    names = services.variants()
    assert "nuitka-standalone-fast" in names
    assert all(name in VARIANTS for name in names)
    assert list(services.folders()) == [
        *("fastapi", "django_rest", "flask_sqlalchemy", "llm_client", "pandas_http")
    ]
    with pytest.raises(UsageError, match="no service 'x'"):
        services.choose(["x"])
    with pytest.raises(UsageError, match="no variant 'x'"):
        services.choose([], ["x"])


def test_what_is_not_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the command that builds it; nothing at all ends the command."""

    def nothing(*_: object) -> buildinfo.Built:
        raise MissingBuildError("not built", try_next="nox")

    monkeypatch.setattr(buildinfo, "find", nothing)
    monkeypatch.setattr(sidecar.Sidecar, "python", None)
    with pytest.raises(MissingBuildError, match="--build"):
        services.choose(["fastapi"])


def test_a_run_of_all_services_is_outlined_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row a fast variant, beside what it is without; another run's rows go."""
    page = tmp_path / "fast-start.md"
    monkeypatch.setattr(services, "document_path", lambda: page)
    page.write_text(
        "before\n<!-- begin generated: services | made by: x | sha256: 0 -->\n| old |\n"
        "<!-- end generated: services -->\nafter\n"
    )
    facts = {"at": "2026-11-30T10:00:00+00:00", "system": "Debian", "cpu": "a processor"}
    whole = replace(measured(), provenance=facts)
    assert services.write_document(whole)
    text = page.read_text()
    assert text.startswith("before\n<!-- begin generated: services |")
    assert text.endswith("<!-- end generated: services -->\nafter\n")
    assert "| old |" not in text
    rows = [line.split("|")[1:4] for line in text.splitlines() if "-fast " in line]
    told = {(one.strip(), two.strip()): three.strip()[:4] for one, two, three in rows}
    assert len(told) == 4
    assert told["fastapi", "pyinstaller-onefile-fast"] == "1.99"
    assert told["llm", "cpython-folder-fast"] == "-"
    assert "3.11-other" not in text
    assert not services.write_document(whole)
    assert "2026-11-30; Debian; a processor." in text


def test_the_outline_in_the_page_is_as_the_command_has_written_it() -> None:
    """No digit of it was changed by hand."""
    text = (TOOL / "docs" / "fast-start.md").read_text(encoding="utf-8")
    block = re.search(
        r"<!-- begin generated: services \|[^>]* sha256: (\w+) -->\n(.*)<!-- end generated: s",
        text,
        re.DOTALL,
    )
    assert block is not None
    assert "| fastapi " in block[2]
    assert generated.checksum(block[2]) == block[1]
