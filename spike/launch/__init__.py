"""Launches: from spawn to READY to a stop to what is left, and why one failed."""
