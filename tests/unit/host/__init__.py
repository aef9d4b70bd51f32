"""Unit tests of host."""
