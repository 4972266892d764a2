"""Row 3: what is proved: statements, verifier, and the prover that only the holder reaches."""
