"""Where things stand in the state map: one domain-separated key for each, and a digest as value.

Whoever has the root of a state (in a signed checkpoint) can be shown that something is in it, or
that it is not: that a lot is unspent, a tag spent, a recall absent. The verifier of a bundle makes
the same keys with the same function.

    key   = SHA-256("lodeline/v1/state" 00 | kind 00 | length (4) | part | …)
    value = SHA-256("lodeline/v1/state-value" 00 | canonical CBOR of the record)
"""

from __future__ import annotations

import hashlib
from enum import Enum

import msgspec

from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32

__all__ = ["PRESENT", "StateKind", "application_hash", "digest_of", "state_key"]

_KEY_DOMAIN = b"lodeline/v1/state\0"
_VALUE_DOMAIN = b"lodeline/v1/state-value\0"
_APPLICATION_DOMAIN = b"lodeline/v1/application\0"


class StateKind(Enum):
    """What a key of the state map stands for; a kind is never renamed or reused."""

    def __init__(self, name: str) -> None:
        self.domain = _KEY_DOMAIN + name.encode() + b"\0"
        """What every key of this kind is the hash of, before its parts."""

    CONSTANTS = "constants"
    """No part; the constants of the genesis."""
    GOVERNANCE = "governance"
    """No part; how many governance acts there have been."""
    ENTRY = "entry"
    """Entry id: this was accepted."""
    UNSPENT = "unspent"
    """Lot id: the lot is there; its value is the digest of the public lot."""
    TAG = "tag"
    """Spending tag: spent."""
    RESERVED = "reserved"
    """Spending tag: reserved by an open offer."""
    OWNER_KEY = "owner-key"
    """One-time key: seen, never to be used again."""
    RESERVED_KEY = "reserved-key"
    """One-time key: reserved for the buyer by an open offer."""
    MAKING = "making"
    """Transform, reversal or re-grant, by id."""
    OFFER = "offer"
    GRANT = "grant"
    RECALL = "recall"
    """Lot id of the lot that a recall names."""
    FLAG = "flag"
    """Lot id: the lot is recalled, itself or as a descendant."""
    MEMBER = "member"
    SITE = "site"
    RECOGNITION = "recognition"
    FORM = "form"
    STANDARD = "standard"
    ALLOCATION = "allocation"
    RECIPE = "recipe"
    ANCHOR = "anchor"
    VALIDATOR = "validator"
    """Member: runs a validator, with these keys."""
    VALIDATOR_KEY = "validator-key"
    """Public key: a validator uses it or once used it, so nobody else ever may."""
    PROTOCOL = "protocol"
    """Version in 4 bytes, most significant first: required from a block time on."""


def state_key(kind: StateKind, *parts: bytes) -> Hash32:
    """Return the key under which a thing of this kind stands."""
    framed = kind.domain
    for part in parts:
        framed += len(part).to_bytes(4, "big") + part
    return Hash32(hashlib.sha256(framed).digest())


def digest_of(record: msgspec.Struct) -> Hash32:
    """Return the value that stands for a record.

    Raises:
        CborError: the record has a field without a canonical form.
    """
    return Hash32(hashlib.sha256(_VALUE_DOMAIN + cbor.encode_struct(record)).digest())


PRESENT = Hash32(hashlib.sha256(_VALUE_DOMAIN + b"present").digest())
"""Value of the kinds where being there is all that is to say."""


def application_hash(log_root: Hash32, state_root: Hash32) -> Hash32:
    """Return the hash of a block: log and state together (protocol.md §7)."""
    return Hash32(hashlib.sha256(_APPLICATION_DOMAIN + log_root + state_root).digest())
