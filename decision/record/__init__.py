"""The decision record and the other documents with generated sections."""
