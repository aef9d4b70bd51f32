"""A plugin that is imported by name only."""
