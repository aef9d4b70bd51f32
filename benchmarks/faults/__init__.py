"""Hostile machines: what each packager does when things go wrong, with real frozen binaries."""
