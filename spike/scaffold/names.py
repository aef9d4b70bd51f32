"""What a new application may be called: one name for Cargo, npm, Debian, Python and Tauri."""

from __future__ import annotations

import re
import unicodedata

from spike.core.errors import UsageError

_NAME = re.compile(r"(?!(com|lpt)[0-9]$)[a-z](-?[a-z0-9]){1,49}")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)+")
# Words of Rust, folders and crates of Cargo, devices of Windows, Tauri itself, and what is copied.
_TAKEN = (
    " abstract as async await become box break const continue crate do dyn else enum extern false "
    "final fn for gen if impl in let loop macro match mod move mut override priv pub ref return "
    "self static struct super trait true try type typeof unsafe unsized use virtual where while "
    "yield alloc build core deps examples incremental proc-macro std test aux con nul prn tauri "
    "sidecar-supervisor tauri-plugin-sidecar-supervisor tauri-sidecar-build "
)


def package_name(given: str, folder: str) -> str:
    """The application's name.

    Args:
        given: As the user asks for it; empty to make it from the folder's.
        folder: The folder's name.

    Raises:
        UsageError: Not all of them take it, or none can be made.
    """
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode().lower()
    name = given or re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not _NAME.fullmatch(name) or f" {name} " in _TAKEN:
        raise UsageError(
            f"An application cannot be called {given or folder!r}.",
            why="Lower-case letters, digits and single hyphens, a letter first, 2 to 50 in all and "
            "no word of Rust, Cargo or Windows: Cargo, npm, Debian and Tauri share the name.",
            try_next="--name my-app",
        )
    return name


def identifier(given: str, name: str) -> str:
    """The identifier by which systems know the application.

    Args:
        given: As the user asks for it; empty for ``com.example.NAME``.
        name: The application's name.

    Raises:
        UsageError: Tauri would not take it, or macOS take it for a file name.
    """
    usual = f"com.example.{'my-app' if name == 'app' else name}"
    found = given or usual
    if not _IDENTIFIER.fullmatch(found) or found.endswith(".app") or found == "com.tauri.dev":
        raise UsageError(
            f"An application cannot have the identifier {found!r}.",
            why="It is a domain of yours backwards: parts of letters, digits and hyphens, a letter "
            "first, with dots between them, and .app at the end is a file's on macOS.",
            try_next=f"--identifier {usual}",
        )
    return found
