"""The keys of [tool.sidecar], alone and together."""

from __future__ import annotations

import tomllib

import pytest

from spike.core.errors import SidecarError
from spike.packagers import PACKAGERS
from spike.project import settings


def values(text: str) -> dict[str, object]:
    return settings.values(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        '[tool.side-car]\ndata = ["words.txt"]',
        "[tool.sidecars]",
        "[tool.Sidecar]",
        "[tool.side_car]",
        "[tool.siedcar]",
        "[tools.sidecar]",
        "[sidecar]",
        "[tool.sidecar]\n[tool.sidecars]",
    ],
)
def test_a_table_that_is_almost_ours_is_noticed(text: str) -> None:
    """Its settings would all be left unread, without a word."""
    with pytest.raises(SidecarError, match=r"is not read") as caught:
        values(text)
    assert caught.value.try_next.startswith("[tool.sidecar] in place of [")


@pytest.mark.parametrize("text", ["[tool.side]", "[tool.car]", "[tool.black]", "[tool.sphinx]", ""])
def test_other_tools_tables_are_theirs(text: str) -> None:
    """Only what is a slip of the fingers away is a mistake."""
    assert values(text) == {"packager_args": {}}


@pytest.mark.parametrize(
    ("line", "try_next"),
    [
        ('hiden_imports = ["json"]', "hidden_imports in place of hiden_imports, such as"),
        ('hidden-imports = ["json"]', "hidden_imports in place of hidden-imports"),
        ('excludes = ["tkinter"]', 'exclude = ["tkinter"]'),
        (
            'pyinstaller_args = ["--noconsole"]',
            '[tool.sidecar.pyinstaller] args = ["--noconsole"]',
        ),
        ('nuitka_options = "x"', '[tool.sidecar.nuitka] args = ["..."]'),
        ("dependencies = []", "[project] dependencies in place of dependencies"),
        ("zzz = 1", "remove zzz"),
    ],
)
def test_an_unknown_key_names_the_one_that_is_meant(line: str, try_next: str) -> None:
    """Not always the same one."""
    with pytest.raises(SidecarError, match="is not a known key; known are") as caught:
        values(f"[tool.sidecar]\n{line}")
    assert try_next in caught.value.try_next


def test_all_unknown_keys_are_named_at_once() -> None:
    """One round, not one each."""
    with pytest.raises(SidecarError, match=r"tool\.sidecar\.entri, tool\.sidecar\.redy are not"):
        values('[tool.sidecar]\nentri = "a"\nredy = "b"')


def test_the_old_name_is_read_for_one_release() -> None:
    """Both names at once are a contradiction."""
    assert values("[tool.sidecar]\nhold_gc = true")["defer_gc"] is True
    with pytest.raises(SidecarError, match="old name of defer_gc, and both are set"):
        values("[tool.sidecar]\nhold_gc = true\ndefer_gc = true")


def test_a_packagers_own_options_are_kept_apart() -> None:
    """A table for each packager that there is."""
    assert set(settings.PACKAGER_TABLES) == set(PACKAGERS)
    found = values(
        '[tool.sidecar.pyinstaller]\nargs = ["--noconsole"]\nspec = "a.spec"\n'
        '[tool.sidecar.nuitka]\nargs = ["--lto=no"]'
    )
    assert found == {
        "packager_args": {"nuitka": ("--lto=no",), "pyinstaller": ("--noconsole",)},
        "spec": "a.spec",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('ready_pattern = "("', "not a regular expression"),
        ('ready_pattern = "x*"', "an empty line matches already"),
        ('ready_pattern = "(?=up)up"', "not known to the host"),
        ('ready_stream = "both"', '"stdout", "stderr" or "either"'),
        (
            'ready = { pattern = "up \\\\d", stream = "stderr" }',
            'ready_pattern = "up \\\\d" and ready_stream = "stderr" in place of the table',
        ),
        (
            "[tool.sidecar.fast_start]\nidle = true",
            "fast_start = true and fast_start_idle = true in place of the table",
        ),
        ("ready = { line = 1 }", "not a text"),
        ('ready_url = "127.0.0.1:80"', "not an http address of this computer"),
        ('ready_url = "http://example.org/"', "not an http address of this computer"),
        ('ready_url = "https://127.0.0.1/"', "not an http address of this computer"),
        ('ready_url = "http://127.0.0.1:{free_port}/"', "neither args nor env hands that port"),
        ('health = "http://127.0.0.1:{free_port}/"', "neither args nor env hands that port"),
        ('smoke = ["x", "{free_port}"]', "neither args nor env hands that port"),
        ('ready = "A"\nready_url = "http://localhost/"', "are both set"),
        ('ready = "A"\nready_pattern = "B"', "are both set"),
        ('ready_stream = "stderr"\nready_url = "http://localhost/"', "waits for no line"),
        ('defer_gc = true\nready_pattern = "up"', "needs a line that the program prints itself"),
        ('python = "2.7"', "not a Python version"),
        ("python = 3.13", "not a Python version"),
        ('args = ["--port", "{port}"]', "which is what a program says once it runs"),
        ('env = { PORT = "{port}" }', "which is what a program says once it runs"),
        ('data = ["../model.bin"]', "not inside the sidecar's folder"),
        ("pyinstaller = 1", "not a table"),
        ("[tool.sidecar.pyinstaller]\nargz = []", "argz is not a known key; known are args, spec"),
        ('[tool.sidecar.nuitka]\nspec = "a.spec"', "spec is not a known key; known are args"),
        ('[tool.sidecar.pyinstaller]\nspec = "a.txt"', "not a .spec file"),
        ('[tool.sidecar.pyinstaller]\nargs = "x"', "not a list of texts"),
    ],
)
def test_a_wrong_value_is_named_with_a_right_one(text: str, says: str) -> None:
    """Alone or together with another."""
    with pytest.raises(SidecarError) as caught:
        values(text if text.startswith("[") else f"[tool.sidecar]\n{text}")
    assert says in str(caught.value)
    assert caught.value.try_next


def test_a_port_that_is_handed_over_is_named_in_the_advice() -> None:
    """The line can be pasted."""
    with pytest.raises(SidecarError) as caught:
        values('[tool.sidecar]\nargs = ["--port={port}"]')
    assert '"--port={free_port}"' in caught.value.try_next
    values('[tool.sidecar]\nargs = ["--port={free_port}", "{}", "{\\"a\\": 1}"]')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budget = 3", "is 3, not a table of numbers"),
        ("[tool.sidecar.budget]\nready = 3", "budget.ready is not a known key; known are ready_ms"),
        ("[tool.sidecar.budget]\nsize_mb = -1", "budget.size_mb is -1.*, not a number of zero"),
        ('[tool.sidecar.budget]\nsize_mb = "9"', "budget.size_mb is '9', not a number"),
        ("[tool.sidecar.budget]\nfailures = true", "budget.failures is True, not a number"),
        ("[tool.sidecar.budget]\nfailures = nan", "budget.failures is nan, not a number"),
    ],
)
def test_a_budget_is_numbers_by_known_keys(text: str, said: str) -> None:
    """Each with a right line to try."""
    with pytest.raises(SidecarError, match=said) as caught:
        values(f"[tool.sidecar]\n{text}")
    assert caught.value.try_next.startswith("budget = { ready_ms_ratio")
