"""The revisions of the event store, one after another."""
