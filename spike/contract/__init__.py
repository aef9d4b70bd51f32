"""The contract between a sidecar and its host, tried on any program: docs/contract.md."""
