"""Structured logs: one JSON object a line, with what the project's own records carry and no more.

A record's message is a constant text; what varies are its extra fields. Tracebacks have no values
of variables in them. Headers, paths and bodies never come here.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Final, TextIO

from lodeline.node.events.moments import Micros, moment_text

__all__ = ["JsonLines", "log_to"]

_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, object] = {
            "time": moment_text(Micros(int(record.created * 1_000_000))),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = {
            name: value for name, value in vars(record).items() if name not in _USUAL and value
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields | extra, default=str)


def log_to(stream: TextIO | None = None) -> None:
    """Write the logs of the service, and of the server under it, to a stream."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    # What the server says of websockets, at the level INFO, has their paths and queries in it.
    for name, level in (("lodeline", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
