"""A desktop application of two scripts, packed as a .deb, that behaves well or not, as it is told.

It is what `invoke installed` is about, without a compiler: a program with a window and a .desktop
file, and a sidecar beside it. Both need Debian's own Python and libX11.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

MAIN = """\
#!/usr/bin/python3
import ctypes, os, signal, subprocess, sys
from ctypes import byref, c_char_p, c_int, c_ulong, c_void_p

HERE = os.path.dirname(os.path.realpath(__file__))
sidecar = subprocess.Popen([HERE + "/toy-sidecar"], stdin=subprocess.PIPE)

x = ctypes.CDLL("libX11.so.6")
for name, result, arguments in (
    ("XOpenDisplay", c_void_p, [c_char_p]),
    ("XDefaultRootWindow", c_ulong, [c_void_p]),
    ("XCreateSimpleWindow", c_ulong, [c_void_p, c_ulong] + [c_int] * 5 + [c_ulong] * 2),
    ("XInternAtom", c_ulong, [c_void_p, c_char_p, c_int]),
    ("XSetWMProtocols", c_int, [c_void_p, c_ulong, c_void_p, c_int]),
    ("XMapWindow", c_int, [c_void_p, c_ulong]),
    ("XNextEvent", c_int, [c_void_p, c_void_p]),
):
    getattr(x, name).restype = result
    getattr(x, name).argtypes = arguments
display = x.XOpenDisplay(None)
window = x.XCreateSimpleWindow(display, x.XDefaultRootWindow(display), 0, 0, 90, 90, 0, 0, 0)
delete = c_ulong(x.XInternAtom(display, b"WM_DELETE_WINDOW", 0))
x.XSetWMProtocols(display, window, byref(delete), 1)
x.XMapWindow(display, window)
event = (ctypes.c_long * 24)()
while True:
    x.XNextEvent(display, byref(event))
    if ctypes.cast(byref(event), ctypes.POINTER(c_int))[0] == 33:  # ClientMessage
        break
sidecar.stdin.close()
sys.exit(sidecar.wait() if "orphan" not in "BEHAVIOUR" else 0)
"""

SIDECAR = """\
#!/usr/bin/python3
import http.server, os, sys, tempfile, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
data = os.path.expanduser("~/.local/share/toy")
os.makedirs(data, exist_ok=True)
open(data + "/ready", "w").close()
if "litter" in "BEHAVIOUR":
    tempfile.mkdtemp(prefix="toy-left-")
if "dies" in "BEHAVIOUR":
    sys.exit("toy-sidecar: out of luck")
print("toy is ready", flush=True)
sys.stdin.read()
if "orphan" in "BEHAVIOUR":
    threading.Event().wait()
"""

SIDECAR_NAME = "toy-sidecar"

DESKTOP = """\
[Desktop Entry]
Type=Application
Name=Toy
Exec="/usr/bin/toy-app" %U
Terminal=false
"""


def deb(
    folder: Path, behaviour: str = "", *, version: str = "1.0", sidecar: str = SIDECAR_NAME
) -> Path:
    """Make the package; needs dpkg-deb.

    Args:
        folder: Where; it is made.
        behaviour: What it does wrong: ``orphan``, ``litter``, ``dies``; empty for nothing.
        version: Its version.
        sidecar: What its second program is called.
    """
    tree = folder / "tree"
    control = (
        f"Package: toy-app\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\n"
        "Depends: python3, libx11-6\nDescription: a toy\n"
    )
    for path, text, mode in (
        ("usr/bin/toy-app", MAIN, 0o755),
        (f"usr/bin/{sidecar}", f"{SIDECAR}# {version}\n", 0o755),
        ("usr/share/applications/toy.desktop", DESKTOP, 0o644),
        ("DEBIAN/control", control, 0o644),
    ):
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("BEHAVIOUR", behaviour).replace(SIDECAR_NAME, sidecar)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)
    for place in tree.rglob("*"):
        if place.is_dir():
            place.chmod(0o755)
    target = folder / f"toy-app_{version}_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target
