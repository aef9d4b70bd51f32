"""What a sidecar can lack, and its diagnosis: one table for saved and for new programs."""

from __future__ import annotations

from spike.launch.causes import Cause

CASES = [
    # (file name without the variant, cause, target, the fix names this)
    (
        "import.plug_in",
        Cause.HIDDEN_IMPORT,
        "plug_in",
        'hidden_imports = ["json.tool", "plug_in"]',
    ),
    ("import.lxml.etree", Cause.HIDDEN_IMPORT, "lxml", 'hidden_imports = ["json.tool", "lxml"]'),
    (
        "from-import.shapes.circle",
        Cause.HIDDEN_IMPORT,
        "shapes.circle",
        'hidden_imports = ["json.tool", "shapes.circle"]',
    ),
    ("chained.plug_in", Cause.HIDDEN_IMPORT, "plug_in", '"plug_in"]'),
    (
        "static-import.x",
        Cause.MISSING_DEPENDENCY,
        "module_that_nobody_provides",
        "add the distribution that has it",
    ),
    ("read.data_table.txt", Cause.DATA_FILE, "data/table.txt", 'data = ["data/table.txt"]'),
    ("read.data_absent.txt", Cause.DATA_FILE, "data/absent.txt", "create data/absent.txt"),
    (
        "read-in-package.table.json",
        Cause.DATA_FILE,
        "shapes/table.json",
        'data = ["shapes/table.json"]',
    ),
    (
        "metadata.typing_extensions",
        Cause.METADATA,
        "typing_extensions",
        'metadata = ["typing_extensions"]',
    ),
    (
        "metadata.sidecar-traps",
        Cause.METADATA,
        "sidecar-traps",
        'metadata = ["sidecar-traps"]',
    ),
    ("load-beside.libshape.so", Cause.NATIVE_LIBRARY, "libshape.so", 'data = ["libshape.so"]'),
    (
        "load.libnotinstalled.so.1",
        Cause.NATIVE_LIBRARY,
        "libnotinstalled.so.1",
        'data = ["libnotinstalled.so.1"]',
    ),
    ("import.needs_zeta", Cause.NATIVE_LIBRARY, "libzeta.so.1", 'data = ["libzeta.so.1"]'),
]
