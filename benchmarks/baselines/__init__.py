"""What stands below every figure: small C programs of ours, compiled where they are used."""
