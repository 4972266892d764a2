"""The founding of a consortium as its validators start from it: one document, the same for all.

    {"format": "lodeline-founding-v1", "clock": "block", "entries": ["<base64>", …]}

The entries are the genesis, signed by all founders, and the votes that follow at once: tables and
validators. They are applied in their order at the time of the consensus engine's genesis; a refusal
of any of them means that the chain does not start. The document says nothing that is believed: what
the entries are worth, the state machine decides.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

import msgspec

from lodeline.engine.consortium.refusals import FoundingMalformed
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import MAX_ENTRY_BYTES

__all__ = ["ClockKind", "Founding", "read_founding"]

_FORMAT = "lodeline-founding-v1"
_MOST_ENTRIES = 1_024
_DOMAIN = b"lodeline/v1/founding-entries\0"


class ClockKind(Enum):
    """Where block times come from."""

    BLOCK = "block"
    """The time that the validators agree on, in whole seconds."""
    STORY = "story"
    """The days that members tell: a demonstration, whose quarter passes in minutes."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["lodeline-founding-v1"]
    clock: ClockKind
    entries: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=_MOST_ENTRIES)]


@dataclass(frozen=True)
class Founding:
    """What a consortium starts from."""

    clock: ClockKind
    entries: tuple[bytes, ...]
    """Each in its canonical encoding."""

    def encode(self) -> bytes:
        """Return the document, as `read_founding` reads it."""
        fields = {
            "format": _FORMAT,
            "clock": self.clock.value,
            "entries": [b64encode(entry).decode("ascii") for entry in self.entries],
        }
        return (json.dumps(fields, indent=1) + "\n").encode()

    @property
    def digest(self) -> Hash32:
        """Return a hash of what the document says, however it is laid out."""
        hashed = hashlib.sha256(_DOMAIN + self.clock.value.encode() + b"\0")
        for entry in self.entries:
            hashed.update(len(entry).to_bytes(4, "big") + entry)
        return Hash32(hashed.digest())


def read_founding(data: bytes) -> Founding:
    """Read a founding document; not checked: that its entries are acceptable.

    Raises:
        FoundingMalformed: it is not JSON, has other fields, or an entry is no base64 or too long.
    """
    try:
        document = msgspec.json.decode(data, type=_Document)
    except msgspec.DecodeError as refused:
        raise FoundingMalformed(str(refused)) from refused
    return Founding(document.clock, tuple(map(_entry, document.entries)))


def _entry(text: str) -> bytes:
    try:
        entry = b64decode(text, validate=True)
    except (Base64Error, ValueError) as refused:
        raise FoundingMalformed("an entry is not in base64") from refused
    if not 0 < len(entry) <= MAX_ENTRY_BYTES:
        reason = f"an entry has {len(entry)} bytes"
        raise FoundingMalformed(reason)
    return entry
