"""Where the time to READY goes, before any packager: the imports of the plain script."""
