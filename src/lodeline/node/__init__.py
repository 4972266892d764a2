"""Row 7: the use cases, one module for each word of the story, and the wiring."""
