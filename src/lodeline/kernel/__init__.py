"""Row 0: units, ids, time, errors and canonical encoding; imports nothing of the project."""
