"""A new application from nothing: what it may be called, its files, and how they are written."""
