"""What each knob of a recipe is worth: the hello sidecar built with one of them changed.

Two tables in one. PyInstaller's knobs are turned on one at a time, from the plan's build to the
lean one. The parts of nuitka-lean are taken out one at a time, from the lean build back. Each
program is launched in shuffled rounds, and its instructions to READY are counted where callgrind
is there: they tell apart what a busy machine's times do not.

The interpreter is a knob as well: where Debian's python3 and its static library are installed,
nuitka-lean is also built with it (PGO and LTO), in an environment of its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import instructions
from benchmarks.targets import PYTHON_ISOLATED, Target, baselines
from benchmarks.wording import ends, number_of
from spike.build import recipes
from spike.build.buildinfo import file_sha256
from spike.core import logged, process, workspace
from spike.core.errors import BuildFailedError, MissingBuildError, UsageError
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import median
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, table
from spike.launch import launcher
from spike.measure import results
from spike.packagers import VARIANTS
from spike.packagers.analysis import prologue
from spike.packagers.nuitka import PLUGIN
from spike.packagers.recipe import STAGED, Recipe, prepare
from spike.project.sidecar import Sidecar, load

NAME = "ablation"

SETTINGS = PLUGIN.with_suffix(".json")
DEBIAN_PYTHON = Path("/usr/bin/python3")


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """One build that differs from another in one thing.

    Attributes:
        name: The row.
        base: The variant that it starts from.
        change: Makes its recipe from the base's.
        says: What is different, in a few words.
    """

    name: str
    base: str
    change: Callable[[Recipe], Recipe]
    says: str


def _plugin(**settings: Any) -> Callable[[Recipe], Recipe]:
    """Change what the Nuitka plugin is told."""

    def change(recipe: Recipe) -> Recipe:
        told = {**json.loads(recipe.files[SETTINGS]), **settings}
        if settings.get("lazy_inspect") is False:
            told["reached"] = sorted({*told["reached"], *_eager()})
        return replace(recipe, files={**recipe.files, SETTINGS: json.dumps(told)})

    return change


def _eager() -> list[str]:
    """What a program reaches that imports inspect at its start."""
    recipe = VARIANTS["nuitka-single"].packager.recipe(load(), "single")
    reached: list[str] = json.loads(recipe.files[SETTINGS])["reached"]
    return reached


def _same(recipe: Recipe) -> Recipe:
    return recipe


def _without_env(recipe: Recipe) -> Recipe:
    return replace(recipe, env={})


def _without_hold(recipe: Recipe) -> Recipe:
    held = {STAGED / "main.py", STAGED / f"{prologue.MODULE}.py"}
    return replace(
        recipe, files={path: text for path, text in recipe.files.items() if path not in held}
    )


def _plus(*options: str, **env: str) -> Callable[[Recipe], Recipe]:
    """Add options and environment variables."""
    return lambda recipe: replace(recipe, argv=(*recipe.argv, *options), env={**recipe.env, **env})


def _held(recipe: Recipe) -> Recipe:
    return replace(recipe, files={**recipe.files, **prologue.files(load(), always=True)})


def _excluded(recipe: Recipe) -> Recipe:
    lean = VARIANTS["pyinstaller-onefile-lean"].packager.recipe(load(), "onefile-lean")
    options = [word for word in lean.argv if word.startswith("--exclude-module=")]
    return _plus(*options)(recipe)


UNCOMPRESSED = {"PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0"}


def _dynamic(recipe: Recipe) -> Recipe:
    link = recipe.env["LDFLAGS"].replace("-static", "").strip()
    return replace(recipe, env={**recipe.env, "LDFLAGS": link})


def _pyinstaller(mode: str) -> list[Ablation]:
    base = f"pyinstaller-{mode}"
    knobs = [
        Ablation(name=base, base=base, change=_same, says="the default"),
        Ablation(name=f"{base} strip", base=base, change=_plus("--strip"), says="--strip"),
        Ablation(
            name=f"{base} uncompressed",
            base=base,
            change=_plus(**UNCOMPRESSED),
            says="PYINSTALLER_ZLIB_COMPRESSION_LEVEL=0",
        ),
        Ablation(name=f"{base} excluded", base=base, change=_excluded, says="--exclude-module=…"),
        Ablation(
            name=f"{base} optimize",
            base=base,
            change=_plus("--optimize", "2"),
            says="--optimize 2 (no asserts, no docstrings)",
        ),
        Ablation(name=f"{base} defer_gc", base=base, change=_held, says="defer_gc = true"),
        Ablation(name=f"{base}-lean", base=f"{base}-lean", change=_same, says="the lean recipe"),
    ]
    if mode == "onedir":
        knobs.insert(
            -1,
            Ablation(
                name=f"{base} contents",
                base=base,
                change=_plus("--contents-directory", "."),
                says="--contents-directory .",
            ),
        )
    return knobs


LEAN = "nuitka-lean"
ABLATIONS: tuple[Ablation, ...] = (
    Ablation(name=LEAN, base=LEAN, change=_same, says="the lean recipe"),
    Ablation(
        name=f"{LEAN} eager inspect",
        base=LEAN,
        change=_plugin(lazy_inspect=False),
        says="inspect imported at start, as Nuitka does",
    ),
    Ablation(
        name=f"{LEAN} bytecode",
        base=LEAN,
        change=_plugin(frozen=[]),
        says="os, io, abc, ... as bytecode, not as the interpreter's ready-made objects",
    ),
    Ablation(
        name=f"{LEAN} imports",
        base=LEAN,
        change=_plugin(edits={}),
        says="functools and operator imported for what they only pass on",
    ),
    Ablation(name=f"{LEAN} gc", base=LEAN, change=_without_hold, says="collector not held off"),
    Ablation(name=f"{LEAN} pie", base=LEAN, change=_without_env, says="position-independent (PIE)"),
    Ablation(
        name=f"{LEAN} dynamic",
        base=LEAN,
        change=_dynamic,
        says="glibc loaded at start, not linked in",
    ),
    Ablation(
        name=f"{LEAN} no LTO",
        base=LEAN,
        change=_plus("--lto=no"),
        says="not optimised at link time",
    ),
    Ablation(
        name=f"{LEAN} plain",
        base=LEAN,
        change=_plus("--python-flag=no_docstrings,no_asserts"),
        says="no docstrings and no asserts",
    ),
    *_pyinstaller("onefile"),
    *_pyinstaller("onedir"),
)
DEBIAN = f"{LEAN} debian"


def build(name: str, recipe: Recipe, python: Path, sidecar: Sidecar) -> Path:
    """Build one row in a folder of its own and return its program.

    Raises:
        BuildFailedError: The packager failed; its log is named.
    """
    work = workspace.project() / "build" / NAME / name.replace(" ", "-")
    shutil.rmtree(work, ignore_errors=True)
    prepare(recipe, sidecar, work)
    log = work / "build.log"
    done = logged.run(
        recipe.argv,
        log_path=log,
        env=recipe.env,
        cwd=work,
        path_prefix=str(python.parent),
        echo=False,
    )
    if not done.ok:
        raise BuildFailedError(
            f"{name} did not build.", try_next=f"read {workspace.display_path(log)}"
        )
    for leftover in recipe.discard:
        shutil.rmtree(work / leftover, ignore_errors=True)
    return work / recipe.artifact


def environment(packager: str) -> Path:
    """The Python of a packager's Nox environment.

    Raises:
        MissingBuildError: It was not made yet.
    """
    python = workspace.project() / ".nox" / f"build_{packager}" / "bin" / "python"
    if not python.exists():
        raise MissingBuildError(
            f"There is no environment of {packager} yet.", try_next=f"nox -s build_{packager}"
        )
    return python


def debian(sidecar: Sidecar) -> Target | None:
    """nuitka-lean with Debian's interpreter; None where that cannot be built.

    Raises:
        BuildFailedError: The environment or the build failed.
    """
    system = process.capture(
        [str(DEBIAN_PYTHON), "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
    )
    version = system.output.strip()
    if not system.ok or version != "3.11" or not Path(f"/usr/include/python{version}").is_dir():
        return None
    place = workspace.project() / "build" / NAME / "debian-environment"
    python = place / "bin" / "python"
    lock = workspace.TOOL / "locks" / "nuitka.txt"
    pip = (str(python), "-m", "pip", "install", "-q")
    for command in (
        [str(DEBIAN_PYTHON), "-m", "venv", str(place)],
        [*pip, "--require-hashes", "--no-deps", "-r", str(lock)],
    ):
        made = process.capture(command, timeout_s=600.0)
        if not made.ok:
            raise BuildFailedError(
                "The environment with Debian's Python could not be made.",
                why=made.errors.strip()[-500:],
                try_next="apt-get install python3-venv libpython3-dev",
            )
    recipe = recipes.of(python, sidecar, VARIANTS[LEAN])
    return _target(DEBIAN, build(DEBIAN, recipe, python, sidecar), sidecar, "Debian's python3")


def _target(name: str, program: Path, sidecar: Sidecar, says: str, folder: bool = False) -> Target:
    files = [path for path in program.parent.rglob("*") if path.is_file()] if folder else [program]
    return Target(
        id=name,
        kind="knob",
        argv=(str(program), *sidecar.args),
        sidecar=sidecar,
        sha256=file_sha256(program),
        size_bytes=sum(path.stat().st_size for path in files if not path.is_symlink()),
        facts={"says": says},
    )


def rows(sidecar: Sidecar, wanted: Sequence[str] = ()) -> list[Target]:
    """Build every row, one after the other, and give them with the baselines.

    Raises:
        BuildFailedError: A packager failed.
        MissingBuildError: A packager's environment does not exist.
        UsageError: There is no such row.
    """
    known = [*(ablated.name for ablated in ABLATIONS), DEBIAN]
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(
            f"There is no row {unknown[0]!r}.",
            why=f"Known are: {', '.join(known)}.",
            try_next=f"invoke ablation --row {known[0]}",
        )
    chosen = [ablated for ablated in ABLATIONS if not wanted or ablated.name in wanted]
    built = []
    with progress("knobs: build", len(chosen)) as step:
        for ablated in chosen:
            variant = VARIANTS[ablated.base]
            recipe = ablated.change(variant.packager.recipe(sidecar, variant.mode.name))
            python = environment(variant.packager.name)
            program = build(ablated.name, recipe, python, sidecar)
            built.append(
                _target(
                    ablated.name, program, sidecar, ablated.says, folder=recipe.folder is not None
                )
            )
            step(ablated.name)
    if not wanted or DEBIAN in wanted:
        other = debian(sidecar)
        built += [other] if other else []
    return [*baselines(sidecar), *built]


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    rounds: int,
    seed: int = 1,
    partial: bool = False,
) -> results.Result:
    """Launch every program in shuffled rounds and count its instructions once.

    Args:
        sidecar: What is built.
        targets: Of :func:`rows`; every row, built now, when empty.
        rounds: Launches of each.
        seed: Of the order in which they take turns.
        partial: Whether these are chosen rows.

    Raises:
        BuildFailedError: A packager failed.
        MissingBuildError: A packager's environment does not exist.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    targets = targets or rows(sidecar)
    counted = not instructions.unavailable()
    with (
        results.recording(
            NAME,
            sidecar,
            targets={target.id: target.as_json() for target in targets},
            settings={"rounds": rounds, "seed": seed},
            partial=partial,
        ) as recorder,
        progress("ablation", len(targets) * (rounds + counted)) as step,
    ):
        by_name = {target.id: target for target in targets}
        for number, name in shuffled_rounds(list(by_name), rounds, seed):
            done = launcher.launch(by_name[name].spec())
            failure = done.failure.value if done.failure else None
            recorder.add(name, {"round": number, "ready_ms": done.ready_ms, "failure": failure})
            step(name)
        for target in targets if counted else ():
            recorder.add(target.id, {"instructions": instructions.count(target)["instructions"]})
            step(f"instructions {target.id}")
    return recorder.result()


def summary(result: results.Result) -> str:
    """The builds in one sentence."""
    builds = [name for name, facts in result.targets.items() if facts["kind"] != "baseline"]
    launches = [
        sum(sample.get("ready_ms") is not None for sample in result.of(name)) for name in builds
    ]
    return (
        f"{len(builds)} builds with one thing changed each are READY after "
        f"{ends({name: _median(result, name) for name in builds}, milliseconds)}, medians of "
        f"{number_of(launches)} launches of each."
    )


def render(result: results.Result) -> str:
    """A row for each build, with its distance to ``python -I -S``."""
    rows = []
    baseline = _median(result, PYTHON_ISOLATED)
    for name, facts in result.targets.items():
        ready = _median(result, name)
        counts = [s["instructions"] for s in result.of(name) if s.get("instructions")]
        rows.append(
            [
                name,
                str(facts.get("says", "a baseline")),
                milliseconds(ready),
                f"{ready / baseline:.2f}" if ready and baseline else NOT_MEASURED,
                f"{counts[0] / 1e6:.1f} M" if counts else NOT_MEASURED,
                megabytes(facts["size_bytes"]) if facts["kind"] == "knob" else NOT_MEASURED,
            ]
        )
    return table(
        ["build", "what is different", "READY, median", "/ python -I -S", "instructions", "ships"],
        rows,
    )


def _median(result: results.Result, name: str) -> float | None:
    times = [s["ready_ms"] for s in result.of(name) if s.get("ready_ms") is not None]
    return median(times) if times else None
