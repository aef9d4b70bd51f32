"""Listed in exclude."""
