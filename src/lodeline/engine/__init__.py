"""Row 5: where entries are ordered and kept; one interface that every engine obeys."""
