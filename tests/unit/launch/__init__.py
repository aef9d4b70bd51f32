"""Unit tests of launch."""
