"""Folders of ours in which programs run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours; what cannot be removed is left, never an error."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def environment_without(names: Sequence[str]) -> dict[str, str]:
    """This process's environment without some variables."""
    return {key: value for key, value in os.environ.items() if key not in names}
