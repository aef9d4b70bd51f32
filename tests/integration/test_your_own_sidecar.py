"""The short path of docs/your-own-sidecar.md, as it is written there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from tests.support import sidecars

pytestmark = pytest.mark.integration

TEXT = (ROOT / "docs" / "your-own-sidecar.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_documents_service_is_built_and_launched(tmp_path: Path) -> None:
    """Lock, build, bench and record of the two files that the document shows, word for word."""
    folder = tmp_path / "my-service"
    folder.mkdir()
    manifest = block("toml").replace('"my-service"', '"sidecar-documented"')
    (folder / "pyproject.toml").write_text(manifest, encoding="utf-8")
    (folder / "main.py").write_text(block("python"), encoding="utf-8")
    output = folder / "decision-record.md"
    with sidecars.cleaned("sidecar-documented"):
        for done in (
            sidecars.nox("lock", folder),
            sidecars.nox("build_pyinstaller", folder, "--mode", "onedir"),
            sidecars.invoke("bench", folder, "--launches", "3"),
            sidecars.invoke("adr", folder, "--output", str(output)),
        ):
            assert done.returncode == 0, done.stdout
    assert "sidecar-documented" in output.read_text(encoding="utf-8")


@pytest.mark.nightly
@pytest.mark.host
def test_the_documents_commands_lead_from_a_src_layout_to_a_verified_package(
    tmp_path: Path,
) -> None:
    """FastAPI, ``[project.scripts]`` and ``uv.lock``, by all the commands of the document."""
    folder = tmp_path / "notes"
    example = ROOT / "examples" / "frameworks" / "fastapi_uvicorn"
    source = (example / "main.py").read_text("utf-8")
    source = source.replace("from guard import", "from notes.guard import")
    head, separator, life = source.partition('if __name__ == "__main__":')
    assert separator
    (folder / "src" / "notes").mkdir(parents=True)
    (folder / "src" / "notes" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "src" / "notes" / "cli.py").write_text(f"{head}def main():{life}", encoding="utf-8")
    shutil.copy(example / "guard.py", folder / "src" / "notes")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "notes"\nversion = "1.2.3"\nrequires-python = ">=3.11"\n'
        'dependencies = ["fastapi>=0.120,<1", "uvicorn>=0.38,<1"]\n'
        '[project.scripts]\nnotes = "notes.cli:main"\n',
        encoding="utf-8",
    )
    tools = ROOT / ".venv" / "bin"
    subprocess.run([str(tools / "uv"), "lock", "-q"], cwd=folder, check=True)
    section = TEXT.partition("## A project that you have already")[2]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    commands = found[1].replace("~/notes", shlex.quote(str(folder))).splitlines()
    assert len(commands) <= 6
    with sidecars.cleaned("notes"):
        for command in commands:
            done = subprocess.run(
                command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert re.search(r"^\| A3 .*\| pass +\|$", done.stdout, re.MULTILINE), done.stdout
    assert "fail" not in done.stdout
    (package,) = (ROOT / "src-tauri" / "target" / "release" / "bundle" / "deb").glob("*.deb")
    inside = subprocess.run(
        ["dpkg-deb", "--contents", str(package)], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"usr/lib/[\w-]+/notes\.d/notes$", inside, re.MULTILINE), inside
