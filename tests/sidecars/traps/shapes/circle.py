"""A submodule that is imported by name only."""

KIND = "circle"
