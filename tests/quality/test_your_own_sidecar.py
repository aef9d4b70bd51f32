"""The short path of docs/your-own-sidecar.md stays short, and tells what the loader knows."""

from __future__ import annotations

import re

from spike.core.workspace import TOOL as ROOT
from spike.project.settings import KEYS

TEXT = (ROOT / "docs" / "your-own-sidecar.md").read_text(encoding="utf-8")


def test_the_path_needs_ten_commands_at_most() -> None:
    """From a clone and a service to the packaged program and its record."""
    found = re.search(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    assert 1 <= len(found[1].splitlines()) <= 10


def test_the_table_of_keys_is_the_loaders() -> None:
    """A new key is described in the same change."""
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(KEYS)


def test_the_documents_service_is_thirty_lines_of_code_or_so() -> None:
    """What a newcomer has to write fits on a screen."""
    found = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line.strip()]) <= 36
