"""How an older layout of the event store becomes the present one, by Alembic.

A revision is one file in `versions`, its name and number the next in line, its ``down_revision``
the one before: ``v0002_access.py`` is revision ``0002_access`` after ``0001_events``. A revision
that was published never changes. All revisions of one start are one transaction: a killed program
leaves the old layout or the new one.
"""
