"""Row 6: which lots came from which, as far as the reader may see."""
