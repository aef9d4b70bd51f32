"""Windows on a machine that has none: a Python under Wine, and what is proved in it."""
