"""What the first launch of a build has shown beside the plain script, as it is kept with the build.

Written in the packager's environment, read by ``invoke fit``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spike.completeness.missing import Gap
from spike.core import jsonfile
from spike.core.errors import CorruptFileError
from spike.core.workspace import display_path

FILE_NAME = "first-launch.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How program and plain script have done.

    Attributes:
        program_ok: Whether the program came up, and went as it should or as the plain script did.
        program_detail: What was amiss.
        plain_ok: Whether the plain script came up.
        plain_detail: What was amiss.
        gaps: What the script has and the program has not.
        findings: Keys of ``[tool.sidecar]`` and a value each, that the program's output asks for.
        differences: What both have written or answered, as far as it differs.
        pages: Addresses that were asked of both; 0 when none was known, or nobody wanted to.
    """

    program_ok: bool
    program_detail: str
    plain_ok: bool
    plain_detail: str
    gaps: tuple[Gap, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()
    pages: int = 0

    @property
    def equal(self) -> bool:
        """Whether the program did all that the script does, as far as it was asked."""
        return self.program_ok and not self.differences


def write(folder: Path, outcome: Outcome) -> None:
    """Keep it in a folder.

    Raises:
        StorageError: It cannot be written.
    """
    jsonfile.write(folder / FILE_NAME, asdict(outcome))


def read(folder: Path) -> Outcome:
    """Read what is kept in a folder.

    Raises:
        CorruptFileError: It is missing or none.
    """
    place = folder / FILE_NAME
    try:
        kept: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return Outcome(
            **kept
            | {
                "gaps": tuple(
                    Gap(**gap | {"values": tuple(gap["values"])}) for gap in kept["gaps"]
                ),
                "findings": tuple((key, value) for key, value in kept["findings"]),
                "differences": tuple(kept["differences"]),
            }
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CorruptFileError(
            f"{display_path(place)} cannot be read: {error}.", try_next="build again with --force"
        ) from None
