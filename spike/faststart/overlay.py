"""The overlay of a sidecar: trial runs, the choice, the rewriting and the proof, in that order.

A library in which anything differs is left out by itself, and what is left is proved anew. What
comes out depends on the sources and the lock alone.

Standard library only: it runs in the packager's environment.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import sysconfig
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from spike.core.errors import NotProvedError
from spike.faststart import choice, lazy, own_tests, proof, scan, statements, tables, trials
from spike.faststart.choice import Choice
from spike.faststart.lazy import Key
from spike.faststart.proof import Difference
from spike.faststart.rewrite import HELPER, rewritten
from spike.faststart.scan import Source
from spike.faststart.statements import Statement
from spike.faststart.tables import STAGED, Tables
from spike.faststart.trials import Notes, Overlaid
from spike.launch import judgement, leftovers, places
from spike.launch.places import Place
from spike.launch.spec import Launch
from spike.packagers.recipe import TABLES
from spike.project import copies, imports
from spike.project.sidecar import Sidecar

MORE_LOOKS = 2
"""So often what differs is looked at again: an order of addresses may have two forms only."""

MOST_ROUNDS = 8
"""So often something may be left out before the build goes on without an overlay."""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Rewritten libraries that are proved to show nothing else than the plain ones.

    Attributes:
        texts: File relative to ``site-packages`` to its new text.
        tables: What is made beforehand.
        put_off: How many import statements are put off.
        spared: Modules that are not loaded until READY any more.
        left_out: Libraries that are as they were, and why.
        kept: Modules that could wait but for something else that they do, and what that is.
        elapsed_s: Seconds that the trial runs and the proof took.
    """

    texts: Mapping[str, bytes]
    put_off: int
    spared: frozenset[str]
    tables: Tables = field(default_factory=Tables)
    left_out: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    elapsed_s: float = 0.0

    def write(self, folder: Path, *, idle: bool = False) -> None:
        """Write it as packagers need it: the changed packages whole, the helper, and the tables.

        A package that is found first hides another of its name, so the rest of it comes along.

        Args:
            folder: Where.
            idle: Whether what was put off is loaded when the program has nothing to do.

        Raises:
            OSError: It cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        site = site_packages()
        for top in sorted({Path(file).parts[0] for file in self.texts}):
            if (site / top).is_dir():
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(site / top, folder / top, ignore=skip, dirs_exist_ok=True)
        for file, text in self.texts.items():
            (folder / file).write_bytes(text)
        if self.texts:
            helper = (STAGED / f"{HELPER}.py").read_text(encoding="utf-8")
            helper = helper.replace("\nIDLE = False", f"\nIDLE = {idle}")
            (folder / f"{HELPER}.py").write_text(helper, encoding="utf-8")
        write_tables(self.tables, folder)


def write_tables(made: Tables, folder: Path) -> None:
    """Write the module that the program imports first; empty tables make one that does nothing.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{TABLES}.py").write_text(made.module(), encoding="utf-8")


def make(
    sidecar: Sidecar,
    *,
    exclude: Sequence[str] = (),
    check: Sequence[str] = (),
    compiled: bool = False,
) -> Overlay:
    """Make and prove the overlay of a sidecar, in the Python that is packaged.

    Args:
        sidecar: Whose libraries.
        exclude: Libraries that are left as they are.
        check: The command of the author's own tests; none when empty.
        compiled: Whether a compiler takes them, whose code asks no filter of imports.

    Raises:
        NotProvedError: There is none.
        StorageError: There is no room for the copies of the sources.
    """
    began = time.monotonic()
    leftovers.adopt_orphans()
    sources, script, files = copies.startable(sidecar)
    base = sidecar.workspace.build / "places"
    with places.copied(base, script, folder=None, sources=sources, files=files) as (place, copy):
        return replace(
            _Maker(sidecar, place, copy, exclude, check, lazy.here() and not compiled).run(),
            elapsed_s=round(time.monotonic() - began, 1),
        )


def site_packages() -> Path:
    """Where the libraries of this Python lie."""
    return Path(sysconfig.get_path("purelib"))


def _bound_to_place() -> frozenset[str]:
    """Packages of distributions that have native libraries in a folder beside them.

    A copy elsewhere would not find them (``$ORIGIN/../numpy.libs``).
    """
    found: set[str] = set()
    for distribution in importlib.metadata.distributions(path=[str(site_packages())]):
        tops = {file.parts[0] for file in distribution.files or () if len(file.parts) > 1}
        if any(top.endswith((".libs", ".dylibs")) for top in tops):
            found |= tops
    return frozenset(found)


def library_of(module: str) -> str:
    """The name that a library is left out by: the first part of a module's."""
    return module.partition(".")[0]


class _Maker:
    """One making of an overlay, with what is known so far."""

    def __init__(
        self,
        sidecar: Sidecar,
        place: Place,
        script: Path,
        exclude: Sequence[str],
        check: Sequence[str],
        by_filter: bool,
    ) -> None:
        self.by_filter = by_filter
        self.sidecar = sidecar
        self.check = tuple(check)
        self.place = place
        self.script = script
        self.folder = place.root / "overlay"
        self.folder.mkdir()
        self.left_out = {
            name.replace("-", "_"): "[tool.sidecar] fast_start_exclude names it" for name in exclude
        }
        self.used: frozenset[tuple[str, int]] = frozenset()
        self.tables = place.root / "tables"
        self.with_tables = True

    def run(self) -> Overlay:
        """Try, choose, rewrite and prove until nothing differs."""
        plain = self._noted(())
        bound = frozenset() if self.by_filter else _bound_to_place()
        for name in sorted(bound & {library_of(each) for each in plain.modules}):
            self.left_out.setdefault(name, "its native libraries are found by where it lies")
        found = dict(_candidates(plain, by_filter=self.by_filter))
        if watched := choice.sparable(plain, found):
            plain = replace(plain, effects=self._noted(watched).effects)
        names = _order(plain, self.place.sources)
        texts_of_all = tuple(_sources(plain, self.place.sources))
        seen: tuple[proof.Seen, proof.Seen] | None = None
        for _ in range(MOST_ROUNDS):
            chosen = self._chosen(plain, found, texts_of_all)
            try:
                texts = {} if self.by_filter else _texts(plain, chosen)
            except _UnlikeError as error:
                del found[error.module]  # it does not come out as it should
                continue
            modules = self._written(plain, texts)
            waiting = lazy.keys(chosen.statements) if self.by_filter else {}
            tried = self._tried(modules, waiting, plain)
            if tried is None:
                continue
            problems, made = tried
            if not (problems or modules or waiting or made):
                break
            if not problems:
                if seen is None or chosen.statements.keys() - seen[0]["sources"].keys():
                    seen = self._plainly(names, chosen.statements.keys())
                problems = self._proved(names, chosen, modules, waiting, made, seen)
            if not problems:
                own_tests.run(
                    *(self.sidecar, self.place, self.check),
                    modules=modules,
                    lazy=waiting,
                    tables=self.tables if made else None,
                )
                return Overlay(
                    texts={_below(plain.modules[name]): text for name, text in texts.items()},
                    put_off=sum(map(len, chosen.statements.values())),
                    spared=chosen.spared,
                    tables=replace(made, lazy=tuple(waiting)),
                    left_out=dict(sorted(self.left_out.items())),
                    kept=chosen.kept,
                )
            self._leave_out(problems, chosen)
        raise NotProvedError(self._in_vain())

    def _noted(self, effects: Collection[str]) -> Notes:
        """What a trial run of the plain script notes."""
        launch, notes = trials.run(self.sidecar, self.place, self.script, effects=effects)
        if not launch.ok:
            words = judgement.last_words(launch)
            raise NotProvedError(f"The plain script fails in a trial run: {launch.detail}; {words}")
        return notes

    def _chosen(
        self,
        plain: Notes,
        found: Mapping[str, Sequence[Statement]],
        sources: Sequence[Source],
    ) -> Choice:
        """What is put off, without what sources rely on."""
        usable = {
            name: each for name, each in found.items() if library_of(name) not in self.left_out
        }
        kept: dict[str, str] = {}
        while True:
            chosen = choice.choose(plain, usable, used=self.used, kept=kept)
            relied = scan.relied(
                sources,
                spared=chosen.spared,
                rewritten=chosen.statements.keys(),
            )
            if not relied.loaded.keys() - kept.keys() and not relied.whole:
                return chosen
            kept |= relied.loaded
            usable = {name: each for name, each in usable.items() if name not in relied.whole}

    def _written(self, plain: Notes, texts: Mapping[str, bytes]) -> dict[str, Overlaid]:
        modules = {}
        for name, text in texts.items():
            file = self.folder / f"{name}.py"
            file.write_bytes(text)
            modules[name] = Overlaid(file=plain.modules[name], text=str(file))
        return modules

    def _tried(
        self, modules: Mapping[str, Overlaid], waiting: Mapping[Key, int], plain: Notes
    ) -> tuple[Sequence[Difference], Tables] | None:
        """Run the program with it; None when READY needs more, which is known then.

        Returns:
            What went wrong, and what can be made beforehand.
        """
        notes = plain
        files = {name: plain.modules[name] for name in (*modules, *(key[0] for key in waiting))}
        if files:
            launch, notes = trials.run(
                self.sidecar, self.place, self.script, modules=modules, lazy=waiting
            )
            if not launch.ok:
                return [_failing(launch, files)], Tables()
            if notes.used:
                self.used |= notes.used
                return None
        made = tables.make(notes.patterns, notes.texts) if self.with_tables else Tables()
        write_tables(made, self.tables)
        if made:
            launch, _ = trials.run(
                *(self.sidecar, self.place, self.script),
                modules=modules,
                lazy=waiting,
                tables=self.tables,
            )
            if not launch.ok:
                return [_failing(launch, {})], made
        return [], made

    def _plainly(
        self, names: Sequence[str], rewritten_: Collection[str]
    ) -> tuple[proof.Seen, proof.Seen]:
        """What the plain libraries show, twice."""
        folders = [self.place.root / f"proof-{number}" for number in (1, 2)]
        look = functools.partial(proof.look, before=names, rewritten=rewritten_, path=self._path())
        # At the same time: neither is a figure, and what differs between them is not compared.
        with ThreadPoolExecutor(len(folders)) as both:
            first, second = both.map(look, folders)
        if isinstance(first, Difference):
            raise NotProvedError(first.what)
        if isinstance(second, Difference):
            raise NotProvedError(second.what)
        return first, second

    def _proved(
        self,
        names: Sequence[str],
        chosen: Choice,
        modules: Mapping[str, Overlaid],
        waiting: Mapping[Key, int],
        made: Tables,
        plain: tuple[proof.Seen, proof.Seen],
    ) -> Sequence[Difference]:
        """What the rewritten libraries show that the plain ones do not."""
        look = functools.partial(
            proof.look,
            self.place.root / "proof",
            before=[name for name in names if name in chosen.loaded],
            after=[name for name in names if name not in chosen.loaded],
            rewritten=plain[0]["sources"].keys(),
            modules=modules,
            lazy=waiting,
            put_off=chosen.statements,
            tables=self.tables if made else None,
            path=self._path(),
        )
        fast = look()
        if isinstance(fast, Difference):
            return [fast]
        problems = [
            *proof.unproved(plain[0], chosen.statements.keys()),
            *proof.failures(fast),
        ]
        found = proof.differences(plain[0], plain[1], fast)
        for _ in range(MORE_LOOKS):
            if not found:
                break
            # What is another thing in each process may be the same in two of them, by chance.
            first, second = self._plainly(names, plain[0]["sources"].keys())
            fast = look()
            if isinstance(fast, Difference):
                return [fast]
            problems += proof.failures(fast)
            again = proof.differences(first, second, fast)
            varies = proof.differences(plain[0], plain[1], first)
            found = tuple(each for each in found if each in again and each not in varies)
        return [*problems, *found]

    def _path(self) -> list[str]:
        path = imports.module_path(self.sidecar, self.place.sources).get("PYTHONPATH", "")
        return [part for part in path.split(os.pathsep) if part]

    def _leave_out(self, problems: Sequence[Difference], chosen: Choice) -> None:
        """Take the libraries out in which something differs.

        Raises:
            NotProvedError: It cannot be told which one it is.
        """
        rewritten_ = {library_of(name) for name in chosen.statements}
        blamed = {library_of(each.module): each for each in reversed(problems)}
        known = {name: each for name, each in blamed.items() if name in rewritten_}
        if not known and self.with_tables:
            self.with_tables = False  # they are left out by themselves, as a library is
            return
        if not known:
            first = problems[0]
            raise NotProvedError(f"{first.module or 'The libraries'}: {first.what}")
        for name, each in sorted(known.items()):
            self.left_out[name] = f"{each.module}: {each.what}"

    def _in_vain(self) -> str:
        if self.left_out:
            why = "; ".join(f"{name} ({said})" for name, said in sorted(self.left_out.items()))
            return f"Nothing is left to put off: {why}"
        return "READY needs everything that is imported, or nothing of it can be put off"


def _candidates(plain: Notes, *, by_filter: bool) -> Iterator[tuple[str, tuple[Statement, ...]]]:
    """What could be put off in the libraries that are loaded until READY."""
    libraries = {name for name, file in plain.modules.items() if _is_library(file)}
    for name in sorted(choice.worth(plain, libraries)):
        path = Path(plain.modules[name])
        is_package = path.name == "__init__.py"
        inside = {each.name.partition(".")[0] for each in path.parent.iterdir()}
        found = statements.candidates(
            path.read_bytes(),
            module=name,
            is_package=is_package,
            submodules=inside if is_package else (),
        )
        if by_filter:
            text = path.read_bytes()
            found = lazy.tellable(text, found, module=name, is_package=is_package)
        if found:
            yield name, found


def _is_library(file: str) -> bool:
    """Whether a file is a module in source of a package or module that can be copied whole."""
    if not file.endswith(".py"):
        return False
    below = _below(file)
    top = below.split("/")[0]
    if not below or top == f"{HELPER}.py":
        return False
    # A package without an __init__ may have parts in several places.
    return "/" not in below or (site_packages() / top / "__init__.py").is_file()


def _below(file: str) -> str:
    """A file relative to ``site-packages``, with forward slashes; empty for one elsewhere."""
    try:
        return Path(file).relative_to(site_packages()).as_posix()
    except ValueError:
        return ""


def _order(plain: Notes, sources: Path) -> list[str]:
    """The libraries' modules that are loaded until READY, in the order of their execution."""
    own = str(sources) + os.sep
    return [
        name
        for name, file in plain.modules.items()
        if not file.startswith(own)
        and name not in ("__main__", "sitecustomize", "usercustomize", "__mp_main__")
        and not name.startswith("fast_start_")
    ]


def _sources(plain: Notes, own: Path) -> Iterator[Source]:
    """Everything in source that may run: what is loaded, the rest of its packages, the program."""
    read: set[str] = set()
    tops = set()
    for name, file in plain.modules.items():
        if file.endswith(".py") and file not in read:
            read.add(file)
            tops.add(_below(file).split("/")[0])
            yield Source(name, Path(file).read_bytes())
    places = [(site_packages() / top, site_packages()) for top in sorted(tops - {""})]
    for folder, base in [*places, (own, own)]:
        for path in sorted(folder.rglob("*.py")):
            if str(path) not in read:
                name = ".".join(path.relative_to(base).with_suffix("").parts)
                yield Source(name, path.read_bytes())


def _failing(launch: Launch, files: Mapping[str, str]) -> Difference:
    """A trial run that fails, and the innermost of some modules in its traceback."""
    said = "\n".join(launch.stderr_tail)
    ends = sorted((said.rfind(f'"{file}"'), name) for name, file in files.items())
    module = ends[-1][1] if ends and ends[-1][0] >= 0 else ""
    words = judgement.last_words(launch)
    return Difference(module=module, what=f"the trial run fails: {launch.detail}; {words}")


class _UnlikeError(Exception):
    """A rewritten module is not what it should be."""

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.module = module


def _texts(plain: Notes, chosen: Choice) -> dict[str, bytes]:
    """The rewritten modules."""
    found = {}
    for name, each in chosen.statements.items():
        try:
            found[name] = rewritten(Path(plain.modules[name]).read_bytes(), each)
        except ValueError:
            raise _UnlikeError(name) from None
    return found
