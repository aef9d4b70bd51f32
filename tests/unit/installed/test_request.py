"""What goes into the root comes out of it, and wrong options are refused before anything runs."""

from __future__ import annotations

import dataclasses
import json

import pytest

from spike.core.errors import UsageError
from spike.installed import mounted, request
from spike.installed.request import Request, Terms, Version


def a_request() -> Request:
    version = Version(
        file="a.deb",
        version="1",
        files=("usr/bin/a",),
        hashes={"usr/bin/a": "0"},
        command=("a", "--x"),
        main="usr/bin/a",
        sidecars=("usr/bin/s",),
    )
    return Request(
        base="/b",
        packages="/p",
        privileged=True,
        kind="deb",
        name="a",
        first=version,
        then=dataclasses.replace(version, main="usr/bin/b"),
        now=version,
        terms=Terms(env={"A": "B"}, ready_url="/ready"),
    )


def test_a_request_survives_its_journey() -> None:
    """As JSON and back it is the same value."""
    asked = a_request()
    assert request.from_json(json.loads(json.dumps(asked.as_json()))) == asked


def test_in_the_mount_every_program_is_there() -> None:
    """Its place in front of each path."""
    moved = mounted.request(a_request()).now
    assert moved.main == "tmp/.mount_app/usr/bin/a"
    assert moved.sidecars == ("tmp/.mount_app/usr/bin/s",)


@pytest.mark.parametrize("url", ["/health", "http://127.0.0.1:1/x", "http://[::1]:{free_port}/"])
def test_addresses(url: str) -> None:
    """Whole ones, and paths."""
    assert Terms(ready_url=url, health=url).health == url


@pytest.mark.parametrize("url", ["health", "ftp://x/", "localhost:8000", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """With one that is."""
    with pytest.raises(UsageError, match=r"--health http://127.0.0.1:8000/health"):
        Terms(health=url)


def test_variables() -> None:
    """A value may be empty or have a sign of its own; a name may not be missing."""
    assert request.variables(["A=", "B=x=y"]) == {"A": "", "B": "x=y"}
    for wrong in ("A", "=x"):
        with pytest.raises(UsageError, match="NAME=VALUE"):
            request.variables([wrong])
