"""What a script has at hand against what shipped: quiet when nothing is missing."""

from __future__ import annotations

import pytest

from spike.completeness import missing, parts
from spike.completeness.missing import Gap
from spike.completeness.parts import Parts
from spike.completeness.used import Used
from spike.packagers.recipe import Shipped, module_of

NOTHING = Used()


def used(*modules: str, files: tuple[str, ...] = (), folders: tuple[str, ...] = ()) -> Used:
    """What the plain script has used."""
    return Used(modules=frozenset(modules), files=frozenset(files), folders=frozenset(folders))


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
    own = parts.own_parts(files, entry="main.py", not_data=("python", "smoke.py"))
    assert set(own.modules) == {"helper", "plugins", "plugins.alpha"}
    assert own.data == ("templates/home.html", "words.txt")


def test_modules_are_named_from_the_root_that_imports_start_at() -> None:
    """An entry inside a package is imported with the package's name; src/ is no package."""
    files = ["src/app/__init__.py", "src/app/__main__.py", "src/app/views.py", "src/other.py"]
    own = parts.own_parts(files, entry="src/app/__main__.py")
    assert set(own.modules) == {"app", "app.views", "other"}


def test_below_several_roots_the_names_that_shipped_are_the_names() -> None:
    """``app/main.py`` that imports ``app.routes``: both folders are roots."""
    files = ["app/__init__.py", "app/main.py", "app/routes.py", "app/jobs/clean.py"]
    own = parts.own_parts(
        files, entry="app/main.py", roots=("app", "."), shipped={"app", "app.routes"}
    )
    assert set(own.modules) == {"app", "app.routes", "app.jobs.clean"}


def test_no_key_is_proposed_for_a_module_with_a_name_of_pythons() -> None:
    """``email`` in ``hidden_imports`` is Python's again; renaming the own one helps."""
    own = parts.own_parts(["main.py", "email/till.py", "calendar.py"], entry="main.py")
    (gap,) = missing.own_gaps(own, shipped("email"), used("email/till.py"))
    assert (gap.key, gap.certain) == ("", True)
    assert gap.what.startswith("email.till did not ship: Python has")
    assert missing.own_gaps(own, shipped("email", "email.till"), NOTHING) == []


def test_a_module_that_looks_like_a_tool_is_missed_when_it_is_loaded() -> None:
    """``tasks.py`` of Celery, a package ``docs``: of the program when the script has them."""
    files = ["main.py", "app/tasks.py", "app/docs/page.py", "setup.py"]
    own = parts.own_parts(files, entry="main.py")
    (gap,) = missing.own_gaps(own, shipped(), used("app/tasks.py"))
    assert (gap.key, gap.values, gap.certain) == ("hidden_imports", ("app.tasks",), True)
    assert missing.own_gaps(parts.without(own, ["app"]), shipped(), used("app/tasks.py")) == []


def test_a_module_that_the_script_loads_and_that_did_not_ship_is_certain() -> None:
    """Plugins found by name: the script has them, no import statement names them."""
    paths = ("plugins/__init__.py", "plugins/alpha.py", "plugins/old.py")
    names = ("plugins", "plugins.alpha", "plugins.old")
    own = Parts(modules=dict(zip(names, paths, strict=True)), data=())
    certain, doubtful = missing.own_gaps(own, shipped("plugins"), used(*paths[:2]))
    assert (certain.key, certain.values, certain.certain) == (
        "hidden_imports",
        ("plugins.alpha",),
        True,
    )
    assert (doubtful.values, doubtful.certain) == (("plugins.old",), False)


def test_a_package_is_named_by_its_parts() -> None:
    """``hooks`` comes along with ``hooks.audit``."""
    modules = {"hooks": "hooks/__init__.py", "hooks.audit": "hooks/audit.py"}
    own = Parts(modules=modules, data=())
    (gap,) = missing.own_gaps(own, shipped(), used(*modules.values()))
    assert (gap.key, gap.values) == ("hidden_imports", ("hooks.audit",))


def test_two_parts_that_are_found_by_name_mean_the_whole_package() -> None:
    """The next start would miss the next one."""
    modules = {"shop": "shop/__init__.py", "shop.apps": "shop/apps.py", "one": "one.py"}
    modules["shop.migrations.0001_initial"] = "shop/migrations/0001_initial.py"
    own = Parts(modules=modules, data=())
    whole, single = missing.own_gaps(own, shipped(), used(*modules.values()))
    assert (whole.key, whole.values, whole.certain) == ("collect", ("shop",), True)
    assert (single.key, single.values, single.certain) == ("hidden_imports", ("one",), True)


def test_what_the_script_opens_is_certain_whatever_its_name() -> None:
    """Of documentation, too: a program may show it. The rest of the folder comes along."""
    files = ["main.py", "site.yml", "docs/a.md", "docs/b.md", "README.md", "pages/x.html"]
    own = parts.own_parts(files, entry="main.py")
    seen = used(files=("docs/a.md", "site.yml"))
    certain, doubtful = missing.own_gaps(own, shipped(), seen)
    assert (certain.key, certain.values, certain.certain) == ("data", ("docs", "site.yml"), True)
    assert (doubtful.values, doubtful.certain) == (("pages",), False)


def test_what_lies_in_a_folder_that_is_listed_is_used() -> None:
    """But not what is about the project: whoever watches his own folder lists it all."""
    own = parts.own_parts(["main.py", "words.txt", "README.md"], entry="main.py")
    (gap,) = missing.own_gaps(own, shipped(), used(folders=(".",)))
    assert (gap.values, gap.certain) == (("words.txt",), True)


def test_data_is_named_by_the_topmost_folder_that_is_missing_whole() -> None:
    """One file of a folder shipped: then the others are named, not the folder."""
    own = Parts(
        modules={}, data=("models/a.bin", "models/b.bin", "static/css/a.css", "static/x.js", "w")
    )
    (gap,) = missing.own_gaps(own, shipped(files=("static/x.js",)), NOTHING)
    assert gap.key == "data"
    assert gap.values == ("models", "static/css", "w")


def test_files_are_told_as_the_script_finds_them() -> None:
    """Relative to its folder; what lies elsewhere cannot ship, and code is no data."""
    files = ["app/main.py", "app/a/x.txt", "app/pkg/b.py", "app/pkg/c/y.txt", "z.txt", "web/w.js"]
    own = parts.own_parts(files, entry="app/main.py", roots=("app",))
    there = shipped("pkg.b", files=("_internal/a/x.txt",))
    gaps = missing.own_gaps(own, there, used(files=("app/a/x.txt", "app/pkg/c/y.txt", "z.txt")))
    assert [(gap.key, gap.values) for gap in gaps] == [
        ("", ("z.txt",)),
        ("data", ("app/pkg/c",)),
    ]
    assert "Fix: move it below app/ and let its path begin there" in missing.lines(gaps, {})[0]


def test_a_package_that_is_imported_from_elsewhere_ships_whole() -> None:
    """Its files are looked for below its own name, where data would not put them."""
    files = ["main.py", "src/shop/__init__.py", "src/shop/sql/a.sql", "src/shop/b/c.css"]
    own = parts.own_parts(files, entry="main.py", roots=(".", "src"), shipped={"shop"})
    seen = used(files=("src/shop/sql/a.sql",))
    (told,) = missing.one_way(missing.own_gaps(own, shipped("shop"), seen))
    assert (told.key, told.values, told.certain) == ("collect", ("shop",), True)
    (told,) = missing.own_gaps(own, shipped("shop", files=("_internal/shop/sql/a.sql",)), NOTHING)
    assert (told.key, told.values, told.certain) == ("collect", ("shop",), False)
    there = shipped("shop", files=("lib/shop/sql/a.sql", "lib/shop/b/c.css"))
    assert missing.own_gaps(own, there, NOTHING) == []


def test_a_main_that_is_not_the_entry_is_missed_by_nobody() -> None:
    """It is for ``python -m``, and the project has another command."""
    own = parts.own_parts(["shop/__main__.py", "shop/till.py"], entry="sidecar_start.py")
    assert missing.own_gaps(own, shipped("shop.till"), NOTHING) == []


def test_nothing_is_said_when_nothing_is_missing() -> None:
    """Wherever the packager has put it: ``_internal/``, ``lib/``, beside the program."""
    own = Parts(modules={"helper": "helper.py"}, data=("templates/home.html",))
    there = shipped("helper", files=("_internal/templates/home.html",))
    assert missing.own_gaps(own, there, used("helper.py")) == []


def test_what_is_excluded_is_not_missing() -> None:
    """Its author has said that it does not ship; a name that only begins alike has not been."""
    own = parts.own_parts(["plugins/old.py", "plugins_too.py"], entry="main.py")
    kept = parts.without(own, ["plugins"])
    assert set(kept.modules) == {"plugins_too"}
    assert missing.own_gaps(kept, shipped("plugins_too"), NOTHING) == []


RECORD = [
    *("web/__init__.py", "web/fast.py", "web/templates/error.html", "web/py.typed"),
    *("web/_speedups.c", "web/tests/data/x.html", "web-1.0.dist-info/METADATA", "../../bin/web"),
    "web-1.0.dist-info/entry_points.txt",
]


def test_a_dependency_has_modules_and_data() -> None:
    """By its RECORD: no sources of extensions, no tests, no metadata, no scripts."""
    has = parts.distribution_parts(RECORD)
    assert set(has.modules) == {"web", "web.fast"}
    assert has.data == ("web/templates/error.html",)


@pytest.mark.parametrize(
    ("there", "seen", "direct", "expected"),
    [
        (shipped("web", files=("web/templates/error.html",)), NOTHING, True, []),
        (shipped("web"), NOTHING, True, [("collect", ("web",))]),
        (shipped("web"), NOTHING, False, []),
        (shipped(), NOTHING, True, [("collect", ("web",))]),
        (
            shipped("web", files=("web/templates/error.html",)),
            used("web/__init__.py", "web/fast.py"),
            False,
            [("hidden_imports", ("web.fast",))],
        ),
        (
            shipped("web"),
            used("web/__init__.py", files=("web/templates/error.html",)),
            False,
            [("collect", ("web",))],
        ),
        (
            shipped("web", files=("web/templates/error.html",)),
            used("web/__init__.py", files=("web-1.0.dist-info/METADATA",)),
            False,
            [("metadata", ("web",))],
        ),
        (
            shipped("web", files=("web/templates/error.html",)),
            used(files=("web-1.0.dist-info/entry_points.txt",)),
            True,
            [],
        ),
    ],
    ids=[
        *("all there", "data missing", "not named by the sidecar", "nothing shipped", "loaded"),
        *("opened", "metadata read", "commands looked for"),
    ],
)
def test_a_dependency_against_what_shipped(
    there: Shipped,
    seen: Used,
    direct: bool,
    expected: list[tuple[str, tuple[str, ...]]],
) -> None:
    """Its data is missed where the sidecar names it; everything where the script has used it."""
    has = parts.distribution_parts(RECORD)
    gaps = missing.distribution_gaps("web", has, there, seen, direct=direct)
    assert [(gap.key, gap.values) for gap in gaps] == expected


def test_a_gap_comes_with_the_line_that_closes_it_and_keeps_what_is_there() -> None:
    """Paste-ready TOML; what only may be needed says so."""
    own = Parts(modules={"b": "b.py"}, data=("words.txt",))
    gaps = missing.own_gaps(own, shipped(), used("b.py"))
    first, second = missing.lines(gaps, {"hidden_imports": ["a"]})
    assert first.endswith('Fix: in [tool.sidecar] set hidden_imports = ["a", "b"]')
    assert second.endswith('If the program needs it: in [tool.sidecar] set data = ["words.txt"]')


def test_what_is_missed_by_one_key_is_closed_by_one_line() -> None:
    """A key stands once in a table; and what may be of no use is added to what is needed."""
    own = Parts(modules={name: f"{name}.py" for name in ("b", "c")}, data=())
    has = parts.distribution_parts(RECORD)
    gaps = [
        *missing.own_gaps(own, shipped(), used("b.py")),
        *missing.distribution_gaps("web", has, shipped("web"), used("web/fast.py"), direct=False),
    ]
    first, second = missing.lines(gaps, {})
    assert first.endswith(
        "; the plain script loads web.fast, and the program has no such part, "
        'which is part of web. Fix: in [tool.sidecar] set hidden_imports = ["b", "web.fast"]'
    )
    assert second.endswith('set hidden_imports = ["b", "web.fast", "c"]')


def test_what_comes_with_its_whole_package_is_not_asked_for_by_name() -> None:
    """A file of tzdata is missed, and its module: both come with the package, by one line."""
    gaps = [
        Gap(key="hidden_imports", values=("tzdata.zoneinfo",), what="module", certain=True),
        Gap(key="hidden_imports", values=("jobs", "tzdata.old"), what="jobs", certain=True),
        Gap(key="hidden_imports", values=("tzdata.more",), what="in a text"),
        Gap(key="collect", values=("tzdata",), what="file", certain=True),
        Gap(key="collect", values=("tzdata",), what="data files"),
        Gap(key="collect", values=("tzdatabase",), what="another"),
        Gap(key="data", values=("tzdata",), what="own", certain=True),
    ]
    told = [(gap.key, gap.values, gap.what) for gap in missing.one_way(gaps)]
    assert told == [
        ("collect", ("tzdata",), "module"),
        ("hidden_imports", ("jobs",), "jobs"),
        ("collect", ("tzdata",), "file"),
        ("collect", ("tzdatabase",), "another"),
        ("data", ("tzdata",), "own"),
    ]


def test_whoever_offers_plugins_is_missed_where_plugins_are_looked_for() -> None:
    """Commands of a shell are no plugins; a compiler may hold metadata in its code."""
    has = parts.distribution_parts(RECORD, has_plugins=True)
    there = shipped("web", files=("web/templates/error.html",))
    seen = used(files=("web-1.0.dist-info/entry_points.txt",))
    (gap,) = missing.distribution_gaps("web", has, there, seen, direct=False)
    assert (gap.key, gap.values) == ("metadata", ("web",))
    compiled = Shipped(modules=there.modules, files=there.files, tells_metadata=False)
    assert missing.distribution_gaps("web", has, compiled, seen, direct=False) == []


def test_a_module_that_a_text_names_is_missed() -> None:
    """With a class or a function behind it; what is told already is not told again."""
    has = parts.distribution_parts(["white/__init__.py", "white/middle.py", "white/a.py"])
    texts = ["white.middle.WhiteMiddleware", "white.a", "json.tool", "white.__version__"]
    told = missing.Gap(key="collect", values=("white.a",), what="")
    (gap,) = missing.named_gaps(texts, has, shipped("white"), [told])
    assert (gap.key, gap.values, gap.certain) == ("hidden_imports", ("white.middle",), False)
    assert "the sources name 'white.middle.WhiteMiddleware' in a text" in gap.what
    assert missing.named_gaps(texts, has, shipped("white", "white.middle", "white.a"), []) == []


def test_a_package_in_a_namespace_is_collected_without_its_neighbours() -> None:
    """``google`` has many owners."""
    has = parts.distribution_parts(["google/cloud/store/__init__.py", "google/cloud/store/a.json"])
    seen = used("google/cloud/store/__init__.py", files=("google/cloud/store/a.json",))
    there = shipped("google.cloud.store")
    (gap,) = missing.distribution_gaps("store", has, there, seen, direct=False)
    assert gap.values == ("google.cloud.store",)


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


def test_code_that_is_read_and_not_imported_is_data() -> None:
    """A framework that runs the user's script as a text; of a listed folder it may read any."""
    files = ["main.py", "app.py", "unused.py", "pages/1_one.py", "pages/2_two.py"]
    own = parts.own_parts(files, entry="main.py")
    seen = Used(files=frozenset({"app.py", "pages/1_one.py"}), folders=frozenset({"pages", "."}))
    data, doubtful = missing.own_gaps(own, shipped(), seen)
    assert (data.key, data.values, data.certain) == ("data", ("app.py", "pages"), True)
    assert (doubtful.key, doubtful.values) == ("hidden_imports", ("unused",))
    there = shipped(files=("_internal/app.py", "pages/1_one.py", "pages/2_two.py", "unused.py"))
    assert missing.own_gaps(own, there, seen) == []


@pytest.mark.parametrize("place", ["", "python3.11/site-packages/"])
def test_a_librarys_file_of_the_same_name_does_not_stand_for_an_own_one(place: str) -> None:
    """cx_Freeze takes all data of a library along, its templates/index.html among them."""
    theirs = ("library/templates/index.html", "library/style.css")
    library = parts.distribution_parts([*theirs, "library/__init__.py"])
    own = Parts(modules={}, data=("templates/index.html",), files=("templates/index.html",))
    seen = used(files=("templates/index.html",))
    there = shipped("library", files=tuple(place + path for path in theirs))
    left = parts.without_dependencies(there, [library])
    (gap,) = missing.own_gaps(own, left, seen)
    assert (gap.key, gap.values, gap.certain) == ("data", ("templates",), True)
    both = shipped("library", files=(*there.files, "app/templates/index.html"))
    assert missing.own_gaps(own, parts.without_dependencies(both, [library]), seen) == []
