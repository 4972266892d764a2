"""Row 8: the demonstration, as data and script."""
