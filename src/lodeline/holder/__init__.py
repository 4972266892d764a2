"""Row 6: the only place with secrets: vault, keys and proving."""
