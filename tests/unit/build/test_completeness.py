"""What a script has at hand against what shipped: quiet when nothing is missing."""

from __future__ import annotations

import pytest

from spike.build import completeness
from spike.build.completeness import Parts
from spike.packagers.recipe import Shipped, module_of

NOTHING: frozenset[str] = frozenset()


def shipped(*modules: str, files: tuple[str, ...] = ()) -> Shipped:
    """What a packager has put in."""
    return Shipped(modules=frozenset(modules), files=frozenset(files))


def test_own_parts_are_modules_and_data_and_nothing_about_the_project() -> None:
    """Tests, documentation, locks and what the smoke command needs are not the program's."""
    files = [
        *("main.py", "helper.py", "plugins/__init__.py", "plugins/alpha.py", "words.txt"),
        *("templates/home.html", "pyproject.toml", "requirements.lock", "README.md", "smoke.py"),
        *("tests/test_it.py", "tests/data.json", ".github/x.yml", "uv.lock", "plugins/py.typed"),
        *("docs/a.html", "LICENSE", "my-script.py", "pkg/types.pyi"),
    ]
    own = completeness.own_parts(files, entry="main.py", not_data=("python", "smoke.py"))
    assert set(own.modules) == {"helper", "plugins", "plugins.alpha"}
    assert own.data == ("templates/home.html", "words.txt")


def test_modules_are_named_from_the_root_that_imports_start_at() -> None:
    """An entry inside a package is imported with the package's name; src/ is no package."""
    files = ["src/app/__init__.py", "src/app/__main__.py", "src/app/views.py", "src/other.py"]
    own = completeness.own_parts(files, entry="src/app/__main__.py")
    assert set(own.modules) == {"app", "app.views", "other"}


def test_a_module_that_the_script_loads_and_that_did_not_ship_is_certain() -> None:
    """Plugins found by name: the script has them, no import statement names them."""
    own = Parts(modules={"plugins": "p", "plugins.alpha": "a", "plugins.old": "o"}, data=())
    loaded = frozenset({"plugins", "plugins.alpha", "json"})
    certain, doubtful = completeness.own_gaps(own, shipped("plugins"), loaded)
    assert (certain.key, certain.values, certain.certain) == (
        "hidden_imports",
        ("plugins.alpha",),
        True,
    )
    assert (doubtful.values, doubtful.certain) == (("plugins.old",), False)


def test_a_package_is_named_by_its_parts() -> None:
    """``hooks`` comes along with ``hooks.audit``."""
    own = Parts(modules={"hooks": "h", "hooks.audit": "a"}, data=())
    (gap,) = completeness.own_gaps(own, shipped(), frozenset({"hooks", "hooks.audit"}))
    assert gap.values == ("hooks.audit",)


def test_data_is_named_by_the_topmost_folder_that_is_missing_whole() -> None:
    """One file of a folder shipped: then the others are named, not the folder."""
    own = Parts(
        modules={}, data=("models/a.bin", "models/b.bin", "static/css/a.css", "static/x.js", "w")
    )
    (gap,) = completeness.own_gaps(own, shipped(files=("static/x.js",)), NOTHING)
    assert gap.key == "data"
    assert gap.values == ("models", "static/css", "w")


def test_nothing_is_said_when_nothing_is_missing() -> None:
    """Wherever the packager has put it: ``_internal/``, ``lib/``, beside the program."""
    own = Parts(modules={"helper": "helper.py"}, data=("templates/home.html",))
    there = shipped("helper", files=("_internal/templates/home.html",))
    assert completeness.own_gaps(own, there, frozenset({"helper"})) == []


def test_what_is_excluded_is_not_missing() -> None:
    """Its author has said that it does not ship; a name that only begins alike has not been."""
    own = completeness.own_parts(["plugins/old.py", "plugins_too.py"], entry="main.py")
    kept = completeness.without(own, ["plugins"])
    assert set(kept.modules) == {"plugins_too"}
    assert completeness.own_gaps(kept, shipped("plugins_too"), NOTHING) == []


RECORD = [
    *("web/__init__.py", "web/fast.py", "web/templates/error.html", "web/py.typed"),
    *("web/_speedups.c", "web/tests/data/x.html", "web-1.0.dist-info/METADATA", "../../bin/web"),
]


def test_a_dependency_has_modules_and_data() -> None:
    """By its RECORD: no sources of extensions, no tests, no metadata, no scripts."""
    has = completeness.distribution_parts(RECORD)
    assert set(has.modules) == {"web", "web.fast"}
    assert has.data == ("web/templates/error.html",)


@pytest.mark.parametrize(
    ("there", "loaded", "direct", "expected"),
    [
        (shipped("web", files=("web/templates/error.html",)), NOTHING, True, []),
        (shipped("web"), NOTHING, True, [("collect", ("web",))]),
        (shipped("web"), NOTHING, False, []),
        (shipped(), NOTHING, True, [("collect", ("web",))]),
        (
            shipped("web", files=("web/templates/error.html",)),
            frozenset({"web", "web.fast"}),
            False,
            [("hidden_imports", ("web.fast",))],
        ),
    ],
    ids=["all there", "data missing", "not named by the sidecar", "nothing shipped", "loaded"],
)
def test_a_dependency_against_what_shipped(
    there: Shipped,
    loaded: frozenset[str],
    direct: bool,
    expected: list[tuple[str, tuple[str, ...]]],
) -> None:
    """Its data files are missed where the sidecar names it; its modules where they are loaded."""
    has = completeness.distribution_parts(RECORD)
    gaps = completeness.distribution_gaps("web", has, there, loaded, direct=direct)
    assert [(gap.key, gap.values) for gap in gaps] == expected


def test_a_gap_comes_with_the_line_that_closes_it_and_keeps_what_is_there() -> None:
    """Paste-ready TOML; what only may be needed says so."""
    own = Parts(modules={"b": "b.py"}, data=("words.txt",))
    gaps = completeness.own_gaps(own, shipped(), frozenset({"b"}))
    first, second = completeness.lines(gaps, {"hidden_imports": ["a"]})
    assert first.endswith('Fix: in [tool.sidecar] set hidden_imports = ["a", "b"]')
    assert second.endswith('If the program needs it: in [tool.sidecar] set data = ["words.txt"]')


def test_what_python_says_of_its_imports_is_taken_out_of_stderr() -> None:
    """Real lines of ``python -q -v``; the program's own stay."""
    loaded, rest = completeness.loaded_modules(
        [
            "import _imp # builtin",
            "# code object from /p/plugins/alpha.py",
            "import 'plugins.alpha' # <_frozen_importlib_external.SourceFileLoader object at 0x7f>",
            "Processing user site-packages",
            "WARNING:root:hook 'redact' is off",
            "# cleanup[2] removing plugins",
        ]
    )
    assert loaded == {"plugins.alpha"}
    assert rest == ("WARNING:root:hook 'redact' is off",)


PLAIN = ["BOOT pid=10 at=5", "PLUGINS alpha,beta", "LISTEN port=4001", "READY"]
AGAIN = ["BOOT pid=11 at=9", "PLUGINS alpha,beta", "LISTEN port=4077", "READY"]


def test_what_differs_by_itself_is_no_difference() -> None:
    """Process ids, ports and times: a second run of the script shows which words they are."""
    program = ["BOOT pid=99 at=1", "LISTEN port=1234", "PLUGINS alpha,beta", "READY"]
    assert completeness.differing(PLAIN, AGAIN, program) == ([], [])


def test_what_only_one_of_them_writes_is_found() -> None:
    """The program has no plugins, and everything else is alike."""
    program = ["BOOT pid=99 at=1", "PLUGINS none", "LISTEN port=1234", "READY"]
    assert completeness.differing(PLAIN, AGAIN, program) == (
        ["PLUGINS alpha,beta"],
        ["PLUGINS none"],
    )


def test_a_line_that_comes_once_more_is_no_difference() -> None:
    """A child of multiprocessing imports the main script, which says BOOT again."""
    program = ["BOOT pid=99 at=1", "BOOT pid=98 at=2", *AGAIN[1:]]
    assert completeness.differing(PLAIN, AGAIN, program) == ([], [])


def test_a_line_that_differs_in_both_is_shown_of_both() -> None:
    """Not hidden because it begins alike."""
    program = ["BOOT pid=99 at=1 mode=b", *AGAIN[1:]]
    plain = ["BOOT pid=10 at=5 mode=a", *AGAIN[1:]]
    assert completeness.differing(plain, plain, program) == (plain[:1], program[:1])


def test_times_and_addresses_differ_always() -> None:
    """Even where two runs happened to agree on them."""
    plain = ["2026-11-25 17:00:01,123 <obj at 0x7fae> took 12.5 ms"]
    program = ["2026-11-26 09:10:11,004 <obj at 0x11> took 3 ms"]
    assert completeness.differing(plain, plain, program) == ([], [])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("plugins/__init__.pyc", "plugins"),
        ("plugins/alpha.py", "plugins.alpha"),
        ("_bisect.cpython-311-x86_64-linux-gnu.so", "_bisect"),
        ("cryptography/_rust.abi3.so", "cryptography._rust"),
        ("words.txt", ""),
    ],
)
def test_files_of_code_and_their_modules(path: str, name: str) -> None:
    """Bytecode, sources, extension modules with their tags."""
    assert module_of(path) == name
