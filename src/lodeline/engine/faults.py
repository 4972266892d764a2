"""What `fsck` can find in the file of a ledger, one class for each fault."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import EntryHash, Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.merkle import LeafIndex, TreeSize

__all__ = [
    "BlockOutOfPlace",
    "CheckpointFault",
    "DatabaseDamaged",
    "EntryFault",
    "Fault",
    "HashWithoutLeaf",
    "LeafHashDiffers",
    "LeafMissing",
    "LeafNotOfBlock",
    "LeafTimeDiffers",
    "RootDiffers",
    "StateFault",
]


class Fault(LodelineError):
    """Something in the file of a ledger is not as it was written."""


class DatabaseDamaged(Fault):
    """The database finds its own file broken."""

    finding: str

    code = "fault-database-damaged"
    en = "the database is broken: {finding}"
    fr = "la base de données est abîmée : {finding}"
    advice_en = "restore the file from a backup, or copy the log from another member"
    advice_fr = "restaurez le fichier d'une sauvegarde, ou copiez le journal d'un autre membre"


class LeafMissing(Fault):
    """The log has a hole."""

    first: LeafIndex
    last: LeafIndex

    code = "fault-leaf-missing"
    en = "the entries {first} to {last} (counted from 0) are missing"
    fr = "les écritures {first} à {last} (à partir de 0) manquent"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class LeafHashDiffers(Fault):
    """The bytes of an entry are not those whose hash was stored with it."""

    index: LeafIndex
    stored: EntryHash | None
    """None where no hash was stored."""
    computed: EntryHash

    code = "fault-leaf-hash-differs"
    en = "entry {index} has the hash {computed}, stored is {stored}"
    fr = "l'écriture {index} a l'empreinte {computed}, enregistrée est {stored}"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class HashWithoutLeaf(Fault):
    """A hash is stored for an entry that is not there."""

    index: LeafIndex

    code = "fault-hash-without-leaf"
    en = "a hash is stored for entry {index}, but no such entry"
    fr = "une empreinte est enregistrée pour l'écriture {index}, mais pas l'écriture"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class LeafNotOfBlock(Fault):
    """An entry stands in the file that no block has."""

    index: LeafIndex

    code = "fault-leaf-not-of-block"
    en = "entry {index} belongs to no block"
    fr = "l'écriture {index} n'appartient à aucun bloc"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class LeafTimeDiffers(Fault):
    """An entry has another time than its block."""

    index: LeafIndex
    block: BlockTime
    leaf: BlockTime

    code = "fault-leaf-time-differs"
    en = "entry {index} has the time {leaf}, its block {block}"
    fr = "l'écriture {index} a l'heure {leaf}, son bloc {block}"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class BlockOutOfPlace(Fault):
    """A block does not continue the one before it."""

    height: int
    what: str
    expected: int
    got: int

    code = "fault-block-out-of-place"
    en = "block {height} has the {what} {got}; after the block before it, it would be {expected}"
    fr = "le bloc {height} a pour {what} {got} ; d'après le bloc précédent, ce serait {expected}"
    advice_en = "copy the log from another member, or restore it from a backup"
    advice_fr = "copiez le journal d'un autre membre, ou restaurez-le d'une sauvegarde"


class RootDiffers(Fault):
    """What is stored adds up to another root than was stored with it."""

    size: TreeSize
    what: str
    stored: Hash32
    computed: Hash32

    code = "fault-root-differs"
    en = "after {size} entries the {what} is {computed}, stored is {stored}"
    fr = "après {size} écritures, {what} vaut {computed}, enregistré {stored}"
    advice_en = "compare the checkpoints with those of other members: one copy is not the log"
    advice_fr = "comparez les points de contrôle à ceux des autres membres : une copie diffère"


class EntryFault(Fault):
    """An entry of the log cannot be read, or must not be in the log."""

    index: LeafIndex
    refusal: str
    """Code of the reason for which the entry would be refused."""

    code = "fault-entry"
    en = "entry {index} must not be in the log: {refusal}"
    fr = "l'écriture {index} ne doit pas être dans le journal : {refusal}"
    advice_en = "compare the log with another member's; who signed its checkpoint must explain it"
    advice_fr = (
        "comparez le journal à celui d'un autre membre ; ses signataires doivent l'expliquer"
    )


class StateFault(Fault):
    """A stored part of the state cannot be used; it is made again when the ledger is opened."""

    first: int
    size: int
    refusal: str
    """Code of the reason."""

    code = "fault-state"
    en = "the stored state of the entries {first} to {size} cannot be used: {refusal}"
    fr = "l'état enregistré des écritures {first} à {size} est inutilisable : {refusal}"
    advice_en = "open the ledger for writing: the state is then made again from the log"
    advice_fr = "ouvrez le registre en écriture : l'état est alors refait à partir du journal"


class CheckpointFault(Fault):
    """A stored checkpoint is not of this log, or not signed by enough members."""

    size: TreeSize
    refusal: str
    """Code of the reason."""

    code = "fault-checkpoint"
    en = "the checkpoint of {size} entries cannot be relied on: {refusal}"
    fr = "le point de contrôle de {size} écritures n'est pas fiable : {refusal}"
    advice_en = "keep it, and compare with the checkpoints that other members have"
    advice_fr = "gardez-le, et comparez aux points de contrôle des autres membres"
