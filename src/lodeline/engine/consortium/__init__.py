"""A ledger that members agree on: the same state machine behind a consensus engine."""
