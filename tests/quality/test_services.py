"""The services of examples/services: which there are, and their copies of one helper file."""

from __future__ import annotations

import pytest

from spike.core.workspace import TOOL

SERVICES = sorted(path.parent.name for path in (TOOL / "examples/services").glob("*/main.py"))
HELPER = "sidecar_contract.py"


def test_there_are_services_as_people_write_them() -> None:
    assert SERVICES == ["django_rest", "flask_sqlalchemy", "llm_client", "pandas_http"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_helper_is_the_one_that_everybody_copies(name: str) -> None:
    original = TOOL / "examples" / "contract" / "python" / HELPER
    copy = TOOL / "examples" / "services" / name / HELPER
    assert copy.read_bytes() == original.read_bytes()
