"""Unit tests of completeness."""
