"""Safekeeping: a vault in one file, and back from that file or from keystore and log alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lodeline.holder.backup import backup, restore_backup
from lodeline.holder.scanning import restore
from lodeline.kernel.ids import MemberId
from lodeline.ledger.merkle import LeafIndex
from lodeline.node.holding import Holding, holding
from lodeline.node.session import Session
from lodeline.node.workspace import read_file, write_file

__all__ = ["Restored", "back_up", "restore_from_backup", "restore_from_log"]


@dataclass(frozen=True)
class Restored:
    """What a restored vault knows."""

    lots: int
    with_facts: int
    """Lots of which weights, assays or documents are known."""
    disputes: int


def back_up(own: Holding, path: Path) -> int:
    """Write the whole vault to one encrypted file, and return its length in bytes.

    Raises:
        FileExists, FileUnwritable: it was not written.
    """
    data = backup(own.vault, own.keys.vault, own.session.entropy)
    write_file(path, data)
    return len(data)


def restore_from_log(session: Session, member: MemberId) -> Restored:
    """Make a vault anew from keystore and log: every opening, but no weight, assay or document.

    Raises:
        VaultExists: the member has a vault; it is left as it is.
    """
    keys, path = session.keys(member), session.workspace.vault(member)
    leaves = session.ledger.entries(LeafIndex(0), session.ledger.size)
    restore(path, keys, session.chain, leaves, session.entropy).close()
    return _counted(session, member)


def restore_from_backup(session: Session, member: MemberId, file: Path) -> Restored:
    """Make a vault anew from a backup, and bring it up to date with the log.

    Raises:
        FileUnreadable: the backup.
        BackupNotOpened: of another keystore, or altered.
        VaultExists: the member has a vault; it is left as it is.
    """
    keys, path = session.keys(member), session.workspace.vault(member)
    restore_backup(path, read_file(file), keys.vault, session.entropy).close()
    return _counted(session, member)


def _counted(session: Session, member: MemberId) -> Restored:
    with holding(session, member) as own:
        lots = own.vault.lots()
        facts = sum(own.vault.facts(lot.lot_id) is not None for lot in lots)
        return Restored(len(lots), facts, len(own.vault.disputes()))
