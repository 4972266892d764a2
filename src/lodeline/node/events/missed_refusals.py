"""Why no step of a mapping takes an event, though it has steps for events of that kind.

They refuse nothing: the event is kept, and this is said of it, since a mistyped place or lot is
what most often keeps material from the ledger.
"""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError

__all__ = ["PlaceNotMapped", "StepMissed", "StepNotMapped", "ThingNotMapped"]


class StepMissed(LodelineError):
    """Family: an event that is nearly a step, and is kept."""


class PlaceNotMapped(StepMissed):
    """It happened at a place that is no site of the mapping."""

    code: ClassVar[str] = "event-place-not-mapped"
    en: ClassVar[str] = "nothing of it goes to the ledger: {place} is no site of the mapping"
    fr: ClassVar[str] = "rien n'en va au registre : {place} n'est pas un site de la correspondance"
    advice_en: ClassVar[str] = (
        "send it again with the right place, or add the place to sites and try the event again"
    )
    advice_fr: ClassVar[str] = (
        "renvoyez-le avec le bon lieu, ou ajoutez le lieu sous sites et réessayez l'événement"
    )

    place: str


class ThingNotMapped(StepMissed):
    """It names goods that are of no class of the mapping."""

    code: ClassVar[str] = "event-thing-not-mapped"
    en: ClassVar[str] = "nothing of it goes to the ledger: {thing} is of no goods of the mapping"
    fr: ClassVar[str] = "rien n'en va au registre : {thing} n'est d'aucuns biens connus"
    advice_en: ClassVar[str] = (
        "send it again with the right number, or add the class to goods and try the event again"
    )
    advice_fr: ClassVar[str] = (
        "renvoyez-le avec le bon numéro, ou ajoutez la classe sous goods et réessayez"
    )

    thing: str


class StepNotMapped(StepMissed):
    """Steps of its kind are for other places, goods or dispositions."""

    code: ClassVar[str] = "event-step-not-mapped"
    en: ClassVar[str] = "nothing of it goes to the ledger: no step of the mapping takes this {step}"
    fr: ClassVar[str] = "rien n'en va au registre : aucune étape ne prend cet événement {step}"
    advice_en: ClassVar[str] = (
        "compare its place, goods and disposition with when: of the steps; it may be meant so"
    )
    advice_fr: ClassVar[str] = (
        "comparez lieu, biens et disposition à when: des étapes ; c'est peut-être voulu"
    )

    step: str
