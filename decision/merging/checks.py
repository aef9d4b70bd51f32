"""What a folder of results has to be before it may stand in a record: a table of checks.

The first check that finds something refuses the whole folder, by the name of the file: the results
of a platform are of one machine and of the same programs, and one of them alone says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.registry import BENCHMARKS, CHECKLIST
from decision import locks
from decision.merging.folders import Refusal
from spike.core.errors import CorruptFileError
from spike.core.workspace import command_path
from spike.measure import platforms, provenance, results, seal
from spike.measure.results import Result
from spike.packagers import PACKAGERS
from spike.project.sidecar import Sidecar

FALLBACK: Final = "fallback"
"""A result that no benchmark makes: that of the plan's contingency steps."""


@dataclass(kw_only=True)
class Wanted:
    """What results have to be of; worked out once for all folders.

    Attributes:
        sidecar: The sidecar.
    """

    sidecar: Sidecar
    _sources: dict[str, str] = field(default_factory=dict)
    _locks: dict[str, locks.Locks] = field(default_factory=dict)

    def sources(self, packager: str) -> str:
        """SHA-256 of today's sources, as a packager follows them."""
        if packager not in self._sources:
            self._sources[packager] = self.sidecar.source_sha256(packager)
        return self._sources[packager]

    def locks(self, packager: str) -> locks.Locks:
        """Today's locks of a packager and of the sidecar; there may be one for each Python."""
        if packager not in self._locks:
            self._locks[packager] = locks.of(packager, self.sidecar)
        return self._locks[packager]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A folder that may be taken.

    Attributes:
        folder: The folder.
        found: Its results by the benchmark's name.
        wanted: What they have to be of.
        unbroken: Names of the results whose seal was found to hold as they were read; they were
            read without their samples.
    """

    folder: Path
    found: Mapping[str, Result]
    wanted: Wanted
    unbroken: frozenset[str] = frozenset()

    @property
    def again(self) -> str:
        """The command that tries the folder once more."""
        return f"invoke merge {command_path(self.folder)}{self.wanted.sidecar.option}"

    def without_samples(self) -> Candidate:
        """The same, once they were looked at: a dozen folders of them fill the memory."""
        bare = {name: replace(result, samples=()) for name, result in self.found.items()}
        return replace(self, found=bare)

    def path(self, name: str) -> Path:
        """The file of a result."""
        return self.found[name].path or self.folder / f"{name}.json"

    def refused(self, path: Path, says: str, *, first: str, why: str = "") -> Refusal:
        """A refusal whose next step ends with trying the folder once more."""
        return Refusal(path=path, says=says, why=why, try_next=f"{first}, then {self.again}")

    def builds(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Every build that a result is about: the result's name, the target, the facts."""
        for name, result in self.found.items():
            for target, facts in result.targets.items():
                if isinstance(facts.get("build"), Mapping):
                    yield name, target, facts["build"]

    def rerun(self, name: str) -> str:
        """The command that measures a result anew, on the machine that it is of."""
        benchmark = BENCHMARKS.get(name)
        command = benchmark.command if benchmark else f"invoke {name}"
        return f"{command}{self.wanted.sidecar.option} on its machine"


FETCH: Final = "fetch the folder again from the job that made it"


def read(folder: Path, wanted: Wanted) -> Candidate | Refusal:
    """Read a folder; refused when one of its files is no result of a whole run."""
    bare = Candidate(folder=folder, found={}, wanted=wanted)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            return bare.refused(path, "is a link, and not a file of its own", first=FETCH)
    for path in sorted([*folder.glob("*.incomplete.json"), *folder.glob("*.partial")]):
        name = path.name.partition(".")[0]
        return bare.refused(
            path,
            "is half-written: its run did not end",
            first=f"{bare.rerun(name)} (or delete the file, when a later run ended)",
        )
    found: dict[str, Result] = {}
    unbroken = set()
    for name, path in results.files(folder).items():
        try:
            remedy = f"{bare.rerun(name)}, then {bare.again}"
            if result := results.load_unbroken(path, remedy=remedy):
                unbroken.add(name)
            else:
                result = results.load_file(path, remedy=remedy)
        except CorruptFileError as error:
            says = error.what.removeprefix(f"{path} ").rstrip(".")
            return Refusal(path=path, says=says, why=error.why, try_next=error.try_next)
        assert result is not None, "it was listed a moment ago"
        if problem := _shape(result):
            return bare.refused(path, f"is damaged: {problem}", first=FETCH)
        if result.benchmark != name:
            return bare.refused(
                path, f"has another name than its run, {result.benchmark!r}", first=FETCH
            )
        found[name] = result
    return Candidate(folder=folder, found=found, wanted=wanted, unbroken=frozenset(unbroken))


_SHAPES: Mapping[str, Any] = {
    "benchmark": str,
    "sidecar": str,
    "sidecar_version": str,
    "complete": bool,
    "provenance": dict,
    "settings": dict,
    "targets": dict,
    "samples": (list, tuple),
    "seal": dict,
}


def _shape(result: Result) -> str:
    values: Mapping[str, Any] = vars(result)  # as they were read, whatever they should be
    for name, kind in _SHAPES.items():
        if not isinstance(values[name], kind):
            return f"{name} is {type(values[name]).__name__}"
    for target, facts in values["targets"].items():
        if not isinstance(facts, dict):
            return f"target {target} is {type(facts).__name__}"
    return ""


def _known(given: Candidate) -> Refusal | None:
    for name in given.found:
        if name not in BENCHMARKS and name != FALLBACK:
            return given.refused(
                given.path(name),
                "is of a benchmark that this version does not have",
                why="It was written by a newer version of this tool.",
                first="update packaging-spike",
            )
    return None


def _functions(given: Candidate) -> Refusal | None:
    """An emulated system has functions to show, and no figures."""
    for name, result in given.found.items():
        emulator = result.provenance.get("emulated")
        if emulator and name in BENCHMARKS and not BENCHMARKS[name].of_functions:
            return given.refused(
                given.path(name),
                f"is of {emulator}, which can measure no such thing",
                first="delete it",
            )
    return None


def _sidecar(given: Candidate) -> Refusal | None:
    own = given.wanted.sidecar
    for name, result in given.found.items():
        if result.sidecar != own.name:
            return Refusal(
                path=given.path(name),
                says=f"is about another sidecar: {result.sidecar}, not {own.name}",
                try_next=f"invoke merge {command_path(given.folder)} --sidecar DIR, with the "
                f"folder of {result.sidecar}",
            )
        if result.sidecar_version != own.version:
            return given.refused(
                given.path(name),
                f"is about {own.name} {result.sidecar_version}, and this is {own.version}",
                first=f"invoke spike{own.option} on its machine, from this commit",
            )
    return None


def _complete(given: Candidate) -> Refusal | None:
    for name, result in given.found.items():
        if not result.complete:
            return given.refused(
                given.path(name), "is half-written: its run did not end", first=given.rerun(name)
            )
    return None


def _sealed(given: Candidate) -> Refusal | None:
    for name, result in given.found.items():
        if name not in given.unbroken and (problem := result.seal_problem):
            first = given.rerun(name) if not result.seal else FETCH
            return given.refused(given.path(name), problem, first=first)
    return None


def _journals(given: Candidate) -> Refusal | None:
    """The checklist's journals are the evidence of its rows; they come with it or not at all."""
    if CHECKLIST not in given.found:
        return None
    place = given.folder / results.EVIDENCE
    if not place.is_dir():
        return given.refused(
            place, "is missing: the checklist's rows are nothing without it", first=FETCH
        )
    wrong = seal.folder_problem(place, remedy=given.rerun(CHECKLIST))
    if wrong is None:
        return None
    first = given.rerun(CHECKLIST) if wrong[0] == place else FETCH
    return given.refused(*wrong, first=first)


def _one_machine(given: Candidate) -> Refusal | None:
    first, *rest = given.found
    for name in rest:
        difference = provenance.difference(
            given.found[first].provenance, given.found[name].provenance
        )
        if difference:
            return given.refused(
                given.path(name),
                f"may not stand beside {given.path(first).name}: one was {difference}",
                first=f"invoke spike{given.wanted.sidecar.option} on one machine, in one checkout",
            )
    return None


def _platform(given: Candidate) -> Refusal | None:
    for name, target, build in given.builds():
        facts = given.found[name].provenance
        if (build.get("platform"), build.get("arch")) != (facts.get("platform"), facts.get("arch")):
            return given.refused(
                given.path(name),
                f"measured {target} of {build.get('platform')} {build.get('arch')} on "
                f"{facts.get('platform')} {facts.get('arch')}",
                first=FETCH,
            )
    if platforms.name_of(given.found.values()):
        return None
    pythons = sorted({str(build.get("python_version")) for _, _, build in given.builds()})
    newest = platforms.newest(given.found.values())
    return given.refused(
        given.folder,
        f"is of no platform that can be named: {newest.get('platform')} {newest.get('arch')}, "
        f"Python {', '.join(pythons) or newest.get('python')}",
        why="A folder is of one system, one architecture and one Python.",
        first=f"invoke spike{given.wanted.sidecar.option} for one Python on its machine",
    )


def _same_programs(given: Candidate) -> Refusal | None:
    seen: dict[str, tuple[str, str]] = {}
    for name, result in given.found.items():
        for target, facts in result.targets.items():
            if facts.get("kind") != "variant":
                continue
            sha256 = str(facts.get("sha256"))
            first, other = seen.setdefault(target, (name, sha256))
            if other != sha256:
                return given.refused(
                    given.path(name),
                    f"measured another {target} (sha256 {sha256[:12]}) than "
                    f"{given.path(first).name} ({other[:12]})",
                    first=given.rerun(name),
                )
    return None


def _sources(given: Candidate) -> Refusal | None:
    own = given.wanted.sidecar
    for name, target, build in given.builds():
        if build.get("source_sha256") != given.wanted.sources(str(build.get("packager"))):
            return given.refused(
                given.path(name),
                f"measured {target} of other sources than {own.folder.name}/ has here",
                first=f"invoke spike{own.option} on its machine, from this commit",
            )
    return None


def _locks(given: Candidate) -> Refusal | None:
    own = given.wanted.sidecar
    for name, target, build in given.builds():
        packager = str(build.get("packager"))
        if problem := locks.problem(build, given.wanted.locks(packager)):
            command = own.nox_command(packager) if packager in PACKAGERS else "nox"
            return given.refused(
                given.path(name),
                f"measured {target} {problem}",
                first=f"{command} and invoke spike{own.option} on its machine, from this commit",
            )
    return None


CHECKS: Sequence[Callable[[Candidate], Refusal | None]] = (
    _known,
    _functions,
    _sidecar,
    _complete,
    _sealed,
    _journals,
    _one_machine,
    _platform,
    _same_programs,
    _sources,
    _locks,
)
"""In the order in which they are asked: what a file is before what it says."""


def check(given: Candidate) -> Refusal | None:
    """Why a folder is not taken; None when it may be."""
    return next((found for one in CHECKS if (found := one(given)) is not None), None)
