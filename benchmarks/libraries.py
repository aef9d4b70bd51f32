"""Tries popular libraries with every packager the way a user would: build, launch, take the advice.

Each folder of ``examples/libraries`` is a sidecar that uses one library for what people use it
for. It is built without any hint. When the program fails and the diagnosis names a key of
``[tool.sidecar]``, the key is added to a copy and the copy is built, until the program runs or
there is no more advice. So the table says what a user has to write, and shows that it is enough.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from spike.build import advice, buildinfo, sessions
from spike.core import generated, jsonfile, process
from spike.core.errors import CorruptFileError, SpikeError, UnsuitableError, UsageError
from spike.core.tables import compact
from spike.core.workspace import TOOL, platform_id, project
from spike.launch import judgement
from spike.launch.spec import Launch
from spike.measure.results import keep, kept
from spike.packagers import PACKAGERS, VARIANTS, Variant, modes_alone, variant_named
from spike.project import sidecar
from spike.project.sidecar import Sidecar

SCHEMA = 1
FOLDER = TOOL / "examples" / "libraries"
BLOCK = "libraries"
COMMAND = "invoke libraries"
MAX_BUILDS = 5
"""Builds of one library with one packager; each follows one piece of advice."""
BUILD_TIMEOUT_S = 3600.0


class Status(StrEnum):
    """How a library came out of a packager."""

    WORKS = "works"
    WORKS_WITH = "works_with"
    BUILD_FAILED = "build_failed"
    FAILS = "fails"


@dataclass(frozen=True, kw_only=True)
class LibraryResult:
    """One library with one packager.

    Attributes:
        library: The folder's name.
        variant: The variant that was built.
        status: How it came out.
        used: What the program said of itself when it ran: the library's version and a result.
        added: What had to be added to ``[tool.sidecar]``, a line of TOML for each key.
        detail: Why it failed; empty when it works.
        packager_version: Version of the packager; empty when no build succeeded.
        builds: How many builds it took.
        inputs: SHA-256 of the library's folder, to tell when the result is out of date.
        at: UTC time, ISO 8601.
    """

    library: str
    variant: str
    status: str
    used: str
    added: tuple[str, ...]
    detail: str
    packager_version: str
    builds: int
    inputs: str
    at: str


def names() -> tuple[str, ...]:
    """The libraries that there is a sidecar for, sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/pyproject.toml")))


def folder_variants() -> list[str]:
    """One folder mode a packager: what ships is that of its one-file mode, and it builds faster."""
    hello = sidecar.load()
    found = []
    for packager in PACKAGERS.values():
        modes = [mode.name for mode in modes_alone(packager)]
        try:
            folders = [name for name in modes if packager.recipe(hello, name).folder is not None]
        except UnsuitableError:
            continue  # it is for another system
        found.append(f"{packager.name}-{(folders or modes)[0]}")
    return found


def results_path() -> Path:
    """The results of this platform."""
    return project() / "examples" / "libraries" / f"results-{platform_id()}.json"


def document_path() -> Path:
    """The page with the table of outcomes."""
    return project() / "docs" / "libraries.md"


def run(
    libraries: Sequence[str], variants: Sequence[str], *, force: bool = False
) -> tuple[LibraryResult, ...]:
    """Try libraries with packagers; what is up to date is kept, and each result is saved at once.

    Args:
        libraries: Names of folders; all when empty.
        variants: Ids of variants; :func:`folder_variants` when empty.
        force: Try again what is up to date.

    Raises:
        UsageError: There is no such library or variant.
        StorageError: The results cannot be written.
    """
    for name in libraries:
        if name not in names():
            raise UsageError(
                f"There is no library {name!r}.",
                why=f"Known are: {', '.join(names())}.",
                try_next=f"--library {names()[0]}",
            )
    wanted = [variant_named(name) for name in variants or folder_variants()]
    for variant in wanted:
        for name in libraries or names():
            known = {(item.library, item.variant): item for item in load()}
            before = known.get((name, variant.id))
            inputs = sidecar.load(FOLDER / name).source_sha256()
            if before is not None and before.inputs == inputs and not force:
                continue
            result = attempt(name, variant, inputs)
            _say(f"{name}: {variant.id}: {cell(result)}")
            known = {(item.library, item.variant): item for item in load()}
            known[(name, variant.id)] = result
            save(tuple(known[key] for key in sorted(known)))
    return load()


def attempt(name: str, variant: Variant, inputs: str) -> LibraryResult:
    """Build and launch one library with one packager, following the advice as far as it goes."""
    added: dict[str, list[str]] = {}
    detail, used, version = "", "", ""
    status = Status.FAILS
    builds = 0
    copy = project() / "build" / "libraries" / variant.id / name
    while builds < MAX_BUILDS:
        builds += 1
        folder = _copy(FOLDER / name, copy, added)
        built, detail = _build(folder, variant)
        if built is None:
            status = Status.BUILD_FAILED
            break
        version = built.info.packager_version
        done = _launch(built)
        if done.ok:
            status = Status.WORKS_WITH if added else Status.WORKS
            used = next((line[5:] for line in done.stdout_tail if line.startswith("USED ")), "")
            detail = ""
            break
        known = advice.facts_of(built)
        detail = judgement.explained(done, variant=variant.id, known=known).detail
        found = judgement.finding(done, variant=variant.id, known=known)
        if found is None or not found.key or found.value in added.get(found.key, []):
            break
        added.setdefault(found.key, []).append(found.value)
    _clean(sidecar.load(FOLDER / name), variant, copy)
    return LibraryResult(
        library=name,
        variant=variant.id,
        status=status.value,
        used=used,
        added=tuple(f"{key} = {json.dumps(values)}" for key, values in added.items()),
        detail=detail,
        packager_version=version,
        builds=builds,
        inputs=inputs,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def load(path: Path | None = None) -> tuple[LibraryResult, ...]:
    """Read the results; empty when there are none yet.

    Raises:
        CorruptFileError: The file is damaged or of another schema.
    """
    path = kept(path or results_path())
    try:
        document = jsonfile.read(path, schema=SCHEMA, remedy=COMMAND)
    except FileNotFoundError:
        return ()
    try:
        return tuple(
            LibraryResult(**{**item, "added": tuple(item["added"])}) for item in document["results"]
        )
    except (KeyError, TypeError) as error:
        raise CorruptFileError(
            f"{path} is damaged: {error}.", try_next=f"delete it and run {COMMAND}"
        ) from None


def save(results: Sequence[LibraryResult]) -> None:
    """Write the results atomically.

    Raises:
        StorageError: They cannot be written.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "results": [dataclasses.asdict(item) for item in results],
    }
    keep(results_path(), jsonfile.dumps(document) + "\n")


def render(results: Sequence[LibraryResult]) -> str:
    """The table of the document: a row for each library, a column for each packager."""
    by_key = {(item.library, item.variant): item for item in results}
    tried = {item.variant for item in results}
    variants = [name for name in VARIANTS if name in tried] or folder_variants()
    versions = {
        name: sorted({item.packager_version for item in results if item.variant == name} - {""})
        for name in variants
    }
    rows = []
    for name in names():
        cells = [by_key.get((name, variant)) for variant in variants]
        seen = next((item.used.split()[0] for item in cells if item and item.used), name)
        rows.append(
            [seen.replace("=", " "), *(cell(item) if item else "not run" for item in cells)]
        )
    headers = [
        "library",
        *(f"{name} ({', '.join(versions[name]) or 'not run'})" for name in variants),
    ]
    return compact(headers, rows)


def cell(result: LibraryResult) -> str:
    """One result in words."""
    if result.status == Status.WORKS:
        return "works"
    if result.status == Status.WORKS_WITH:
        return "works with " + ", ".join(f"`{line}`" for line in result.added)
    words = " ".join(result.detail.split()).replace("|", "\\|")
    tried = f" (tried {', '.join(f'`{line}`' for line in result.added)})" if result.added else ""
    kind = "does not build" if result.status == Status.BUILD_FAILED else "fails"
    return f"{kind}{tried}: {words}"


def write_document(results: Sequence[LibraryResult]) -> bool:
    """Put the table into the document; whether that changed it.

    Raises:
        CorruptFileError: A marker of the document is broken.
        StorageError: It cannot be written.
    """
    return generated.write(document_path(), _blocks(results), COMMAND)


def check_document(results: Sequence[LibraryResult]) -> list[str]:
    """What in the document is not what the results say; empty when all is well."""
    text = jsonfile.read_text(document_path())
    return [
        f"{item.problem}\n{item.diff}".strip()
        for item in generated.differences(text, _blocks(results))
    ]


def _blocks(results: Sequence[LibraryResult]) -> Mapping[str, str]:
    return {BLOCK: render(results) + "\n"}


def _copy(source: Path, target: Path, added: Mapping[str, Sequence[str]]) -> Path:
    """Copy a sidecar's folder and add lines to its ``[tool.sidecar]``, the file's last table."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = target / "pyproject.toml"
    lines = [f"{key} = {json.dumps(values)}\n" for key, values in added.items()]
    manifest.write_text(manifest.read_text(encoding="utf-8") + "".join(lines), encoding="utf-8")
    return target


def _build(folder: Path, variant: Variant) -> tuple[buildinfo.Built | None, str]:
    """Build with the command that a user types; the build, or why there is none."""
    what = sidecar.load(folder)
    argv = sessions.command(what, [variant.packager.name], mode=variant.mode.name)
    done = process.capture(argv, cwd=project(), timeout_s=BUILD_TIMEOUT_S)
    if done.ok:
        return buildinfo.find(variant, what), ""
    with contextlib.suppress(SpikeError):
        return buildinfo.find(variant, what), ""  # built, and its first launch failed
    if done.timed_out:
        return None, f"took over {BUILD_TIMEOUT_S / 60:g} minutes"
    said = [line for line in (done.output + done.errors).splitlines() if line.strip()]
    errors = [line for line in said if "error" in line.lower()] or said[-1:] or ["no output"]
    return None, errors[0].strip()


def _launch(built: buildinfo.Built) -> Launch:
    return advice.judged(built)


def _clean(what: Sidecar, variant: Variant, copy: Path) -> None:
    """Remove what the attempt built: hundreds of megabytes that nobody needs any more."""
    for folder in (
        copy,
        variant.folder(what),
        what.workspace.build / variant.id,
        project() / ".nox" / f"build_{variant.packager.name}-{what.name}",
    ):
        shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress of a command
