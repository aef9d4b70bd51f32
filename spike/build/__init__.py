"""Builds: the packager's run, what came out of it, and what it needs from the system."""
