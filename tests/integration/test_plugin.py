"""The plugin's page API is typed, small, and as its README shows it; Rust has its own tests."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from spike.core.workspace import TOOL

pytestmark = [pytest.mark.integration, pytest.mark.host]

PLUGIN = TOOL / "src-tauri" / "plugin"
GZIPPED_BYTES = 4096
"""What the page API may weigh."""


def run(*words: str) -> str:
    """Run a program in the plugin's folder, which has to end with 0; gives its output."""
    done = subprocess.run(
        words,
        cwd=PLUGIN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def _packages() -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed here")
    if not (PLUGIN / "node_modules" / "typescript").is_dir():
        run("npm", "ci", "--no-audit", "--no-fund")


def test_the_lock_names_no_registry() -> None:
    """Whoever installs takes the packages from where they want to, by their hashes."""
    locked = json.loads((PLUGIN / "package-lock.json").read_text())["packages"]
    assert all("resolved" not in package for package in locked.values())
    assert all("integrity" in package for name, package in locked.items() if name)


@pytest.mark.usefixtures("_packages")
def test_the_page_api_is_strictly_typed_and_its_script_is_current() -> None:
    """`tsc --strict` finds nothing, and api-iife.js is what the source makes."""
    assert json.loads((PLUGIN / "tsconfig.json").read_text())["compilerOptions"]["strict"]
    run("npm", "run", "--silent", "check")


@pytest.mark.usefixtures("_packages")
def test_the_page_api_is_small(tmp_path: Path) -> None:
    """Both forms of it, gzipped: the module that bundlers take and the script for the others."""
    run("npx", "tsc", "-p", ".", "--outDir", str(tmp_path))
    for script in (tmp_path / "index.js", PLUGIN / "api-iife.js"):
        weight = len(gzip.compress(script.read_bytes()))
        assert 500 < weight < GZIPPED_BYTES, script


@pytest.mark.usefixtures("_packages")
def test_the_examples_in_the_readme_are_typed(tmp_path: Path) -> None:
    """Each block of TypeScript is checked against the API itself, and a wrong one is found."""
    blocks = re.findall(r"```ts\n(.*?)```", (PLUGIN / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        (tmp_path / f"example_{number}.ts").write_text(f"{block}\nexport {{}}\n")
    settings = json.loads((PLUGIN / "tsconfig.json").read_text())
    settings["compilerOptions"] |= {
        "noEmit": True,
        "declaration": False,
        "noUnusedLocals": False,
        "rootDir": "/",
        "paths": {
            "tauri-plugin-sidecar-supervisor-api": [str(PLUGIN / "guest-js" / "index.ts")],
            "@tauri-apps/api/*": [str(PLUGIN / "node_modules" / "@tauri-apps" / "api" / "*")],
        },
    }
    settings["include"] = [str(tmp_path / "*.ts")]
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    run("npx", "tsc", "-p", str(tmp_path))
    (tmp_path / "wrong.ts").write_text(blocks[0].replace("'/notes'", "42"))
    with pytest.raises(AssertionError, match=r"wrong\.ts"):
        run("npx", "tsc", "-p", str(tmp_path))


def test_every_command_has_its_permission_and_its_place_in_the_page_api() -> None:
    """The list in build.rs, the sets of permissions and the calls of the page API agree."""
    listed = re.search(r"COMMANDS: .*?= &\[(.*?)\];", (PLUGIN / "build.rs").read_text(), re.DOTALL)
    assert listed
    commands = set(re.findall(r'"(\w+)"', listed[1]))
    granted = re.findall(r'"allow-([\w-]+)"', (PLUGIN / "permissions/default.toml").read_text())
    assert {name.replace("-", "_") for name in granted} == commands
    called = re.findall(r"(?:call|follow)\('(\w+)'", (PLUGIN / "guest-js/index.ts").read_text())
    assert set(called) == commands
