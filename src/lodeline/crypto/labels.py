"""Every domain and label that is ever hashed into a challenge, in one place.

Two things that mean different things never share a label. A label is never renamed or reused: a
change of meaning is a new label and a new suite, because frozen proofs of earlier versions must
still verify.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["SUITE", "Domain", "Label"]

SUITE = b"lodeline-v1/bls12381-g1/bulletproofs-plus/blake2b-512"
"""Name of the whole set of choices (group, proofs, hash); part of every transcript."""


class Domain(bytes, Enum):
    """What a transcript is about; the first thing it absorbs after the suite."""

    TRANSFORM = b"transform"
    CLAIM = b"claim"
    BATCH = b"batch-weights"
    NONCE = b"nonces"
    RANGE_ONLY = b"range-only"
    OWNER_SIGNATURE = b"owner-signature"
    RESTORATION = b"restoration"


class Label(bytes, Enum):
    """The name of one absorbed item or of one challenge."""

    SUITE = b"suite"
    DOMAIN = b"domain"
    CHAIN = b"chain"
    BODY = b"body"
    INPUT_LOT = b"input-lot"
    STATEMENT = b"statement"
    OWNER = b"owner"
    # prover's messages
    PRODUCT = b"product"
    ANNOUNCEMENT = b"announcement"
    RESPONSE = b"response"
    # range proof
    RANGE_WIDTHS = b"range-widths"
    RANGE_A = b"range-A"
    RANGE_LEFT = b"range-L"
    RANGE_RIGHT = b"range-R"
    RANGE_A1 = b"range-A1"
    RANGE_B = b"range-B"
    RANGE_FINAL = b"range-final"
    # challenges
    FOLD = b"challenge-fold"
    SIGMA = b"challenge-sigma"
    RANGE_Y = b"challenge-y"
    RANGE_Z = b"challenge-z"
    RANGE_ROUND = b"challenge-round"
    RANGE_LAST = b"challenge-last"
    WEIGHT = b"challenge-weight"
    # nonces
    SECRET = b"secret"
    FRESH = b"fresh"
    NONCE = b"nonce"
    PROOF = b"proof"
