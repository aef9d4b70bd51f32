"""A project's sidecar: its configuration, its lock, and what its sources import."""
