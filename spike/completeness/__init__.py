"""What a program lacks that the plain script has: the first launch of both, side by side."""
