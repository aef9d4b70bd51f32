"""Unit tests of wine."""
