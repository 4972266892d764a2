"""The signed checkpoints of a ledger's file: made, gathered signature by signature, given out."""

from __future__ import annotations

from typing import Final

from lodeline.engine.interface import CheckpointSigners
from lodeline.engine.refusals import CheckpointMissing, CheckpointNotOfThisLog
from lodeline.engine.store import Block, Store
from lodeline.ledger.checkpoint import (
    Checkpoint,
    assemble,
    parse_checkpoint_text,
    sign_checkpoint,
)
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import Note, NoteSignature, parse_note

__all__ = ["Checkpoints", "check_checkpoint"]

_NO_BLOCK: Final = "end of no block"


def check_checkpoint(checkpoint: Checkpoint, block: Block | None) -> None:
    """Refuse a checkpoint that says something else than the log at its size; not the signatures.

    Raises:
        CheckpointNotOfThisLog: roots or time differ, or no block ends there.
    """
    size = checkpoint.size
    if block is None:
        raise CheckpointNotOfThisLog(size, "size", _NO_BLOCK, str(size))
    for what, expected, got in (
        ("log root", block.log_root.hex(), checkpoint.root.hex()),
        ("state root", block.state_root.hex(), checkpoint.state.hex()),
        ("time", str(block.time), str(checkpoint.time)),
    ):
        if expected != got:
            raise CheckpointNotOfThisLog(size, what, expected, got)


class Checkpoints:
    """The checkpoints in one file, at most one note for each size of the log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sign(self, block: Block, signers: CheckpointSigners) -> bytes:
        """Return the signed note of a block that is about to be written.

        Raises:
            NoteSignatureInvalid: a signer does not hold the private half of its key.
        """
        checkpoint = Checkpoint(
            signers.origin, block.size, block.log_root, block.state_root, block.time
        )
        return assemble(checkpoint, [sign_checkpoint(checkpoint, *pair) for pair in signers.keys])

    def keep(self, data: bytes) -> bytes:
        """Keep the signatures of a note beside those that are known of the same checkpoint.

        Raises:
            CheckpointNotOfThisLog: the log was never like that, or another name was signed for it.
            NoteError, CheckpointError: it is no checkpoint.
            LedgerReadOnly, LedgerNotWritten, LedgerMustReopen: it could not be written.
        """
        note = parse_note(data)
        checkpoint = parse_checkpoint_text(note.text)
        check_checkpoint(checkpoint, self._store.block_at(checkpoint.size))
        known = self._store.note(checkpoint.size)
        merged = note if known is None else _merged(parse_note(known), note, checkpoint.size)
        encoded = merged.encode()
        if encoded != known:
            self._store.put_note(checkpoint.size, encoded)
        return encoded

    def last(self) -> tuple[TreeSize, bytes]:
        """Return the checkpoint of the largest log that was signed, with that size.

        Raises:
            CheckpointMissing: nobody has signed one yet.
        """
        found = self._store.last_note()
        if found is None:
            raise CheckpointMissing(self._store.size())
        return found


def _merged(known: Note, other: Note, size: TreeSize) -> Note:
    """Return a note with the signatures of both, those that were known first."""
    if known.text != other.text:
        raise CheckpointNotOfThisLog(size, "name", _name(known), _name(other))
    signatures: dict[NoteSignature, None] = dict.fromkeys((*known.signatures, *other.signatures))
    return Note(known.text, tuple(signatures))


def _name(note: Note) -> str:
    return note.text.partition("\n")[0]
