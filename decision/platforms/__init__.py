"""One decision over every platform whose results were merged in."""
