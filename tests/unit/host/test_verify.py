"""How the failing sidecar stands in for another one: in whose way it is waited for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from spike.core import logged
from spike.core.errors import BuildFailedError
from spike.host import verify
from spike.host.observed import MALFORMED, STDERR_LINE
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar
from tests.support.evidence import result

OTHERS = "in the other's way"
OWN = "in its own"


@pytest.mark.parametrize(
    ("said", "ways"),
    [
        (
            {},
            {"silent": OTHERS, "crash": OTHERS, "malformed": OWN, "twice": OWN},
        ),
        (
            {"ready_pattern": "Serving on", "ready_stream": "stderr"},
            {"silent": OTHERS, "crash": OTHERS, "malformed": OWN, "twice": OWN},
        ),
        # Its BOOT line would be taken for the other's line.
        ({"ready_pattern": "version="}, {"silent": OWN, "crash": OWN}),
        # So would its complaint.
        ({"ready_pattern": "port \\d+", "ready_stream": "either"}, {"silent": OWN, "crash": OWN}),
        (
            {"ready_url": "http://127.0.0.1:8000/"},
            {"silent": OTHERS, "crash": OTHERS, "malformed": OTHERS, "twice": OWN},
        ),
    ],
)
def test_the_failing_sidecar_is_waited_for_in_the_way_that_is_tried(
    demo: Sidecar, said: dict[str, Any], ways: dict[str, str]
) -> None:
    """Unless that would be answered by what it says anyway."""
    other = replace(demo, **said)
    for fault, way in ways.items():
        launching = verify.failing_launch(other, fault, 1500)
        assert launching.ready_of is (other if way == OTHERS else None), fault
        assert launching.args is not None
        assert launching.args[:2] == ("--fault", fault)
        assert launching.ready_timeout_ms == 1500


def test_a_port_is_handed_over_where_the_address_needs_one(demo: Sidecar) -> None:
    """The host refuses an address with a free port that nobody is told."""
    url = "http://127.0.0.1:{free_port}/"
    asked = replace(demo, ready_url=url, env={"PORT": "{free_port}"})
    assert "{free_port}" in (verify.failing_launch(asked, "silent", 1).args or ())
    fixed = replace(demo, ready_url="http://127.0.0.1:8000/")
    assert verify.failing_launch(fixed, "silent", 1).args == ("--fault", "silent")


def test_what_the_failing_sidecar_says_is_what_is_known_of_it() -> None:
    """The words here are those of its program."""
    text = (verify.FAULTY / "main.py").read_text(encoding="utf-8")
    assert verify.FAULTY_BOOT.removesuffix("1") in text
    assert f'err("{STDERR_LINE}")' in text
    found = re.search(r"for line in \((.*)\):", text)
    assert found
    assert found[1] == ", ".join(f'"{line}"' for line in MALFORMED)


@pytest.mark.slow
def test_the_failing_sidecar_has_the_python_of_the_one_in_whose_place_it_is(
    demo: Sidecar, another: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checklist of another Python shows nothing of the own one's."""
    asked: list[Sequence[str]] = []

    def refused(argv: Sequence[str], **_: Any) -> SimpleNamespace:
        asked.append(argv)
        return SimpleNamespace(ok=False, output="refused")

    monkeypatch.setattr(logged, "run", refused)
    for beside, words in ((demo, []), (demo.with_python(another), ["--python", another])):
        with pytest.raises(BuildFailedError) as caught:
            verify.faulty_build(VARIANTS["pyinstaller-onedir"], beside)
        argv = list(asked.pop())
        assert argv[argv.index(str(verify.FAULTY)) + 1 :] == words
        assert (caught.value.try_next or "").endswith(" ".join(words))


def test_a_report_tells_once_what_differs_in_figures_alone() -> None:
    """What is of the variant is shown, and so is a row that failed there alone."""

    def row(target: str, name: str, text: str, status: str = "pass") -> dict[str, Any]:
        return {"target": target, "row": name, "status": status, "evidence": text, "scenarios": []}

    found = result(
        "checklist",
        [
            row("nuitka-onefile", "A1", "nuitka-onefile: sha256 0a1b2c, READY after 1.5 ms"),
            row("nuitka-onefile", "B1", "PID 7 (its child 8 runs the program)"),
            row("nuitka-onefile", "B2", "no failure"),
            row("nuitka-lean", "A1", "nuitka-lean: sha256 7d8e9f, READY after 22.0 ms"),
            row("nuitka-lean", "B1", "PID 9 (the same process)"),
            row("nuitka-lean", "B2", "no failure", "fail"),
        ],
        "nuitka-onefile",
        "nuitka-lean",
    )
    first, other = (verify.render_evidence(found, name) for name in found.targets)
    assert first.count("\n- **") == 3
    assert re.findall(r"\*\*(\w+)\*\* (\w+)", other) == [("B1", "pass"), ("B2", "fail")]
    assert "- 1 of 3 rows as for nuitka-onefile, but for figures." in other
