"""The packaging spike: build a Python sidecar, launch it, measure it, decide with evidence."""

__version__ = "0.1.0"
