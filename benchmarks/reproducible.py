"""Reproducible or not: each variant is built again, twice, and compared byte by byte.

The same recipe runs in the same folder with the same environment: twice with empty caches, at
different times, and once more with the caches that the second build has filled. The first two are
compared; where they differ, the first difference is named. The times of all three say what a build
costs from nothing, and what it costs again.

It takes minutes and nothing else depends on it, so ``invoke spike`` does not run it.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.targets import Target
from benchmarks.wording import counted, ends, variants_in
from spike.build import recipes
from spike.core import logged
from spike.core.errors import BuildFailedError, MissingToolError, UsageError
from spike.core.progress import progress
from spike.core.statistics import median
from spike.core.tables import NOT_MEASURED, table
from spike.core.workspace import display_path, project
from spike.measure import results
from spike.packagers.recipe import Recipe, prepare
from spike.project.sidecar import Sidecar

NAME = "reproducible"


def environment_folder(packager: str, sidecar: Sidecar) -> Path:
    """Where the programs of the Nox environment lie in which a packager builds a sidecar.

    Raises:
        MissingToolError: The environment was never made here.
    """
    place = project() / ".nox" / sidecar.packager_environment(packager)
    folder = place / ("Scripts" if sys.platform == "win32" else "bin")
    if not folder.is_dir():
        raise MissingToolError(
            f"There is no environment with {packager} in this checkout.",
            try_next=sidecar.nox_command(packager),
        )
    return folder


def caches(folder: Path) -> dict[str, str]:
    """Environment variables that put every cache of the packagers and of the compiler below."""
    return {
        "NUITKA_CACHE_DIR": str(folder / "nuitka"),
        "CCACHE_DIR": str(folder / "ccache"),
        "XDG_CACHE_HOME": str(folder / "xdg"),
    }


def build(target: Target, recipe: Recipe, work: Path, cache: Path) -> float:
    """Run a variant's recipe in a fresh folder.

    Args:
        target: The variant.
        recipe: Its recipe.
        work: The working folder; emptied first.
        cache: Where caches are kept.

    Returns:
        Seconds that the packager took.

    Raises:
        BuildFailedError: It failed; the message shows the end of its output.
        MissingToolError: Its environment is not there.
    """
    assert target.built is not None
    sidecar = target.sidecar
    shutil.rmtree(work, ignore_errors=True)
    prepare(recipe, sidecar, work)
    log = work.with_suffix(".log")
    done = logged.run(
        recipe.argv,
        log_path=log,
        env={**caches(cache), **recipe.env},
        cwd=work,
        path_prefix=str(environment_folder(target.built.info.packager, sidecar)),
        echo=False,
    )
    if not done.ok or not (work / recipe.artifact).is_file():
        raise BuildFailedError(
            f"{target.id} could not be built again (exit code {done.exit_code}).",
            why="\n".join(done.output.splitlines()[-5:]),
            try_next=f"read {display_path(log)}",
        )
    return done.elapsed_s


def recipe_of(target: Target) -> Recipe:
    """The recipe of a variant, as its environment describes it.

    Raises:
        BuildFailedError: It is refused there.
        MissingToolError: That environment was never made here.
    """
    assert target.built is not None
    variant = target.built.variant
    folder = environment_folder(variant.packager.name, target.sidecar)
    python = folder / ("python.exe" if sys.platform == "win32" else "python")
    return recipes.of(python, target.sidecar, variant)


def contents(folder: Path, recipe: Recipe) -> dict[str, bytes]:
    """What would ship, by relative name. A link counts as the place that it names."""
    base = folder / (recipe.folder or recipe.artifact.parent)
    paths = sorted(base.rglob("*")) if recipe.folder else [folder / recipe.artifact]
    return {
        path.relative_to(base).as_posix(): str(path.readlink()).encode()
        if path.is_symlink()
        else path.read_bytes()
        for path in paths
        if path.is_symlink() or path.is_file()
    }


def first_difference(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> str:
    """Name the first thing that differs between two builds; empty when nothing does."""
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            return f"{name} is in one of the builds only"
        a, b = one[name], other[name]
        if a != b:
            sizes = "" if len(a) == len(b) else f", sizes {len(a)} and {len(b)}"
            return f"{name}: {differing_part(a, b)}{sizes}"
    return ""


def differing_part(one: bytes, other: bytes) -> str:
    """Where two contents differ first: the ELF section by its name, else the byte."""
    here, there = layout(one), layout(other)
    for name in [*here, *(name for name in there if name not in here)]:
        if name not in here or name not in there or one[here[name]] != other[there[name]]:
            return f"section {name}"
    place = next(
        (n for n, (x, y) in enumerate(zip(one, other, strict=False)) if x != y),
        min(len(one), len(other)),
    )
    end = max((part.stop for part in here.values()), default=None)
    return f"byte {place}" + (
        ", behind the program's sections" if end is not None and place >= end else ""
    )


def layout(content: bytes) -> dict[str, slice]:
    """Where the sections of an ELF file lie, by name; none for other files."""
    import io

    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    if not content.startswith(b"\x7fELF"):
        return {}
    try:
        return {
            section.name: slice(section["sh_offset"], section["sh_offset"] + section["sh_size"])
            for section in ELFFile(io.BytesIO(content)).iter_sections()
            if section.name and section["sh_type"] != "SHT_NOBITS"
        }
    except ELFError:
        return {}


def measure(target: Target, scratch: Path) -> dict[str, Any]:
    """Build a variant three times and compare the first two.

    Returns:
        ``equal``, ``first_difference``, ``files``, ``files_differing``, ``sha256`` of the program
        of both; ``cold_s``: seconds of the two builds with empty caches; ``cached_s``: of the
        third.

    Raises:
        BuildFailedError: A build failed.
    """
    recipe = recipe_of(target)
    work = scratch / "work"
    cold_s = []
    built: list[dict[str, bytes]] = []
    for number in range(2):
        cache = scratch / f"cache-{number}"
        shutil.rmtree(cache, ignore_errors=True)
        cold_s.append(round(build(target, recipe, work, cache), 2))
        built.append(contents(work, recipe))
    cached_s = round(build(target, recipe, work, scratch / "cache-1"), 2)
    one, other = built
    program = (
        recipe.artifact.relative_to(recipe.folder).as_posix()
        if recipe.folder
        else recipe.artifact.name
    )
    return {
        "equal": one == other,
        "first_difference": first_difference(one, other),
        "files": len(one),
        "files_differing": sum(one.get(name) != other.get(name) for name in {*one, *other}),
        "programs_sha256": [hashlib.sha256(files[program]).hexdigest() for files in built],
        "cold_s": cold_s,
        "cached_s": cached_s,
    }


def run(sidecar: Sidecar, targets: Sequence[Target], *, partial: bool = False) -> results.Result:
    """Build and compare every variant.

    Raises:
        UsageError: The sidecar has dependencies, whose environments this does not make.
        BuildFailedError: A build failed.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    variants = [target for target in targets if target.built is not None]
    if sidecar.dependencies:
        raise UsageError(
            f"{sidecar.name} has dependencies of its own.",
            why="Only a sidecar that needs the standard library alone is built again here.",
            try_next="invoke reproducible (without --sidecar)",
        )
    for target in variants:
        assert target.built is not None
        environment_folder(target.built.info.packager, sidecar)
    scratch = project() / "build" / "reproducible"
    with (
        results.recording(
            NAME,
            sidecar,
            targets={target.id: target.as_json() for target in variants},
            settings={},
            partial=partial,
        ) as recorder,
        progress("reproducible", len(variants)) as step,
    ):
        for target in variants:
            place = scratch / target.id
            place.mkdir(parents=True, exist_ok=True)
            recorder.add(target.id, measure(target, place))
            shutil.rmtree(place, ignore_errors=True)
            step(target.id)
    return recorder.result()


def summary(result: results.Result) -> str:
    """How many are equal, in one sentence."""
    rows = {name: result.of(name)[-1] for name in variants_in(result)}
    equal = sum(bool(sample["equal"]) for sample in rows.values())
    cold = {
        name: median([float(value) for value in sample["cold_s"]]) for name, sample in rows.items()
    }
    return (
        f"{equal} of {counted(len(rows), 'variant')} are the same byte by byte when built twice; "
        f"from empty caches a build takes {ends(cold, lambda seconds: f'{seconds:.1f} s')}."
    )


def render(result: results.Result) -> str:
    """Equal or not, the first difference, and the times of the builds."""
    rows = []
    for name in result.targets:
        for sample in result.of(name):
            cold = median([float(value) for value in sample["cold_s"]])
            rows.append(
                [
                    name,
                    "yes"
                    if sample["equal"]
                    else f"no: {sample['files_differing']} of {sample['files']} files",
                    sample["first_difference"] or NOT_MEASURED,
                    NOT_MEASURED if cold is None else f"{cold:.1f} s",
                    f"{sample['cached_s']:.1f} s",
                ]
            )
    return table(
        [
            "variant",
            "two builds are equal",
            "first difference",
            "build, empty caches",
            "build, filled caches",
        ],
        rows,
    )
