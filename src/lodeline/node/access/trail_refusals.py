"""What is wrong with a trail: one class for each finding."""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = ["TrailAnchorMissed", "TrailBroken", "TrailUnreadable"]


class TrailBroken(LodelineError):
    """A row of the trail was changed, removed, added or moved."""

    code: ClassVar[str] = "access-trail-broken"
    en: ClassVar[str] = "the audit trail does not hold from row {number} on"
    fr: ClassVar[str] = "la piste d'audit ne tient plus à partir de la ligne {number}"
    advice_en: ClassVar[str] = "compare with a backup: somebody changed the database by hand"
    advice_fr: ClassVar[str] = "comparez à une sauvegarde : la base a été modifiée à la main"

    number: int
    """First row that is not what it was."""


class TrailAnchorMissed(LodelineError):
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


class TrailUnreadable(LodelineError):
    """A row of the trail holds what no version of the node writes."""

    code: ClassVar[str] = "access-trail-unreadable"
    en: ClassVar[str] = "row {number} of the audit trail cannot be read"
    fr: ClassVar[str] = "la ligne {number} de la piste d'audit est illisible"
    advice_en: ClassVar[str] = "use the version that wrote it, or a later one"
    advice_fr: ClassVar[str] = "prenez la version qui l'a écrite, ou une plus récente"

    number: int
