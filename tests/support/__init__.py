"""What several tests share: evidence made by hand, sidecars written and built, commands run."""
