"""The diagnoses on programs frozen now: the saved tracebacks of the unit tests cannot grow old."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from spike.build import advice, buildinfo
from spike.build.buildinfo import Built
from spike.core.workspace import TOOL as ROOT
from spike.launch import judgement, launcher
from spike.launch.causes import Cause
from spike.launch.spec import LaunchSpec
from spike.packagers import variant_named
from spike.project import sidecar
from tests.support import sidecars
from tests.support.diagnoses import CASES

pytestmark = pytest.mark.integration

TRAPS = ROOT / "tests" / "sidecars" / "traps"
ZETA = "int zeta(void) { return 1; }\n"


@pytest.fixture(
    scope="module",
    params=[
        "pyinstaller-onefile",
        "cx_freeze-onedir",
        pytest.param("nuitka-standalone", marks=pytest.mark.nightly),
    ],
)
def traps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The program that needs what cannot be foreseen, frozen."""
    variant = variant_named(request.param)
    folder = tmp_path_factory.mktemp("traps") / "traps"
    shutil.copytree(TRAPS, folder)
    _extension_without_its_library(folder)
    (folder / "libshape.so").write_bytes(b"not looked at: it does not ship")
    manifest = folder / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace('"json.tool"', '"json.tool", "needs_zeta"'))
    done = sidecars.nox(
        f"build_{variant.packager.name}", folder, "--mode", variant.mode.name, "--force"
    )
    assert done.returncode == 0, done.stdout
    return buildinfo.find(variant, sidecar.load(folder))


def _extension_without_its_library(folder: Path) -> None:
    """Compile ``needs_zeta`` against a library that no packager can find."""
    library = folder.parent / "libzeta.so.1"
    (folder.parent / "zeta.c").write_text(ZETA)
    shared = ("gcc", "-shared", "-fPIC")
    subprocess.run(
        [*shared, "-Wl,-soname,libzeta.so.1", "-o", library, folder.parent / "zeta.c"], check=True
    )
    source = folder / "needs_zeta.c"
    include = sysconfig.get_path("include")
    subprocess.run(
        [*shared, f"-I{include}", source, library, "-o", folder / "needs_zeta.so"], check=True
    )
    source.unlink()


@pytest.mark.parametrize(("case", "cause", "target", "_fix"), CASES)
def test_a_program_frozen_now_gets_the_same_diagnosis(
    traps: Built, case: str, cause: Cause, target: str, _fix: str
) -> None:
    """What the unit tests promise for saved tracebacks holds for today's packagers."""
    operation, _, operand = case.partition(".")
    operand = operand.replace("data_", "data/")
    done = launcher.launch(LaunchSpec(argv=(str(traps.artifact), operation, operand)))
    if done.ready_ms is not None:
        assert operation == "read-in-package", "only cx_Freeze's copied packages need no advice"
        assert traps.variant.packager.name == "cx_freeze"
        return
    found = judgement.finding(done, variant=traps.variant.id, known=advice.facts_of(traps))
    assert found is not None, done
    assert (found.cause, found.target) == (cause, target)
