"""Places: temporary folders, homes, paths, environments, limits, rights and other users."""

ORDER = 2
"""Its place in the tables."""
