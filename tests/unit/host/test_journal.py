"""The host's journal: what was kept is valid, and what its readers read is there by the schema."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from spike.core import jsonfile, requirements
from spike.core.errors import SpikeError
from spike.core.workspace import TOOL as ROOT
from spike.host import checklist, launches, speech
from spike.host import journal as journals

SCHEMA = json.loads((ROOT / "src-tauri" / "journal.schema.json").read_text(encoding="utf-8"))
KEPT = sorted((ROOT / "benchmarks" / "results").glob("*/evidence/*.json.gz"))

NOT_OF_THE_JOURNAL = frozenset({"args", "n", "pid"})
"""Keys that the checklist reads from the sidecar's own BOOT and HEARTBEAT lines as well."""

STREAMS = frozenset({"stdout", "stderr"})
"""Keys of the lines that the checklist counts."""


def validator() -> jsonschema.Draft202012Validator:
    """A validator of the schema, which has to be one itself."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def kept() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The file, the scenario and the journal of every kept run."""
    for path in KEPT:
        runs = json.loads(jsonfile.text(path, remedy="invoke verify"))
        for scenario, document in runs.items():
            yield path.relative_to(ROOT).as_posix(), scenario, document["journal"]


def journal(scenario: str) -> dict[str, Any]:
    """A kept journal of one scenario."""
    return next(document for _, name, document in kept() if name == scenario)


def test_every_kept_journal_is_valid() -> None:
    scenarios = set()
    check = validator()
    for path, scenario, document in kept():
        scenarios.add(scenario)
        errors = [f"{error.json_path}: {error.message}" for error in check.iter_errors(document)]
        assert not errors, f"{path} {scenario}: {errors[:3]}"
    assert scenarios >= {"ready", "restart", "crash", "silent", "missing"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 0),
        (("scenario",), "never"),
        (("host", "executable"), None),
        (("launches", 0, "transitions", 0, "state"), "asleep"),
        (("launches", 0, "failure", "reason", "kind"), "bad_luck"),
        (("launches", 0, "failure", "reason", "exit"), {"code": 3}),
        (("launches", 0, "lines", 0, "stream"), "stdin"),
        (("launches", 0, "cleanup", "survivors"), None),
        (("launches", 0, "launched", "env", 0), ["NAME"]),
    ],
)
def test_a_wrong_value_is_found_where_it_is(path: tuple[str | int, ...], value: object) -> None:
    document = copy.deepcopy(journal("crash"))
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    errors = list(validator().iter_errors(document))
    assert errors
    places = [
        "/".join(map(str, found.absolute_path))
        for error in errors
        for found in (error, *(error.context or ()))
    ]
    assert any("/".join(map(str, path)).startswith(place) and place for place in places), places


def required(schema: Mapping[str, Any]) -> Iterator[str]:
    """Every key that some object of the schema has to have."""
    yield from schema.get("required", ())
    for value in schema.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from required(part)


def keys_read(source: Path) -> set[str]:
    """Every key that a module takes out of a mapping: ``x["key"]`` and ``x.get("key")``."""
    keys = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()):
                keys.add(key)
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
                keys.add(key)
    return keys


def test_what_the_checklist_reads_has_to_be_in_a_journal() -> None:
    rules = [checklist.rule_of(row, form) for row in requirements.CHECKLIST for form in speech.Form]
    runs = {name for rule in rules for name in rule.runs}
    modules = (checklist, launches, speech)
    read = {key for module in modules for key in keys_read(Path(str(module.__file__)))}
    keys = read - NOT_OF_THE_JOURNAL - STREAMS - runs
    assert keys >= {"launches", "executable", "sidecar_path", "transitions", "lines", "cleanup"}
    assert keys - set(required(SCHEMA)) == set()


def test_a_key_that_nothing_has_to_have_is_seen() -> None:
    assert "more" not in set(required(SCHEMA))
    assert {"host", "kind", "ready_ms", "stdout_tail"} <= set(required(SCHEMA))


def test_a_journal_of_another_host_is_refused_with_its_field(tmp_path: Path) -> None:
    document = journal("ready")
    file = tmp_path / "journal.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert journals.read(file) == document
    del document["launches"][0]["transitions"]
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SpikeError, match=r"launches\[0\].*transitions"):
        journals.read(file)
