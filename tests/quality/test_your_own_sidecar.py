"""The short path of docs/your-own-sidecar.md stays short, and tells what the loader knows."""

from __future__ import annotations

import re

from spike.core.workspace import TOOL as ROOT
from spike.project.settings import KEYS

TEXT = (ROOT / "docs" / "your-own-sidecar.md").read_text(encoding="utf-8")
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


def commands(heading: str) -> list[str]:
    """The first block of commands below a heading."""
    section = TEXT.partition(f"## {heading}\n")[2]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def test_a_verified_package_takes_six_commands_at_most() -> None:
    """The same for a new service and for a project that is there, and the README says how many."""
    new = commands("The commands")
    there = commands("A project that you have already")
    assert [line.replace("~/my-service", "~/notes") for line in new] == there
    assert new[-1].startswith(".venv/bin/invoke verify")
    assert 1 <= len(new) <= 6
    told = re.search(r"to a verified \.deb in (\w+) commands", README)
    assert told is not None
    assert told[1] == ("one", "two", "three", "four", "five", "six")[len(new) - 1]


def test_the_table_of_keys_is_the_loaders() -> None:
    """A new key is described in the same change."""
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(KEYS)


def test_the_documents_service_is_thirty_lines_of_code_or_so() -> None:
    """What a newcomer has to write fits on a screen."""
    found = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line.strip()]) <= 36
