"""From a member's entries to a submission that the validators take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from lodeline.crypto.signatures import SigningKey
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.submissions import (
    MAX_SUBMISSION_BYTES,
    MAX_SUBMISSION_ENTRIES,
    SubmissionBody,
    encode_submission,
    sign_submission,
)

__all__ = ["MemberSigner", "SubmissionSigner", "packs"]

_ROOM: Final = MAX_SUBMISSION_BYTES - 2_048
"""Bytes for entries: chain, member, day and signature take less than the rest."""
_HEAD: Final = 3
"""Bytes before an entry in its submission: type and length."""


class SubmissionSigner(Protocol):
    """Signs envelopes in the name of a member."""

    def signed(self, chain: ChainId, entries: tuple[bytes, ...], day: BlockTime | None) -> bytes:
        """Return an encoded submission of these entries; the same for the same arguments."""
        ...


@dataclass(frozen=True)
class MemberSigner:
    """Signs with a member's own key; Ed25519 gives the same signature each time."""

    member: MemberId
    key: SigningKey

    def signed(self, chain: ChainId, entries: tuple[bytes, ...], day: BlockTime | None) -> bytes:
        """Return an encoded submission of these entries.

        Raises:
            SubmissionTooLarge, SubmissionMalformed: they do not fit into one (`packs`).
        """
        body = SubmissionBody(chain, self.member, entries, day)
        return encode_submission(sign_submission(body, self.key))


def packs(entries: Sequence[bytes]) -> Iterator[range]:
    """Yield the places of entries that fit into one submission, in order."""
    first, size = 0, 0
    for place, data in enumerate(entries):
        more = _HEAD + len(data)
        if place > first and (place - first == MAX_SUBMISSION_ENTRIES or size + more > _ROOM):
            yield range(first, place)
            first, size = place, 0
        size += more
    if first < len(entries):
        yield range(first, len(entries))
