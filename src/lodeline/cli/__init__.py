"""Row 9: the command line; translates in, translates out, decides nothing."""
