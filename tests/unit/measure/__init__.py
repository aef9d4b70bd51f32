"""Unit tests of measure."""
