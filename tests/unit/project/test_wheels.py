"""What a build backend says in the copy that it is asked in is true where the project lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.project import wheels


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("shared @ file:///tmp/spike-wheel-x1/shared", "../shared"),
        ("shared[web] @ file:///tmp/spike-wheel-x1/app/lib%20b ; os_name == 'nt'", None),
        ("click>=8", "click>=8"),
        ("theirs @ file:///srv/wheels/theirs.whl", "theirs @ file:///srv/wheels/theirs.whl"),
    ],
)
def test_a_place_of_the_copy_is_one_beside_the_project(
    tmp_path: Path, said: str, meant: str | None
) -> None:
    """Poetry makes whole paths of the dependencies that are folders."""
    expected = "./lib b[web] ; os_name == 'nt'" if meant is None else meant
    assert wheels.from_copy(said, tmp_path / "app") == expected
