"""Unit tests of decision."""
