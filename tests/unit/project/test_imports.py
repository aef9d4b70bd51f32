"""What a program imports is known before anything is packaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.project import imports
from spike.project.sidecar import Sidecar


def written(folder: Path, **files: str) -> Sidecar:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Sidecar(folder=folder, name="demo", version="1", dependencies=("httpx>=0.28",))


def test_files_beside_the_entry_are_followed(tmp_path: Path) -> None:
    """Modules, packages, submodules and relative imports of the sidecar are read, once each."""
    sidecar = written(
        tmp_path,
        main="import store\nfrom web import routes\n",
        store="import main\nimport sqlalchemy.orm\n",
        web__init="",
        web__routes="from . import forms\nfrom .forms import Form\nimport httpx\n",
        web__forms="import pydantic\nclass Form: pass\n",
        unreached="import never\nthis is not python\n",
    )
    (tmp_path / "web" / "init.py").rename(tmp_path / "web" / "__init__.py")
    found = {(item.module, item.file, item.line) for item in imports.scan(sidecar)}
    assert found == {
        ("sqlalchemy.orm", "store.py", 2),
        ("httpx", "web/routes.py", 3),
        ("pydantic", "web/forms.py", 1),
    }


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        ("import gone", False),
        ("def late():\n    import gone", False),
        ("try:\n    import gone\nexcept ImportError:\n    gone = None", True),
        ("try:\n    import gone\nexcept (OSError, ModuleNotFoundError):\n    pass", True),
        ("try:\n    import gone\nexcept:\n    pass", True),
        ("try:\n    import gone\nfinally:\n    pass", False),
        ("import sys\nif sys.platform == 'win32':\n    import gone", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gone", True),
    ],
)
def test_only_imports_that_have_to_succeed_are_demanded(
    tmp_path: Path, source: str, optional: bool
) -> None:
    """A guarded import is the program's own business; every other one must be provided."""
    sidecar = written(tmp_path, main=source)
    found = imports.scan(sidecar)
    if optional:
        imports.check(sidecar, found, {})
    else:
        with pytest.raises(SidecarError, match=r"main\.py:\d imports 'gone'") as caught:
            imports.check(sidecar, found, {})
        assert '["httpx>=0.28", "gone"]' in caught.value.try_next
    imports.check(sidecar, found, {"gone": "gone"})


def test_a_broken_file_that_is_reached_is_named(tmp_path: Path) -> None:
    """A syntax error is found in any file that the program imports, with its line."""
    sidecar = written(tmp_path, main="import store\n", store="x = 1\ndef broken(:\n")
    with pytest.raises(SidecarError, match=r"store\.py:2 is not valid Python"):
        imports.scan(sidecar)


def test_a_null_byte_or_another_encoding_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    """Whatever Python itself refuses to read is refused here in the same way."""
    sidecar = written(tmp_path, main="")
    for content in (b"x = 1\0", b"# coding: klingon\n", "s = 'é'".encode("latin-1")):
        (tmp_path / "main.py").write_bytes(content)
        with pytest.raises(SidecarError, match="not valid Python"):
            imports.scan(sidecar)
