"""Unit tests of signing."""
