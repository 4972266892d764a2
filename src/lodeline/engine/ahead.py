"""Signatures verified ahead, in other processes, while this one reads and decides.

An entry that one member signs costs more in its signature than in everything else. So the entries
of a block are read in stretches, and the signatures of each stretch are on their way to the pool
while the next one is read. When it comes to deciding, those that fit are known. Nothing depends on
it: a signature that was not foreseen, or was made with a key that an entry of the same block has
replaced, is verified where it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

from lodeline.crypto.signatures import SignatureContext, SignedMessage, trust_as_verified
from lodeline.kernel.ids import MemberKey, SignatureBytes
from lodeline.ledger.entries import Anchor, Entry, EntryId, Recall
from lodeline.ledger.state import State

__all__ = ["STRETCH", "Ahead", "foreseen"]

STRETCH: Final = 128
"""Entries whose signatures go to a process together."""

_CONTEXT: Final = SignatureContext.ENTRY


def foreseen(state: State, entry: Entry, identity: EntryId) -> SignedMessage | None:
    """Return the signature that deciding an entry will ask for, where it is a single member's.

    ``identity`` is the entry's id, which is what a member signs.
    """
    if not isinstance(entry, (Anchor, Recall)):
        return None
    record = state.members.get(entry.body.member)
    if record is None:
        return None
    return SignedMessage(record.member.key, _CONTEXT, identity, entry.signature)


@dataclass(frozen=True)
class Ahead:
    """Signatures on their way."""

    asked: tuple[SignedMessage, ...]
    answers: Future[list[bool]]

    @classmethod
    def send(
        cls, pool: Executor, state: State, entries: Iterable[tuple[Entry, EntryId]]
    ) -> Ahead | None:
        """Have the signatures of some entries verified; nothing where none is foreseen."""
        found = (foreseen(state, entry, identity) for entry, identity in entries)
        asked = tuple(signed for signed in found if signed is not None)
        # Plain tuples: they cost less to send than what they are made of.
        plain = [(signed.public, signed.message, signed.signature) for signed in asked]
        return cls(asked, pool.submit(_fitting, plain)) if asked else None

    def wait(self) -> None:
        """Take the answers in once they are there."""
        fits = self.answers.result()
        trust_as_verified(signed for signed, holds in zip(self.asked, fits, strict=True) if holds)


def _fitting(asked: Sequence[tuple[MemberKey, bytes, SignatureBytes]]) -> list[bool]:
    """Verify signatures of entries; runs in a worker process."""
    return [SignedMessage(key, _CONTEXT, said, signature).fits for key, said, signature in asked]
