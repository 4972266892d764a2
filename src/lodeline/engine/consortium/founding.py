"""The founding of a consortium as its validators start from it: one document, the same for all.

    {"format": "lodeline-founding-v1", "clock": "block",
     "limits": {"block_bytes": 2000000, "block_proofs": 256}, "entries": ["<base64>", …]}

The entries are the genesis, signed by all founders, and the votes that follow at once: tables and
validators. They are applied in their order at the time of the consensus engine's genesis; a refusal
of any of them means that the chain does not start. The document says nothing that is believed: what
the entries are worth, the state machine decides.

Clock and limits are here, and not among a validator's own settings, because a proposal is judged by
them: validators that differ in them would refuse each other's blocks. They are covered by the
digest that the founders compare, and by no signature in the ledger. A newcomer that is given other
ones is not misled about any entry; it cannot go along with the others.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final, Literal

import msgspec

from lodeline.engine.consortium.refusals import FoundingMalformed
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.ledger.entries import MAX_ENTRY_BYTES, Genesis, decode_entry

__all__ = [
    "BLOCK_BYTES",
    "BLOCK_PROOFS",
    "SUBMISSION_ROOM",
    "BlockLimits",
    "ClockKind",
    "Founding",
    "read_founding",
]

BLOCK_BYTES: Final = 2_000_000
"""Largest block of the consensus engine; not under its ``evidence.max_bytes``."""
SUBMISSION_ROOM: Final = 1_900_000
"""Most bytes of submissions in a block; the rest is the engine's: header, commit, evidence."""
BLOCK_PROOFS: Final = 256
"""Most proofs in a block: verifying them takes about as long as a block's time-outs allow."""

_FORMAT = "lodeline-founding-v1"
_MOST_ENTRIES = 1_024
_DOMAIN = b"lodeline/v1/founding-entries\0"


class ClockKind(Enum):
    """Where block times come from."""

    BLOCK = "block"
    """The time that the validators agree on, in whole seconds."""
    STORY = "story"
    """The days that members tell: a demonstration, whose quarter passes in minutes."""


class BlockLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a block may hold at most; proposals are judged by it, so it is the same everywhere.

    The lower bounds leave room for the largest submission beside the engine's own part.
    """

    block_bytes: Annotated[int, msgspec.Meta(ge=500_000, le=20_000_000)] = BLOCK_BYTES
    """Bytes of a whole block of the consensus engine."""
    block_proofs: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = BLOCK_PROOFS
    """Proofs to be verified."""

    @property
    def submission_room(self) -> int:
        """Return the most bytes of submissions in a block."""
        return self.block_bytes - (BLOCK_BYTES - SUBMISSION_ROOM)


USUAL_LIMITS: Final = BlockLimits()


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["lodeline-founding-v1"]
    clock: ClockKind
    limits: BlockLimits
    entries: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=_MOST_ENTRIES)]


@dataclass(frozen=True)
class Founding:
    """What a consortium starts from."""

    clock: ClockKind
    entries: tuple[bytes, ...]
    """Each in its canonical encoding."""
    limits: BlockLimits = USUAL_LIMITS

    @property
    def version(self) -> int:
        """Return the version of the protocol that the genesis names.

        It stands in the head of every block of the consensus engine, so it is the founding's also
        in a program that knows later ones.

        Raises:
            FoundingMalformed: the first entry is no genesis.
        """
        try:
            genesis = decode_entry(self.entries[0])
        except LodelineError as refused:
            raise FoundingMalformed(refused.message("en")) from refused
        if not isinstance(genesis, Genesis):
            reason = f"the first entry is a {type(genesis).__name__}"
            raise FoundingMalformed(reason)
        return genesis.version

    def encode(self) -> bytes:
        """Return the document, as `read_founding` reads it."""
        fields = {
            "format": _FORMAT,
            "clock": self.clock.value,
            "limits": msgspec.to_builtins(self.limits),
            "entries": [b64encode(entry).decode("ascii") for entry in self.entries],
        }
        return (json.dumps(fields, indent=1) + "\n").encode()

    @property
    def digest(self) -> Hash32:
        """Return a hash of what the document says, however it is laid out."""
        hashed = hashlib.sha256(_DOMAIN + self.clock.value.encode() + b"\0")
        for limit in (self.limits.block_bytes, self.limits.block_proofs):
            hashed.update(limit.to_bytes(8, "big"))
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
    return Founding(document.clock, tuple(map(_entry, document.entries)), document.limits)


def _entry(text: str) -> bytes:
    try:
        entry = b64decode(text, validate=True)
    except (Base64Error, ValueError) as refused:
        raise FoundingMalformed("an entry is not in base64") from refused
    if not 0 < len(entry) <= MAX_ENTRY_BYTES:
        reason = f"an entry has {len(entry)} bytes"
        raise FoundingMalformed(reason)
    return entry
