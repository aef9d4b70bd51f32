"""A folder that modules are found in by name."""
