"""Row 3: what is attested: who says it, about whom, until when, and whether it still stands."""
