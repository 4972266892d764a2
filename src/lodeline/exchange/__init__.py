"""Row 6: bytes from and for the trade's own formats, turned into typed values and back."""
