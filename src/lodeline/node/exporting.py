"""Exporting a consortium's whole log, so that it can be verified without any validator.

The folder holds what `engine.tile_files` publishes, C2SP tiles and entries under a signed
checkpoint, and besides ``founding.json`` and CometBFT's ``genesis.json``, from which the same
consortium can be set up again. There is no trust file in it: whoever verifies brings that along.

Read is the file of a validator's ledger, running or not.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lodeline.engine.consortium.published import Published as Archive
from lodeline.engine.consortium.refusals_http import CheckpointNotHere
from lodeline.engine.consortium.settings import ValidatorHome
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.tile_files import publish
from lodeline.ledger.checkpoint import (
    CheckpointPolicy,
    TooFewSignatures,
    parse_checkpoint_text,
    verify_checkpoint,
)
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.trust import TrustFile
from lodeline.node.clock import SystemClock
from lodeline.node.workspace import read_file, write_file

__all__ = ["Exported", "export", "newest_agreed"]


@dataclass(frozen=True)
class Exported:
    """What an export folder holds."""

    size: TreeSize
    """Entries under the checkpoint."""
    new: int
    """Entries that were not in the folder before."""
    left_out: int
    """Entries of the ledger that enough validators have not signed for yet."""


def newest_agreed(archive: Archive, policy: CheckpointPolicy) -> bytes:
    """Return the newest checkpoint of a ledger's file that enough validators have signed.

    Raises:
        CheckpointMissing: nobody has signed one.
        TooFewSignatures: none has enough signatures; of the newest one.
        NoteSignatureInvalid, …: a checkpoint that is kept does not hold.
    """
    _, note = newest = archive.newest()
    while not _is_agreed(note, policy):
        size = parse_checkpoint_text(parse_note(note).text).size
        try:
            note = archive.note_upto(TreeSize(size - 1))
        except CheckpointNotHere:
            verify_checkpoint(newest[1], policy)
            raise
    return note


def _is_agreed(note: bytes, policy: CheckpointPolicy) -> bool:
    try:
        verify_checkpoint(note, policy)
    except TooFewSignatures:
        return False
    return True


def export(home: ValidatorHome, trust: TrustFile, folder: Path) -> Exported:
    """Export a validator's log into a folder, or add to the folder what is new.

    Raises:
        LedgerMissing, LedgerDamaged, …: the ledger cannot be read.
        CheckpointMissing, TooFewSignatures: no checkpoint that enough validators have signed.
        PublishedLogDiffers, PublishedLogShrank, …: the folder holds another history.
        FileUnreadable, FileUnwritable, DurableFileFailed: a file.
    """
    policy = trust.policy().signers_only()
    with closing(Archive(home.ledger)) as archive:
        note = newest_agreed(archive, policy)
    with closing(EmbeddedLedger(home.ledger, SystemClock(), writable=False)) as ledger:
        published = publish(ledger, note, folder)
        size = ledger.size
    for name, source in (
        ("founding.json", home.founding),
        ("genesis.json", home.engine / "config" / "genesis.json"),
    ):
        write_file(folder / name, read_file(source), over=True)
    return Exported(published.size, published.size - published.before, size - published.size)
