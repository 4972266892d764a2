"""Row 4: the pure state machine, its entries, the Merkle log, checkpoints and bundles."""
