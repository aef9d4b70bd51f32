"""The tests: quality (style, types), unit (seconds), integration (real binaries, real host)."""
