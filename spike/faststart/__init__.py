"""A faster start: imports that READY does not need are put off, in copies of libraries."""
