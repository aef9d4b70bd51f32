"""What a packager's recipe can know of a program from its sources alone."""
