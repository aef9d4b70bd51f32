"""How whole services stand to their bars: ratios of medians in one run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.targets import PYTHON
from spike.core.statistics import Interval, median, ratio_of_medians
from spike.core.tables import NOT_MEASURED
from spike.measure import results
from spike.packagers.recipe import FAST

FASTAPI = "fastapi"
"""The service that has bars of its own."""

READY_BAR = 0.80
"""Most of the plain script's time to READY that the best fast variant of a service may take."""
FASTAPI_FOLDER_BAR = 0.60
FASTAPI_FILE_BAR = 0.75
ONEFILE_BAR = 0.30
"""The same of the plan's PyInstaller onefile, for FastAPI's best folder."""
NOT_MORE = 1.0
PROOF_BAR_S = 60.0
"""Most that the trial runs and the proof may add to a build, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar, and how what was measured stands to it.

    Attributes:
        service: Whose.
        says: What is compared.
        row: The row that is compared, such as ``cpython-folder-fast``.
        value: The ratio, or seconds.
        shown: It with its interval.
        most: What it may be.
    """

    service: str
    says: str
    row: str
    value: float
    shown: str
    most: float

    @property
    def met(self) -> bool:
        """Whether it is not above."""
        return self.value <= self.most


def values_of(result: results.Result, name: str, *fields: str) -> list[float | None]:
    """The sum of some figures of each timed launch, None where one of them is missing or failed."""
    found = []
    for sample in result.of(name):
        if "round" not in sample:
            continue
        parts = [sample.get(each) for each in fields]
        good = sample["failure"] is None and None not in parts
        found.append(float(sum(part for part in parts if part is not None)) if good else None)
    return found


def middle_of(values: Sequence[float | None]) -> float | None:
    """The median of those that are there."""
    return median([value for value in values if value is not None])


def counted_in(result: results.Result, name: str, field: str) -> float | None:
    """The median of a figure that is counted in launches of its own."""
    return middle_of([sample.get(field) for sample in result.of(name)])


TO = {
    "READY": ("ready_ms",),
    "READY plus first request": ("ready_ms", "request_ms"),
    "READY plus smoke check": ("ready_ms", "request_ms", "smoke_ms"),
}


def bars(result: results.Result) -> list[Bar]:
    """How what was measured stands to each bar; a row that is not there has none."""
    found: list[Bar] = []
    for service in dict.fromkeys(str(each["service"]) for each in result.targets.values()):
        own = {n: each for n, each in result.targets.items() if each["service"] == service}
        plain = f"{service}/{PYTHON}"
        fast = [name for name, each in own.items() if is_fast(each)]
        if service == FASTAPI:
            folder = _best(result, [name for name in fast if own[name]["in_folder"]])
            file = _best(result, [name for name in fast if not own[name]["in_folder"]])
            onefile = f"{service}/pyinstaller-onefile"
            compared = [
                (folder, plain, FASTAPI_FOLDER_BAR, "best folder, READY / plain"),
                (folder, onefile, ONEFILE_BAR, "best folder, READY / pyinstaller-onefile"),
                (file, plain, FASTAPI_FILE_BAR, "best one file, READY / plain"),
            ]
        else:
            folder = _best(result, fast)
            compared = [(folder, plain, READY_BAR, "best, READY / plain")]
        for name, other, most, says in compared:
            found += _ratio_bar(result, service, name, other, says=says, most=most, to="READY")
        for to in ("READY plus first request", "READY plus smoke check"):
            says = f"the same, {to} / plain"
            found += _ratio_bar(result, service, folder, plain, says=says, most=NOT_MORE, to=to)
        found += _memory_bar(result, service, folder, plain)
        for name in fast:
            seconds = own[name]["proof_s"]
            if seconds is not None:
                found.append(
                    Bar(
                        service=service,
                        says="trial runs and proof add, seconds",
                        row=str(own[name]["row"]),
                        value=seconds,
                        shown=f"{seconds:.0f}",
                        most=PROOF_BAR_S,
                    )
                )
    return found


def is_fast(facts: Mapping[str, Any]) -> bool:
    """A fast variant with the service's own Python: another one is another factor."""
    return str(facts["row"]).endswith(FAST) and " " not in str(facts["row"])


def _best(result: results.Result, names: Sequence[str]) -> str:
    known = {name: middle_of(values_of(result, name, "ready_ms")) for name in names}
    return min(
        (name for name, value in known.items() if value is not None),
        key=lambda name: known[name] or 0.0,
        default="",
    )


def ratio_of(result: results.Result, name: str, other: str, to: str) -> Interval | None:
    """One row's time to another's, up to a key of :data:`TO`; None where one is missing."""
    if name not in result.targets or other not in result.targets:
        return None
    return ratio_of_medians(values_of(result, name, *TO[to]), values_of(result, other, *TO[to]))


def _ratio_bar(
    result: results.Result, service: str, name: str, other: str, *, says: str, most: float, to: str
) -> list[Bar]:
    ratio = ratio_of(result, name, other, to)
    if ratio is None:
        return []
    row = str(result.targets[name]["row"])
    return [
        Bar(
            service=service,
            says=says,
            row=row,
            value=ratio.estimate,
            shown=told(ratio),
            most=most,
        )
    ]


def _memory_bar(result: results.Result, service: str, name: str, plain: str) -> list[Bar]:
    ours, theirs = (counted_in(result, each, "pss_bytes") for each in (name, plain))
    if not ours or not theirs:
        return []
    row = str(result.targets[name]["row"])
    value, says = ours / theirs, "the same, PSS at READY / plain"
    return [
        Bar(service=service, says=says, row=row, value=value, shown=f"{value:.2f}", most=NOT_MORE)
    ]


def told(ratio: Interval | None) -> str:
    """A ratio with its interval."""
    if ratio is None:
        return NOT_MEASURED
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
