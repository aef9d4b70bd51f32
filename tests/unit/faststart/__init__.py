"""Unit tests of faststart."""
