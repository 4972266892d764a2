"""Row 1: group, transcript, commitments, signatures, sealing; alone in knowing the curve."""
