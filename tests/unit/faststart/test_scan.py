"""What sources rely on without importing it."""

from __future__ import annotations

import pytest

from spike.faststart.scan import Source, relied

SPARED = {"pack.part", "pack.part.inner", "single", "own.place"}


@pytest.mark.parametrize(
    ("source", "loaded"),
    [
        ("import pack\npack.part.f()\n", {"pack.part"}),
        ("import pack as p\ndef f():\n    return p.part\n", {"pack.part"}),
        ("import pack.other\npack.part\n", {"pack.part"}),
        ("import pack\npack.part.inner.f()\n", {"pack.part", "pack.part.inner"}),
        ("from over import pack\npack.part\n", set()),
        ("import pack.part\npack.part.f()\n", set()),
        ("import pack\nfrom pack import part\npack.part.f()\n", set()),
        ("def f():\n    import pack.part\n    pack.part\n", set()),
        ("import sys\nif 'single' in sys.modules: pass\n", {"single"}),
        ("from sys import modules\nmodules.get('pack.part')\n", {"pack.part"}),
        ("import sys\nx = 'single'\n", set()),
        ("import sys\nsys.modules['own.place']\n", set()),
        ("x.part\n", set()),
        ("import pack\npack.part(\n", set()),
    ],
)
def test_modules_that_have_to_be_there(source: str, loaded: set[str]) -> None:
    """As parts of packages that others have imported, and as entries of ``sys.modules``."""
    found = relied([Source("own.place", source.encode())], spared=SPARED, rewritten=())
    assert set(found.loaded) == loaded
    assert all("own.place" in why for why in found.loaded.values())


@pytest.mark.parametrize(
    ("source", "whole"),
    [
        ("import lib.api\nvars(lib.api)\n", {"lib.api"}),
        ("from lib import api\nx = api.__dict__['a']\n", {"lib.api"}),
        ("import lib.api as api\nvars(api)\n", {"lib.api"}),
        ("from . import api\nvars(api)\n", {"lib.api"}),
        ("from lib import api\nvars(other)\napi.x\n", set()),
        ("class A:\n    def f(self): return self.__dict__, vars(self)\n", set()),
    ],
)
def test_modules_whose_names_are_read_as_a_dictionary(source: str, whole: set[str]) -> None:
    """There a module is not asked."""
    found = relied([Source("lib.place", source.encode())], spared=(), rewritten={"lib.api"})
    assert set(found.whole) == whole
