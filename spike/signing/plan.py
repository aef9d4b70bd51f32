"""The signing plan of an artifact: its executable files, innermost first, and the scripts for them.

Sources: Apple, Hardened Runtime (programs carry entitlements, libraries inherit them) and Creating
distribution-signed code for macOS (inside out, never ``--deep``); PyInstaller's manual, macOS
Binary Code Signing (what a one-file program unpacks is signed while it is built). macOS has never
run here: its lines come from those, and its headers are recorded.
"""

from __future__ import annotations

import json
import plistlib
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from spike.core import jsonfile
from spike.core.errors import MissingBuildError
from spike.core.tables import table
from spike.core.workspace import display_path
from spike.signing.binaries import Binary, Format, Kind, find

WRITES_CODE = "com.apple.security.cs.allow-unsigned-executable-memory"
"""ctypes and cffi write code for their callbacks while the program runs."""

FOREIGN_LIBRARIES = "com.apple.security.cs.disable-library-validation"
"""What a one-file program unpacks may be signed by nobody of the program's own team."""

SEALED = {
    "pyinstaller": "[tool.sidecar.pyinstaller] "
    'args = ["--codesign-identity", "…", "--osx-entitlements-file", "…"]',
    "nuitka": '[tool.sidecar.nuitka] args = ["--macos-sign-identity=…"]',
}
"""How a packager signs what its one file unpacks, while it builds."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One signature.

    Attributes:
        binary: What is signed.
        entitlements: Apple's names of what it may do under the hardened runtime; empty for all but
            programs of macOS.
    """

    binary: Binary
    entitlements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How an artifact is signed.

    Attributes:
        artifact: The folder or file that ships.
        steps: The signatures, in the order in which they have to be made.
        left: Executable files that are left as they are.
        notes: What else has to be known, a sentence each.
    """

    artifact: Path
    steps: tuple[Step, ...]
    left: tuple[Binary, ...]
    notes: tuple[str, ...]


def of(artifact: Path, *, packager: str = "") -> Plan:
    """Plan the signatures of an artifact.

    Args:
        artifact: A folder or a file, of any platform.
        packager: What has built it, if known.

    Raises:
        MissingBuildError: There is no executable file in it.
        StorageError: Something cannot be read.
    """
    if not artifact.exists():
        raise MissingBuildError(
            f"There is no {display_path(artifact)}.",
            try_next="invoke status, or another --artifact",
        )
    found = find(artifact)
    if not found:
        raise MissingBuildError(
            f"No executable file is in {display_path(artifact)}.",
            why="Looked for are ELF, PE and Mach-O.",
            try_next="name the folder that ships: invoke signing-plan --artifact DIR",
        )
    outside = [binary for binary in found if not binary.within]
    packed = [binary for binary in found if binary.within]
    steps = [
        Step(binary=binary, entitlements=_entitlements(binary, artifact, packed))
        for binary in outside
        if _is_to_sign(binary)
    ]
    return Plan(
        artifact=artifact,
        steps=tuple(steps),
        left=(*packed, *(binary for binary in outside if not _is_to_sign(binary))),
        notes=tuple(_notes(artifact, outside, packed, packager)),
    )


def _is_to_sign(binary: Binary) -> bool:
    """ELF has no signature; who made a signed PE has signed it; on macOS one team signs all."""
    return binary.format is Format.MACH_O or (binary.format is Format.PE and not binary.signed)


def _entitlements(binary: Binary, artifact: Path, packed: Sequence[Binary]) -> tuple[str, ...]:
    if binary.format is not Format.MACH_O or binary.kind is not Kind.PROGRAM:
        return ()
    unpacks = artifact.is_file() or any(each.within == binary.path for each in packed)
    return (WRITES_CODE, FOREIGN_LIBRARIES) if unpacks else (WRITES_CODE,)


def _notes(
    artifact: Path, outside: Sequence[Binary], packed: Sequence[Binary], packager: str
) -> list[str]:
    formats = {binary.format for binary in outside}
    notes = []
    if formats == {Format.ELF}:
        notes.append(
            "Programs of Linux carry no signature of their own: sign the package (.deb, .rpm, "
            "AppImage) that they are in."
        )
    if formats & {Format.PE, Format.MACH_O} and artifact.is_file():
        inside = f"the {len(packed)} executable files inside" if packed else "what it unpacks"
        how = SEALED.get(packager)
        notes.append(
            f"It is one file: {inside} can be signed only while it is built"
            + (f", by {how}." if how else ".")
        )
    if Format.MACH_O in formats and artifact.is_dir():
        notes.append(
            "Sign before `tauri build`: it signs the application and what externalBin names, but "
            "nothing that lies in its resources, as a folder does."
        )
    if Format.PE in formats and any(binary.signed for binary in outside):
        notes.append("What its maker has signed already, such as Python's own DLL, is left alone.")
    return notes


def render(plan: Plan) -> str:
    """The plan as a table of all executable files, with its notes."""
    rows = [
        [
            str(number),
            step.binary.path,
            f"{step.binary.format} {step.binary.kind}",
            " ".join(step.binary.processors),
            ", ".join(name.rsplit(".", 1)[1] for name in step.entitlements) or "-",
        ]
        for number, step in enumerate(plan.steps, 1)
    ]
    rows += [
        [
            _why_left(binary),
            binary.path,
            f"{binary.format} {binary.kind}",
            " ".join(binary.processors),
            "-",
        ]
        for binary in plan.left
    ]
    listed = table(["signature", "file", "kind", "for", "entitlements"], rows)
    return "\n\n".join([f"{display_path(plan.artifact)}: {_counts(plan)}", listed, *plan.notes])


def _why_left(binary: Binary) -> str:
    if binary.format is Format.ELF:
        return "ELF has none"
    return "when it is built" if binary.within else "has its maker's"


def _counts(plan: Plan) -> str:
    whole = len(plan.steps) + len(plan.left)
    files = "executable file" if whole == 1 else "executable files"
    return f"{len(plan.steps)} of {whole} {files} to sign" + (", in this order." if whole else ".")


def write(plan: Plan, folder: Path) -> tuple[Path, ...]:
    """Write the plan as JSON, and a script for each platform that it has steps of.

    Returns:
        What was written.

    Raises:
        StorageError: It cannot be written.
    """
    document = asdict(plan) | {"artifact": plan.artifact.name}
    texts = {}
    of_macos = [step for step in plan.steps if step.binary.format is Format.MACH_O]
    of_windows = [step for step in plan.steps if step.binary.format is Format.PE]
    is_alone = plan.artifact.is_file()
    for names in sorted({step.entitlements for step in of_macos if step.entitlements}):
        texts[_plist_name(names)] = plistlib.dumps(dict.fromkeys(names, True)).decode()
    if of_macos:
        texts["sign.sh"] = codesign_script(of_macos, is_alone=is_alone)
    if of_windows:
        texts["sign.ps1"] = signtool_script(of_windows, is_alone=is_alone)
    jsonfile.write(folder / "plan.json", json.loads(json.dumps(document)))
    for name, text in texts.items():
        jsonfile.write_text(folder / name, text)
    if of_macos:
        (folder / "sign.sh").chmod(0o755)
    return tuple(folder / name for name in ("plan.json", *texts))


def _plist_name(names: Sequence[str]) -> str:
    return "one-file.plist" if FOREIGN_LIBRARIES in names else "program.plist"


def codesign_script(steps: Sequence[Step], *, is_alone: bool) -> str:
    """A shell script for macOS. It takes the artifact's place as its argument.

    Args:
        steps: What is signed, in this order.
        is_alone: Whether the artifact is one file.
    """
    lines = []
    places = {
        step: '"$PLACE"' if is_alone else f'"$PLACE"/{shlex.quote(step.binary.path)}'
        for step in steps
    }
    for step in steps:
        plist = (
            f' --entitlements "$HERE"/{_plist_name(step.entitlements)}' if step.entitlements else ""
        )
        lines.append(f"sign{plist} {places[step]}")
    return "\n".join(
        [
            "#!/bin/sh",
            "# Signs an artifact, innermost first. Usage: sign.sh PLACE",
            "set -eu",
            'PLACE="${1:?the folder or the file to sign}"',
            ': "${APPLE_SIGNING_IDENTITY:?Developer ID Application: …}"',
            'HERE="$(cd "$(dirname "$0")" && pwd)"',
            'ID="$APPLE_SIGNING_IDENTITY"',
            "sign() {",
            '  codesign --force --timestamp --options runtime --sign "$ID" "$@"',
            "}",
            *lines,
            *(f"codesign --verify --strict {place}" for place in places.values()),
            "",
        ]
    )


def signtool_script(steps: Sequence[Step], *, is_alone: bool) -> str:
    """A PowerShell script for Windows; see :func:`codesign_script`."""
    places = [
        "$Place" if is_alone else f"(Join-Path $Place {_powershell(step.binary.path)})"
        for step in steps
    ]
    return "\n".join(
        [
            "# Signs an artifact, innermost first.",
            "param(",
            "  [Parameter(Mandatory)] [string] $Place,",
            "  [Parameter(Mandatory)] [string] $Thumbprint,",
            "  [Parameter(Mandatory)] [string] $TimestampUrl",
            ")",
            "$ErrorActionPreference = 'Stop'",
            "function Sign([string] $File) {",
            "  signtool sign /fd SHA256 /td SHA256 /tr $TimestampUrl /sha1 $Thumbprint $File",
            "  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }",
            "  signtool verify /pa $File",
            "  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }",
            "}",
            *(f"Sign {place}" for place in places),
            "",
        ]
    )


def _powershell(text: str) -> str:
    return "'" + text.replace("/", "\\").replace("'", "''") + "'"
