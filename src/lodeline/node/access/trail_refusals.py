"""What is wrong with a trail: one class for each finding."""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32

__all__ = [
    "TrailAnchorForeign",
    "TrailAnchorMissed",
    "TrailBroken",
    "TrailDoesNotHold",
    "TrailEmpty",
    "TrailUnreadable",
]


class TrailDoesNotHold(LodelineError):
    """Family: the trail is not what it was."""


class TrailBroken(TrailDoesNotHold):
    """A row of the trail was changed, removed, added or moved."""

    code: ClassVar[str] = "access-trail-broken"
    en: ClassVar[str] = "the audit trail does not hold from row {number} on"
    fr: ClassVar[str] = "la piste d'audit ne tient plus à partir de la ligne {number}"
    advice_en: ClassVar[str] = "compare with a backup: somebody changed the database by hand"
    advice_fr: ClassVar[str] = "comparez à une sauvegarde : la base a été modifiée à la main"

    number: int
    """First row that is not what it was."""


class TrailAnchorMissed(TrailDoesNotHold):
    """The trail was cut, or written anew: it does not reach a head that it had."""

    code: ClassVar[str] = "access-trail-anchor-missed"
    en: ClassVar[str] = (
        "the audit trail has {found} rows and does not go through what was anchored at {number}"
    )
    fr: ClassVar[str] = (
        "la piste d'audit a {found} lignes et ne passe pas par ce qui fut ancré à {number}"
    )
    advice_en: ClassVar[str] = "compare with a backup: rows are missing or were written anew"
    advice_fr: ClassVar[str] = "comparez à une sauvegarde : des lignes manquent ou sont réécrites"

    number: int
    """Row whose digest was anchored."""
    found: int
    """Rows that are there, or the row where they part."""


class TrailAnchorForeign(TrailDoesNotHold):
    """The ledger holds an anchor of a trail that this trail does not go through."""

    code: ClassVar[str] = "access-trail-anchor-foreign"
    en: ClassVar[str] = "the audit trail does not go through {digest}, anchored in entry {index}"
    fr: ClassVar[str] = "la piste d'audit ne passe pas par {digest}, ancré dans l'écriture {index}"
    advice_en: ClassVar[str] = (
        "compare with a backup: rows are missing or were written anew, or it is another store's"
    )
    advice_fr: ClassVar[str] = (
        "comparez à une sauvegarde : des lignes manquent ou sont réécrites, ou c'est une autre base"
    )

    digest: Hash32
    index: int
    """Entry of the ledger."""


class TrailEmpty(LodelineError):
    """There is nothing in the trail that could be anchored."""

    code: ClassVar[str] = "access-trail-empty"
    en: ClassVar[str] = "the audit trail of {tenant} is empty"
    fr: ClassVar[str] = "la piste d'audit de {tenant} est vide"
    advice_en: ClassVar[str] = "nothing has to be done"
    advice_fr: ClassVar[str] = "rien n'est à faire"

    tenant: str


class TrailUnreadable(TrailDoesNotHold):
    """A row of the trail holds what no version of the node writes."""

    code: ClassVar[str] = "access-trail-unreadable"
    en: ClassVar[str] = "row {number} of the audit trail cannot be read"
    fr: ClassVar[str] = "la ligne {number} de la piste d'audit est illisible"
    advice_en: ClassVar[str] = "use the version that wrote it, or a later one"
    advice_fr: ClassVar[str] = "prenez la version qui l'a écrite, ou une plus récente"

    number: int
