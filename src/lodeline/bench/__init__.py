"""Row 8: measurements: how long a proof takes, how large it is, how many a validator checks."""
