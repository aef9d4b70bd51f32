"""The artifact: damaged, replaced, tidied away, and started many times at once."""

ORDER = 3
"""Its place in the tables."""
