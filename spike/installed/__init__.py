"""A package as its users have it: installed, started, upgraded and removed in a root of its own."""
