"""The commands of what is installed for Windows, as pip makes them there."""

from __future__ import annotations

import configparser
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from spike.core.errors import MissingToolError


def entry_points(packages: Path) -> Mapping[str, str]:
    """The commands of what is installed in a folder: their names, and ``module:function``."""
    found: dict[str, str] = {}
    for path in sorted(packages.glob("*.dist-info/entry_points.txt")):
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(path.read_text(encoding="utf-8"))
        if parser.has_section("console_scripts"):
            found |= dict(parser.items("console_scripts"))
    return found


def write_launcher(program: Path, packages: Path, python: str, target: str) -> None:
    """Write the .exe that pip would make on Windows: its launcher, the Python, a script in a zip.

    Args:
        program: The file to write.
        packages: A folder with pip, which has the launcher.
        python: Path of the python.exe that runs it, as Windows has it.
        target: ``module:function``.

    Raises:
        MissingToolError: This pip has no launcher.
    """
    launcher = packages / "pip" / "_vendor" / "distlib" / "t64.exe"
    if not launcher.is_file():
        raise MissingToolError(
            "The pip of Python for Windows has no launcher.", try_next="rm -r build/windows"
        )
    module, _, function = target.split("[")[0].strip().partition(":")
    script = f"import sys\nfrom {module} import {function.split('.')[0]}\nsys.exit({function}())\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("__main__.py", script)
    shebang = f'#!"{python}"\r\n'.encode()
    program.write_bytes(launcher.read_bytes() + shebang + archive.getvalue())
