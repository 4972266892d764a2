"""Outside witnesses of a log: they remember what they saw, sign what continues it, cry when not."""
