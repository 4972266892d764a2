"""What a member hands to the validators: entries in an envelope that it signs (protocol.md §7).

The envelope says who asks for the work of deciding, so that each member's share can be limited and
nobody fills blocks in another's name. It adds nothing to what the entries say: each of them is
signed for itself, is decided for itself in the order of the envelope, and may come in anybody's
envelope. A submission is therefore not made unrepeatable: what was accepted once is refused the
second time, by its id.

Signed is SHA-256("lodeline/v1/submission" 00 | canonical body) in the context ``submission``.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from lodeline.crypto.signatures import (
    SignatureContext,
    SignatureInvalid,
    SigningKey,
    sign,
    verify,
)
from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborError, WrongShape
from lodeline.kernel.ids import ChainIdW, Hash32, MemberIdW, SignatureW
from lodeline.kernel.time import BlockTimeW
from lodeline.ledger.case import active_member
from lodeline.ledger.entries import MAX_ENTRY_BYTES, Wire
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.refusals_submissions import (
    SubmissionDayNotExpected,
    SubmissionMalformed,
    SubmissionOfOther,
    SubmissionSignatureInvalid,
    SubmissionTooLarge,
)
from lodeline.ledger.state import State

__all__ = [
    "MAX_SUBMISSION_BYTES",
    "MAX_SUBMISSION_ENTRIES",
    "Submission",
    "SubmissionBody",
    "check_submission",
    "decode_submission",
    "encode_submission",
    "sign_submission",
    "submission_digest",
]

MAX_SUBMISSION_ENTRIES = 256
MAX_SUBMISSION_BYTES = 400_000
"""Largest encoded submission: several fit into a block, so that members can take turns."""

_MOST_ITEMS = MAX_SUBMISSION_ENTRIES + 13
"""Strings, numbers, arrays and maps of the largest submission: its entries and what is around."""
_STRINGS, _ARRAY, _MAP = (2, 3), 4, 5
_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}

_DOMAIN = b"lodeline/v1/submission\0"

EntryBytes = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_ENTRY_BYTES)]
Entries = Annotated[
    tuple[EntryBytes, ...], msgspec.Meta(min_length=1, max_length=MAX_SUBMISSION_ENTRIES)
]


class SubmissionBody(Wire, frozen=True):
    """Entries that a member asks the validators to decide."""

    chain: ChainIdW
    member: MemberIdW
    entries: Entries
    """Each in its canonical encoding, in the order in which they are to be decided."""
    day: BlockTimeW | None
    """The day of a demonstration's story; none on a ledger of real material."""


class Submission(Wire, frozen=True):
    """A body with the signature of the member that it names."""

    body: SubmissionBody
    signature: SignatureW


def submission_digest(body: SubmissionBody) -> Hash32:
    """Return what is signed: the hash of the chain, the member, all entries and the day."""
    return Hash32(hashlib.sha256(_DOMAIN + cbor.encode_struct(body)).digest())


def sign_submission(body: SubmissionBody, key: SigningKey) -> Submission:
    """Return the body signed with the member's key.

    Not checked: that it is the member's, and what the entries are; see `check_submission`.
    """
    return Submission(body, sign(key, SignatureContext.SUBMISSION, submission_digest(body)))


def encode_submission(submission: Submission) -> bytes:
    """Return the bytes that travel; they read back as this submission.

    Raises:
        SubmissionTooLarge: more than `MAX_SUBMISSION_BYTES`.
        SubmissionMalformed: a field that no reader would take, such as no entries at all.
    """
    data = cbor.encode_struct(submission)
    decode_submission(data)
    return data


def decode_submission(data: bytes) -> Submission:
    """Read a submission from its only encoding; looks nothing up, verifies and decides nothing.

    Not checked: that what it carries are entries.

    Raises:
        SubmissionTooLarge: more than `MAX_SUBMISSION_BYTES`; nothing of it is read.
        SubmissionMalformed: not canonical, a field missing, unknown or out of bounds.
    """
    if len(data) > MAX_SUBMISSION_BYTES:
        raise SubmissionTooLarge(len(data), MAX_SUBMISSION_BYTES)
    if not _has_few_items(data):
        raise SubmissionMalformed("too-many-items")
    try:
        return cbor.decode_struct(data, Submission, max_bytes=MAX_SUBMISSION_BYTES)
    except (CborError, WrongShape) as refused:
        raise SubmissionMalformed(refused.code) from refused


def _has_few_items(data: bytes) -> bool:
    """Return whether bytes hold no more items than a submission has, or break off before.

    These bytes come from anybody, before a signature was looked at: without this, a submission's
    worth of empty maps takes a validator half a second. What is wrong otherwise, the decoder says.
    """
    offset, left = 0, 1
    for _ in range(_MOST_ITEMS):
        if offset >= len(data):
            return True
        major, argument = data[offset] >> 5, data[offset] & 31
        start = offset + 1
        offset = start + _ARGUMENT_BYTES.get(argument, 0)
        if offset > start:
            argument = int.from_bytes(data[start:offset], "big")
        if major in _STRINGS:
            offset += argument
        left += {_ARRAY: argument, _MAP: 2 * argument}.get(major, 0) - 1
        if left <= 0:
            return True
    return False


def check_submission(state: State, submission: Submission) -> None:
    """Check that a member may have its entries decided, in the state as it is.

    1 the ledger is founded, 2 it is this one, 3 the member is active, 4 a day only on a ledger of
    invented material, 5 the signature, with the member's present key. Changes nothing.

    Not checked: the entries, limits of a block or of the member's share, and whether the ledger
    keeps the days of a story (its founding says so).

    Raises:
        NoGenesis, SubmissionOfOther, UnknownMember, MemberNotActive, SubmissionDayNotExpected,
        SubmissionSignatureInvalid: in this order.
    """
    body = submission.body
    constants = state.constants
    if constants is None:
        raise NoGenesis
    if body.chain != constants.chain:
        raise SubmissionOfOther(constants.chain, body.chain)
    record = active_member(state, body.member)
    if body.day is not None and not constants.synthetic:
        raise SubmissionDayNotExpected(body.member, body.day)
    digest = submission_digest(body)
    try:
        verify(record.member.key, SignatureContext.SUBMISSION, digest, submission.signature)
    except SignatureInvalid as refused:
        raise SubmissionSignatureInvalid(body.member) from refused
