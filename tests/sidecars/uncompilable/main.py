"""A program that Nuitka refuses: it asks for a plugin that does not exist."""

# nuitka-project: --enable-plugin=no-such-plugin

import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
sys.stdout.write("BOOT sidecar=uncompilable version=0.1.0\nREADY\n")
sys.stdout.flush()
sys.stdin.read()
sys.stdout.write("SHUTDOWN reason=normal\n")
