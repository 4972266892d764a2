"""Refusals of snapshots: what keeps a newcomer from starting from one."""

from __future__ import annotations

from lodeline.engine.consortium.refusals import ConsortiumRefused
from lodeline.kernel.ids import Hash32

__all__ = [
    "SnapshotDiffers",
    "SnapshotMalformed",
    "SnapshotNotEmpty",
    "SnapshotNotListed",
    "SnapshotRefused",
]


class SnapshotRefused(ConsortiumRefused):
    """Family of the refusals in this module."""


class SnapshotMalformed(SnapshotRefused):
    """Bytes that are no snapshot, header, piece or statement."""

    reason: str

    code = "snapshot-malformed"
    en = "this is no snapshot that can be read: {reason}"
    fr = "ce n'est pas un instantané lisible : {reason}"
    advice_en = "take it from another validator"
    advice_fr = "prenez-le d'un autre validateur"


class SnapshotNotListed(SnapshotRefused):
    """A snapshot whose digest nobody vouched for."""

    digest: Hash32

    code = "snapshot-not-listed"
    en = "the snapshot {digest} is not among those that this validator's settings accept"
    fr = "l'instantané {digest} n'est pas parmi ceux que les réglages du validateur acceptent"
    advice_en = "gather the statements of more than two thirds of the validators and list it"
    advice_fr = "réunissez les déclarations de plus de deux tiers des validateurs et inscrivez-le"


class SnapshotDiffers(SnapshotRefused):
    """A snapshot that is not of what its header, the log or the chain says."""

    what: str
    expected: str
    got: str

    code = "snapshot-differs"
    en = "the snapshot's {what} is {got}, expected {expected}; nothing of it was taken"
    fr = "pour l'instantané, {what} vaut {got}, attendu {expected} ; rien n'en a été pris"
    advice_en = "tell the other members which validators signed it, and take another one"
    advice_fr = "dites aux autres membres quels validateurs l'ont signé, et prenez-en un autre"


class SnapshotNotEmpty(SnapshotRefused):
    """A snapshot is restored into a ledger that has entries."""

    size: int

    code = "snapshot-into-ledger"
    en = "the ledger has {size} entries already; a snapshot is only restored into an empty one"
    fr = "le registre a déjà {size} écritures ; un instantané n'est restauré que dans un vide"
    advice_en = "go on from where the ledger is, or move its file away first"
    advice_fr = "continuez à partir du registre, ou déplacez d'abord son fichier"
