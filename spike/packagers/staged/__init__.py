"""Code that runs inside a packager or inside the packaged program, staged beside the sidecar."""
