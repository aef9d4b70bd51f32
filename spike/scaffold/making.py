"""The files of a new application, and how they get into its folder: all of them, or none.

Most are copies of what is tested here anyway. The rest is ``template/``, filled in by
:class:`string.Template`, which ends with an error at a name that it does not know.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import tomlkit

from spike import __version__
from spike.core.errors import StorageError, UsageError, reason
from spike.core.workspace import TOOL
from spike.scaffold import names

TEMPLATE = Path(__file__).with_name("template")

_HOST = TOOL / "src-tauri"
_CRATES = "src-tauri/crates"
_SERVICE = "examples/frameworks/fastapi_uvicorn"
_PLUGIN = "README.md api-iife.js build.rs config.schema.json guest-js/index.ts permissions src"

COPIED = {
    "src-tauri/supervisor/src": f"{_CRATES}/supervisor/src",
    "src-tauri/plugin-build/src": f"{_CRATES}/plugin-build/src",
    **{f"src-tauri/plugin/{part}": f"{_CRATES}/plugin/{part}" for part in _PLUGIN.split()},
    # Cargo takes out what the application does not need; the versions are those that were tested.
    "src-tauri/Cargo.lock": "src-tauri/Cargo.lock",
    "src-tauri/icons": "src-tauri/icons",
    f"{_SERVICE}/guard.py": "sidecar/guard.py",
    "examples/contract/python/sidecar_contract.py": "sidecar/sidecar_contract.py",
}
"""What the tool brings, below its folder, and where the application has it: files and folders."""

DEVELOP = ("npm ci", "nox -s sidecar_env", "npm run tauri dev")
SHIP = ("nox -s build_pyinstaller -- --mode onefile", "invoke stage", "npm run tauri build")
"""The commands of a new application, in its folder, in order."""


def make(folder: Path, *, name: str = "", identifier: str = "") -> str:
    """Make an application.

    Args:
        folder: Where; it is empty or not there.
        name: Its name; empty to make it from the folder's.
        identifier: Its identifier; empty for ``com.example.NAME``.

    Returns:
        What was made, and the commands that come next.

    Raises:
        UsageError: The folder, the name or the identifier will not do; nothing is written.
        StorageError: It cannot be written; nothing stays.
    """
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(
            f"{folder} is there already and stays as it is.",
            why="A new application gets a folder of its own.",
            try_next="another folder; docs/plugin.md is about an application that you have",
        )
    folder = folder.resolve()
    called = names.package_name(name, folder.name)
    content = files(called, names.identifier(identifier, called))
    _write(folder, content)
    lines = [
        f"{called} is made: {len(content)} files in {folder}. Develop it:",
        *(f"  {line}" for line in [*_entering(folder), *DEVELOP]),
        "Ship it:",
        *(f"  {line}" for line in SHIP),
    ]
    return "\n".join(lines)


def files(name: str, identifier: str) -> dict[str, bytes]:
    """The content of every file, by its path in the application's folder, with slashes."""
    workspace = tomlkit.parse(_text("src-tauri/Cargo.toml")).unwrap()["workspace"]
    package = json.loads(_text("src-tauri/package.json"))
    values = {
        "name": name,
        "identifier": identifier,
        "sidecar": f"{name}-api",
        "tool": __version__,
        "rust": workspace["package"]["rust-version"],
        "cli": package["devDependencies"]["@tauri-apps/cli"],
    }
    found = {
        path.relative_to(TEMPLATE).as_posix(): (
            string.Template(path.read_text(encoding="utf-8")).substitute(values).encode()
        )
        for path in _below(TEMPLATE)
    }
    for source, target in COPIED.items():
        for path in _below(TOOL / source):
            place = Path(target, path.relative_to(TOOL / source))
            found[place.as_posix()] = path.read_bytes()
    # In a wheel it lies beside the metadata, and nowhere twice.
    licenses = [TOOL / "LICENSE", *TOOL.parents[1].glob("packaging_spike-*/licenses/LICENSE")]
    found[f"{_CRATES}/LICENSE"] = next(filter(Path.is_file, licenses)).read_bytes()
    crates = ["plugin", "plugin-build", "supervisor"]
    for crate in crates:
        manifest = _without_tests(_text(f"src-tauri/{crate}/Cargo.toml"))
        found[f"{_CRATES}/{crate}/Cargo.toml"] = manifest
    whole = {"workspace": {**workspace, "members": crates}}
    found[f"{_CRATES}/Cargo.toml"] = tomlkit.dumps(whole).encode()
    # These two locks are as they are but for the name.
    lock = _text("src-tauri/package-lock.json").replace(package["name"], name)
    found["package-lock.json"] = lock.encode()
    lock = _text(f"{_SERVICE}/requirements.lock")
    lock = lock.replace("via sidecar-fastapi-uvicorn ", f"via {values['sidecar']} ")
    found["sidecar/requirements.lock"] = lock.encode()
    return found


def _text(brought: str) -> str:
    return (TOOL / brought).read_text(encoding="utf-8")


def _below(path: Path) -> Iterator[Path]:
    """The file itself, or all files of a folder but those that are made there."""
    if path.is_file():
        yield path
    for file in path.rglob("*"):
        if file.is_file() and not {"__pycache__", "schemas"} & set(file.relative_to(path).parts):
            yield file


def _without_tests(manifest: str) -> bytes:
    """A crate's Cargo.toml without what only its tests need."""
    document = tomlkit.parse(manifest).unwrap()
    for table in (document, *document.get("target", {}).values()):
        table.pop("dev-dependencies", None)
        table.pop("bin", None)
    return tomlkit.dumps(document).encode()


def _write(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write all files; when one cannot be written, or somebody interrupts, none stays."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for name, data in content.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except BaseException as error:
        for name in {name.partition("/")[0] for name in content}:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
            shutil.rmtree(folder / name, ignore_errors=True)
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise StorageError(
                f"The application cannot be written: {reason(error)}.",
                why="Nothing of it was left there.",
                try_next=f"free some disk space, or check the rights of {folder.parent}",
            ) from None
        raise


def _entering(folder: Path) -> list[str]:
    """The commands that go there, and find invoke, nox and, in a clone, the tool itself there."""
    programs, found = Path(sys.executable).parent, shutil.which("invoke")
    values = {}
    if found is None or Path(found).parent != programs:
        values["PATH"] = str(programs)
    if (TOOL / "packaging_spike").is_dir():
        values["PYTHONPATH"] = str(TOOL)
    if sys.platform == "win32":
        rest = {"PATH": ";%PATH%"}
        setting = [f'set "{key}={value}{rest.get(key, "")}"' for key, value in values.items()]
        return [f'cd /d "{folder}"', *setting]
    rest = {"PATH": ':"$PATH"'}
    setting = [f"export {key}={shlex.quote(v)}{rest.get(key, '')}" for key, v in values.items()]
    return [f"cd {shlex.quote(str(folder))}", *setting]
