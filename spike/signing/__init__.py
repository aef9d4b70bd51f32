"""What of an artifact has to be signed, in which order, and with what."""
