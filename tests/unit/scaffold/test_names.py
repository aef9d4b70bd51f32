"""One name that Cargo, npm, Debian, Python and Tauri all take, or an error that shows one."""

from __future__ import annotations

import pytest

from spike.core.errors import UsageError
from spike.scaffold import names


@pytest.mark.parametrize(
    ("folder", "name"),
    [("notes", "notes"), ("My App", "my-app"), ("Mémo_2 (new)", "memo-2-new"), ("-x1-", "x1")],
)
def test_a_folders_name_becomes_one(folder: str, name: str) -> None:
    """Whatever it is made of."""
    assert names.package_name("", folder) == name
    assert names.identifier("", name) == f"com.example.{name}"


@pytest.mark.parametrize("folder", ["", "日記", "1st", "x", "Test", "con", "lpt1", "a" * 51])
def test_no_name_is_an_error_with_an_example(folder: str) -> None:
    """Which is a name itself."""
    with pytest.raises(UsageError) as told:
        names.package_name("", folder)
    assert names.package_name(told.value.try_next.removeprefix("--name "), folder) == "my-app"


@pytest.mark.parametrize(
    "given",
    ["My App", "a--b", "-a", "a-", "a_b", "fn", 'a"', "ab\n", "sidecar-supervisor"],
)
def test_nobody_gets_another_name_than_they_gave(given: str) -> None:
    """It is taken as it is, or not at all."""
    with pytest.raises(UsageError, match="cannot be called"):
        names.package_name(given, "folder")


@pytest.mark.parametrize(
    "given", ["notes", "com.", "com.my app", "com.1.x", "me.app", "a.b\n", "com.tauri.dev"]
)
def test_an_identifier_is_a_domain_backwards(given: str) -> None:
    """The error shows one that is."""
    with pytest.raises(UsageError) as told:
        names.identifier(given, "app")
    assert names.identifier(told.value.try_next.removeprefix("--identifier "), "app")
    assert names.identifier("org.my-place.Notes", "notes") == "org.my-place.Notes"
