"""What can be said of a sidecar before anything is built."""

from __future__ import annotations

import re
from pathlib import Path

from spike.project import checkup, sidecar


def examined(folder: Path, manifest: str, *files: str, main: str = "import used\n") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "app"\nversion = "1"\n{manifest}')
    for name, text in {**dict.fromkeys(files, ""), "main.py": main, "used.py": ""}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return checkup.render(checkup.examine(sidecar.load(folder)))


def test_a_small_sidecar_is_told_in_three_lines(tmp_path: Path) -> None:
    """Nothing of it is in doubt; what is only for development is not spoken of."""
    said = examined(tmp_path / "a", "", "tests/test_a.py", "README.md", ".env", "requirements.txt")
    assert said == (
        "app 1: main.py is packaged.\nIt has no dependencies.\n"
        "2 of its files are reached by imports."
    )


def test_what_may_stay_behind_is_said_once(tmp_path: Path) -> None:
    """Modules that no import reaches, and files that are not data."""
    files = ["plugins/__init__.py", "plugins/a.py", "static/x.css", "static/y.js", "words.txt"]
    said = examined(tmp_path / "a", "", *files)
    assert "warning: no import reaches plugins/__init__.py, plugins/a.py;" in said
    assert "warning: static/, words.txt does not ship unless data lists it." in said
    listed = '[tool.sidecar]\nhidden_imports = ["plugins", "plugins.a"]\n'
    listed += 'data = ["static", "words.txt"]\n'
    assert "warning" not in examined(tmp_path / "a", listed, *files)


def test_what_a_build_would_refuse_is_an_error(tmp_path: Path) -> None:
    """A Python that is too old, a lock of other dependencies, an import that cannot succeed."""
    said = examined(tmp_path / "a", 'requires-python = ">=3.99"\n')
    assert "error: app asks for Python >=3.99" in said
    said = examined(tmp_path / "b", 'dependencies = ["click"]\n', "words.txt", main="import gone\n")
    assert "Its dependencies are not locked yet. Next: nox -s lock -- --sidecar" in said
    assert "error" not in said, "that is the next step and no mistake"
    assert "warning: words.txt does not ship" in said, "the rest is said all the same"
    assert "imports 'gone'" not in said, "click may have it"
    (tmp_path / "b" / "requirements.lock").write_text("flask==3.0.0\n", encoding="utf-8")
    said = examined(tmp_path / "b", 'dependencies = ["click"]\n', "words.txt", main="import gone\n")
    assert re.search(r"error: .*requirements.lock was made for other dependencies", said)
    said = examined(tmp_path / "c", "", main="import gone\n")
    assert "imports 'gone', which no dependency of app provides" in said
    said = examined(tmp_path / "d", "", main="def broken(:\n")
    assert "is not valid Python" in said
    said = examined(tmp_path / "e", '[tool.sidecar]\npython = "3.97"\n')
    assert "error: There is no Python 3.97 here" in said
