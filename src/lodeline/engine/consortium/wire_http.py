"""What travels between a validator's HTTP API and whoever asks it.

| path | asks | answer |
|---|---|---|
| `POST /v1/submissions` | an encoded submission (CBOR) | one answer an entry (JSON) |
| `GET /v1/checkpoint` | the newest; `size=N` that one; `upto=N` the newest of at most N | note |
| `GET /v1/entries?start=&end=` | leaves; at most `MAX_STRETCH_LEAVES` | array of bytes (CBOR) |
| `GET /v1/proof/inclusion?index=&size=` | a leaf in a tree | proof (JSON) |
| `GET /v1/proof/consistency?old=&new=` | a tree in a later one | proof (JSON) |
| `GET /v1/status` | how the validator stands | `ValidatorStatus` (JSON) |
| `GET /v1/snapshot` | its latest snapshot | signed statement |
| `GET /v1/founding` | how the chain was founded | the founding file (JSON) |

Everything else is a problem (RFC 9457). A refusal travels in two forms in one object: as text for
people, and packed (`engine.consortium.relay`), from which the very class is built again.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from lodeline.engine.consortium.misbehaviour import Caught
from lodeline.engine.consortium.relay import PackedRefusal
from lodeline.kernel.ids import ChainIdW, EntryHash, Hash32W, MemberIdW
from lodeline.kernel.time import BlockTimeW
from lodeline.ledger.entries import EntryIdW, ProtocolVersionW
from lodeline.ledger.merkle import LeafIndexW, TreeSizeW
from lodeline.ledger.submissions import MAX_SUBMISSION_BYTES, MAX_SUBMISSION_ENTRIES
from lodeline.ledger.validators import MAX_VALIDATORS

__all__ = [
    "CBOR",
    "JSON",
    "MAX_ANSWERS_BYTES",
    "MAX_CAUGHT",
    "MAX_DOCUMENT_BYTES",
    "MAX_PROTOCOLS",
    "MAX_STRETCH_BYTES",
    "MAX_STRETCH_LEAVES",
    "MAX_SUBMISSION_BYTES",
    "NOTE",
    "PROBLEM",
    "AnswerW",
    "Refused",
    "RequiredProtocol",
    "Taken",
    "ValidatorStatus",
]

CBOR: Final = "application/cbor"
JSON: Final = "application/json"
NOTE: Final = "text/plain; charset=utf-8"
PROBLEM: Final = "application/problem+json"

MAX_STRETCH_LEAVES: Final = 4_096
"""Most leaves of one answer."""
MAX_STRETCH_BYTES: Final = 4_000_000
"""Bytes of leaves after which an answer ends; one leaf is always in it."""
MAX_ANSWERS_BYTES: Final = MAX_SUBMISSION_ENTRIES * 4_096
"""Longest answer to a submission."""
MAX_CAUGHT: Final = 64
"""Validators that were caught, in a status."""
MAX_PROTOCOLS: Final = 64
"""Versions of the protocol, in a status."""
MAX_DOCUMENT_BYTES: Final = 8_000_000
"""Longest founding file or statement."""

EntryHashW = Annotated[EntryHash, msgspec.Meta(min_length=32, max_length=32)]
_Address = Annotated[str, msgspec.Meta(max_length=256)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="receipt"):
    """An entry that is in the log of this validator, durable there; byte fields in base64."""

    index: LeafIndexW
    entry: EntryIdW
    leaf: EntryHashW
    time: BlockTimeW


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="refusal"):
    """An entry that is not in the log."""

    detail: str
    """What was refused and why, in the language that was asked for."""
    refusal: PackedRefusal
    """The refusal itself."""


AnswerW = Taken | Refused


class RequiredProtocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the protocol that the members require."""

    version: ProtocolVersionW
    at: BlockTimeW
    """First block time of the version."""
    release: Annotated[str, msgspec.Meta(max_length=256)]
    """Which release knows it, in the members' words."""


class ValidatorStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a validator stands, in its own words."""

    chain: ChainIdW
    member: MemberIdW
    size: TreeSizeW
    """Entries that it has."""
    time: BlockTimeW
    """Time of the last block with entries."""
    log_root: Hash32W
    state_root: Hash32W
    signed: TreeSizeW
    """Size of its newest signed checkpoint; 0 while there is none."""
    signatures: _Count
    """Validators whose signature it has of that checkpoint."""
    validators: _Count
    needed: _Count
    """Signatures that a checkpoint needs."""
    caught: Annotated[tuple[Caught, ...], msgspec.Meta(max_length=MAX_CAUGHT)] = ()
    """Validators that it was told misbehaved, the last ones."""
    addresses: Annotated[tuple[_Address, ...], msgspec.Meta(max_length=MAX_VALIDATORS)] = ()
    """Where the validators' interfaces are, as the members voted; not checked."""
    known: Annotated[tuple[ProtocolVersionW, ...], msgspec.Meta(max_length=MAX_PROTOCOLS)] = ()
    """Versions of the protocol that its program knows."""
    required: Annotated[tuple[RequiredProtocol, ...], msgspec.Meta(max_length=MAX_PROTOCOLS)] = ()
    """Versions that the members require, in force or to come, the last ones."""
