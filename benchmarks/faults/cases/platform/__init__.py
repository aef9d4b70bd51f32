"""The platform: what a machine must offer before the program runs at all."""

ORDER = 5
"""Its place in the tables."""
