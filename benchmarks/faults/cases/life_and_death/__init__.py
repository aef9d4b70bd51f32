"""Life and death: signals to the process that the host holds, and ends of its pipes."""

ORDER = 1
"""Its place in the tables."""
