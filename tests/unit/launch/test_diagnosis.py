"""Every packaging mistake is recognised in the real traceback of every packager."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.launch.diagnosis import Cause, SidecarFacts, diagnose
from tests.support.diagnoses import CASES

TRACEBACKS = Path(__file__).parent / "tracebacks"
FACTS = SidecarFacts(
    name="sidecar-traps",
    files=frozenset(
        {
            "main.py",
            "plug_in.py",
            "libshape.so",
            "data/table.txt",
            "shapes/__init__.py",
            "shapes/circle.py",
            "shapes/table.json",
        }
    ),
    dependencies=("typing-extensions>=4.12", "lxml"),
    hidden_imports=("json.tool",),
    provided={"typing_extensions": "typing-extensions", "lxml": "lxml"},
    program_folder="/home/user/traps/cx",
)
VARIANTS = ("pyinstaller-onefile", "pyinstaller-onedir", "nuitka-onefile", "cx_freeze-onedir")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("case", "cause", "target", "fix"), CASES)
def test_a_real_traceback_names_the_key_to_add(
    variant: str, case: str, cause: Cause, target: str, fix: str
) -> None:
    """The finding names what is missing and a line that can be pasted."""
    text = (TRACEBACKS / f"{variant}.{case}.txt").read_text(encoding="utf-8")
    if not text:
        pytest.skip("this packager ships a package's data files unasked: nothing failed")
    finding = diagnose(stderr=text, variant=variant, facts=FACTS)
    assert finding is not None
    assert (finding.cause, finding.target) == (cause, target)
    assert fix in finding.fix
    assert "/home/" not in str(finding)


def test_a_file_of_an_installed_package_asks_for_the_whole_package() -> None:
    """A library's own data file is not the sidecar's to list: the package is collected."""
    text = (TRACEBACKS / "pyinstaller-onefile.read-in-package.table.json.txt").read_text()
    facts = SidecarFacts(name="x", provided={"shapes": "shapes-of-things"}, collect=("other",))
    finding = diagnose(stderr=text, variant="pyinstaller-onefile", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.PACKAGE_DATA
    assert 'collect = ["other", "shapes"]' in finding.fix


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ('ERROR:    Error loading ASGI app. Could not import module "web".', "web"),
        (
            'ERROR:    Error loading ASGI app. Nuitka: Could not import module "web" use '
            '"--include-module=web" option during compilation.',
            "web",
        ),
        (
            "sqlalchemy.exc.NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:oracle",
            "sqlalchemy.dialects.oracle",
        ),
        (
            "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:mysql.pymysql",
            "sqlalchemy.dialects.mysql",
        ),
        ("LookupError: unknown encoding: idna", "encodings.idna"),
        ("ModuleNotFoundError: No module named 'a.b'; 'a' is not a package", "a.b"),
    ],
)
def test_libraries_that_say_it_in_their_own_words(line: str, hidden: str) -> None:
    """Plugin loaders hide the ImportError; what they print instead is understood."""
    facts = SidecarFacts(
        name="x", files=frozenset({"web.py", "a/b.py"}), provided={"sqlalchemy": "SQLAlchemy"}
    )
    finding = diagnose(stderr=line, variant="nuitka-onefile", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.HIDDEN_IMPORT
    assert finding.fix == f'in [tool.sidecar] set hidden_imports = ["{hidden}"]'


def test_what_is_listed_already_asks_for_a_new_build() -> None:
    """A key that is there is never suggested again: the artifact is older than the key."""
    facts = SidecarFacts(
        name="x",
        files=frozenset({"plug_in.py", "data/table.txt"}),
        hidden_imports=("plug_in",),
        data=("data",),
    )
    for case in ("import.plug_in", "read.data_table.txt"):
        text = (TRACEBACKS / f"nuitka-onefile.{case}.txt").read_text()
        finding = diagnose(stderr=text, variant="nuitka-onefile", facts=facts)
        assert finding is not None
        assert "--force" in finding.fix


def test_without_knowledge_of_the_environment_the_dependencies_are_consulted() -> None:
    """A module named like a dependency is a hidden import, any other a missing dependency."""
    line = "ModuleNotFoundError: No module named 'typing_extensions'"
    facts = SidecarFacts(name="x", dependencies=("Typing.Extensions>=4",))
    finding = diagnose(stderr=line, variant="v", facts=facts)
    assert finding is not None
    assert finding.cause is Cause.HIDDEN_IMPORT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback (most recent call last):\nValueError: nothing to do with packaging",
        "FileNotFoundError: [Errno 2] No such file or directory: '/etc/notes.conf'",
        "sqlite3.OperationalError: unable to open database file",
        "ImportError: cannot import name 'x' from 'y' (/usr/lib/python3/y.py)",
        "\x00\xff\u2028 no text at all",
    ],
)
def test_other_failures_are_left_alone(text: str) -> None:
    """No advice is better than wrong advice."""
    assert diagnose(stderr=text, variant="v", facts=SidecarFacts(name="x")) is None


def test_a_c_librarys_own_words_for_a_missing_file_are_understood() -> None:
    """Stylesheets of lxml in a Nuitka build: the text is the real one, its folder renamed."""
    path = "/home/user/main.dist/lxml/isoschematron/resources/xsl/XSD2Schtrn.xsl"
    line = (
        f"OSError: Error reading file '{path}': "
        f'failed to load "{path}": No such file or directory'
    )
    finding = diagnose(stderr=line, variant="nuitka-standalone", facts=FACTS)
    assert finding is not None
    assert finding.cause is Cause.PACKAGE_DATA
    assert 'collect = ["lxml"]' in finding.fix


def test_a_cached_unpack_is_a_folder_of_the_program() -> None:
    """Nuitka's cached mode runs from the user's cache folder; the advice is the same."""
    path = "/home/user/.cache/sidecar-traps/0.1.0-0123456789ab/data/table.txt"
    line = f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"
    finding = diagnose(stderr=line, variant="nuitka-cached", facts=FACTS)
    assert finding is not None
    assert (finding.key, finding.value) == ("data", "data/table.txt")


def test_a_windows_path_is_understood() -> None:
    """Backslashes, doubled in the exception's repr, give the same relative path."""
    line = (
        "FileNotFoundError: [Errno 2] No such file or directory: "
        r"'C:\\Users\\Zo\xeb\\AppData\\Local\\Temp\\_MEI1234\\data\\table.txt'"
    )
    finding = diagnose(stderr=line, variant="pyinstaller-onefile", facts=FACTS)
    assert finding is not None
    assert 'data = ["data/table.txt"]' in finding.fix
