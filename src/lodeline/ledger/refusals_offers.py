"""Refusals of offers and of the answers to them."""

from __future__ import annotations

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, TransformId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import OfferStatus

__all__ = [
    "NotForSale",
    "OfferClosed",
    "OfferDeadlinePassed",
    "OfferRefused",
    "OfferSaleDiffers",
    "OfferTooLate",
    "OfferUnknown",
]


class OfferRefused(LodelineError):
    """Family of the reasons for which an offer or an answer to one is refused."""


class OfferSaleDiffers(OfferRefused):
    """An offer whose body names another sale than the one it carries."""

    stated: TransformId
    computed: TransformId

    code = "offer-sale-differs"
    en = "the offer names the sale {stated}, but carries {computed}"
    fr = "l'offre nomme la vente {stated}, mais porte {computed}"
    advice_en = "make the offer again from the finished sale"
    advice_fr = "refaites l'offre à partir de la vente achevée"


class OfferDeadlinePassed(OfferRefused):
    """An offer that is over before it begins."""

    deadline: BlockTime
    now: BlockTime

    code = "offer-deadline-passed"
    en = "the deadline {deadline} has passed; it is {now}"
    fr = "l'échéance {deadline} est passée ; il est {now}"
    advice_en = "offer again with a later deadline"
    advice_fr = "offrez à nouveau avec une échéance plus tardive"


class NotForSale(OfferRefused):
    """A lot of a form that cannot change hands."""

    form: FormName
    form_class: str

    code = "not-for-sale"
    en = "“{form}” is {form_class} and cannot be offered"
    fr = "« {form} » est {form_class} et ne peut être offert"
    advice_en = (
        "licences, quotas, assurances and mass-balance credit belong to a site; sell the material"
    )
    advice_fr = (
        "licences, quotas, assurances et crédit de bilan massique appartiennent à un site ; "
        "vendez la matière"
    )


class OfferUnknown(OfferRefused):
    """An answer to an offer that the ledger does not have."""

    offer: EntryId

    code = "offer-unknown"
    en = "there is no offer {offer}"
    fr = "il n'y a pas d'offre {offer}"
    advice_en = "see the offers with `lodeline offers`"
    advice_fr = "voyez les offres avec `lodeline offers`"


class OfferClosed(OfferRefused):
    """An answer to an offer that has ended."""

    offer: EntryId
    outcome: OfferStatus

    code = "offer-closed"
    en = "the offer {offer} has ended: {outcome}"
    fr = "l'offre {offer} est close : {outcome}"
    advice_en = "ask the seller for a new offer"
    advice_fr = "demandez une nouvelle offre au vendeur"


class OfferTooLate(OfferRefused):
    """An acceptance or decline after the deadline; the seller alone can end the offer."""

    offer: EntryId
    deadline: BlockTime
    now: BlockTime

    code = "offer-too-late"
    en = "the offer {offer} could be answered until {deadline}; it is {now}"
    fr = "l'offre {offer} admettait une réponse jusqu'à {deadline} ; il est {now}"
    advice_en = "ask the seller to withdraw it and to offer again"
    advice_fr = "demandez au vendeur de la retirer et d'offrir à nouveau"
