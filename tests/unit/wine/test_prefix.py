"""Fitting out a Windows: what is written into it, from texts to texts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.core import process
from spike.core.workspace import TOOL
from spike.wine import prefix
from spike.wine.prefix import Wine

LOCK = """\
invoke==3.0.3 \\
    --hash=sha256:aa
    # via packaging-spike:tools
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via matplotlib
psutil==7.2.2 \\
    --hash=sha256:cc
"""


def test_a_lock_without_some_names_keeps_the_others_whole() -> None:
    """With their hashes; without those of what is left out."""
    text = prefix.subset(LOCK, ["numpy"])
    assert "numpy" not in text
    assert "sha256:bb" not in text
    assert text.startswith("invoke==3.0.3 \\\n    --hash=sha256:aa\n")
    assert text.endswith("psutil==7.2.2 \\\n    --hash=sha256:cc\n")
    assert prefix.subset(LOCK, []) == LOCK
    rest = prefix.subset(LOCK, ["numpy"], rest=True)
    assert rest.startswith("numpy==2.4.6 ;")
    assert rest.endswith("    # via matplotlib\n")
    assert prefix.subset(LOCK, ["nothing"], rest=True) == ""


def test_what_is_left_out_is_in_the_lock_of_the_tools() -> None:
    """A name that is there no more would leave nothing out."""
    text = "\n" + (TOOL / "locks" / "tools.txt").read_text(encoding="utf-8")
    for name in (*prefix.NOT_UNDER_WINE, *prefix.NOT_NEEDED):
        assert f"\n{name}==" in text, name


def test_a_forwarder_hands_every_name_of_python_on() -> None:
    """And no other name of the library."""
    exports = (
        "something before\n\t[   0] Py_NotInTheTable\n"
        "[Ordinal/Name Pointer] Table\n"
        "\t[   0] +base[   1]  0000 PyArg_Parse\n"
        "\t[   1] +base[   2]  0001 _Py_NoneStruct\n"
        "\t[   2] +base[   3]  0002 unrelated\n"
    )
    assert prefix.forwarder(exports, "python311").splitlines() == [
        "LIBRARY python3.dll",
        "EXPORTS",
        "  PyArg_Parse = python311.PyArg_Parse",
        "  _Py_NoneStruct = python311._Py_NoneStruct",
    ]


def test_a_path_of_this_system_is_below_the_drive_that_stands_for_it() -> None:
    """With backslashes, spaces and letters as they are."""
    assert prefix.windows_path(Path("/srv/ein größeres Ding")) == "Z:\\srv\\ein größeres Ding"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no Wine")
def test_sources_are_fetched_by_a_pip_that_is_there(tmp_path: Path) -> None:
    """The environments that uv makes, such as the session's own, have none."""
    done = process.capture([str(Wine(folder=tmp_path).pip()), "-m", "pip", "--version"])
    assert done.output.startswith("pip ")
    assert str(tmp_path) in done.output
