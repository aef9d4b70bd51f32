"""Measurements: result files, on what machine and in what state of it, and comparisons."""
