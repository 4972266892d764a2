"""Why an event does not become an entry: what can never be, and what waits for something.

A refusal of the family `TradeRefused` ends the event: nothing that comes later makes it right. One
of the family `TradeHeld` may be lifted by an event that is still to come, or by a person.
"""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, FormName, MemberId
from lodeline.kernel.units import Milligrams, Ppm

__all__ = [
    "AssayAmbiguous",
    "AssayMissing",
    "DeclaredTooLate",
    "EventNotStopped",
    "FigureOutOfReach",
    "GoodsNamedTwice",
    "GoodsTwice",
    "GoodsUnknown",
    "LotAway",
    "LotNeverReceived",
    "MeasureTooFine",
    "MoreUsedThanThere",
    "NotAllReceived",
    "NotShippedYet",
    "OfferDeclined",
    "OfferWithdrawn",
    "PartyUnknown",
    "ReceivedBeforeShipped",
    "SealUsedTwice",
    "SiteNotMapped",
    "TradeHeld",
    "TradeRefused",
    "UnitNotUnderstood",
    "WeightsDiffer",
]


class TradeRefused(LodelineError):
    """Family: an event that cannot be true, or cannot be understood."""


class TradeHeld(LodelineError):
    """Family: an event that waits for another one, or for a person."""


class UnitNotUnderstood(TradeRefused):
    """A quantity in a unit that is no mass, or a measurement in one that fits nothing."""

    code: ClassVar[str] = "event-unit-not-understood"
    en: ClassVar[str] = "{what} is given in {unit}, which is not {wanted}"
    fr: ClassVar[str] = "{what} est donné en {unit}, ce qui n'est pas {wanted}"
    advice_en: ClassVar[str] = (
        "use codes of UN/ECE Recommendation 20: KGM, TNE, GRM; P1 for per cent"
    )
    advice_fr: ClassVar[str] = (
        "prenez les codes de la recommandation 20 : KGM, TNE, GRM ; P1 pour %"
    )

    what: str
    unit: str
    wanted: str


class MeasureTooFine(TradeRefused):
    """A number with more digits than the ledger counts; nothing is rounded."""

    code: ClassVar[str] = "event-measure-too-fine"
    en: ClassVar[str] = "{what} is {value}, which is no whole number of {unit} in range"
    fr: ClassVar[str] = "{what} vaut {value}, ce qui n'est pas un nombre entier de {unit} admis"
    advice_en: ClassVar[str] = "report it to the {unit}"
    advice_fr: ClassVar[str] = "donnez-le en {unit} entiers"

    what: str
    value: str
    unit: str


class GoodsUnknown(TradeRefused):
    """A step with goods of which the mapping does not say what they are."""

    code: ClassVar[str] = "event-goods-unknown"
    en: ClassVar[str] = "{goods} is no class of goods in the mapping {mapping}"
    fr: ClassVar[str] = "{goods} n'est d'aucune classe de la correspondance {mapping}"
    advice_en: ClassVar[str] = "add the class under goods, and offer the event again"
    advice_fr: ClassVar[str] = "ajoutez la classe sous goods, et présentez l'événement à nouveau"

    goods: str
    mapping: str


class GoodsTwice(TradeRefused):
    """A lot or thing that comes into being a second time."""

    code: ClassVar[str] = "event-goods-twice"
    en: ClassVar[str] = "{goods} came into being before, in event {before}"
    fr: ClassVar[str] = "{goods} existe déjà, depuis l'événement {before}"
    advice_en: ClassVar[str] = "give the new lot a number of its own"
    advice_fr: ClassVar[str] = "donnez au nouveau lot son propre numéro"

    goods: str
    before: int
    """Place of that event in the order of capture."""


class GoodsNamedTwice(TradeRefused):
    """Goods that stand in an event two times: how much of them is meant, is not said."""

    code: ClassVar[str] = "event-goods-named-twice"
    en: ClassVar[str] = "{goods} stands in the event twice"
    fr: ClassVar[str] = "{goods} figure deux fois dans l'événement"
    advice_en: ClassVar[str] = "name it once, with the whole quantity"
    advice_fr: ClassVar[str] = "nommez-le une fois, avec toute la quantité"

    goods: str


class SiteNotMapped(TradeRefused):
    """A step at a place that is none of the company's sites."""

    code: ClassVar[str] = "event-site-not-mapped"
    en: ClassVar[str] = "the place {place} is no site in the mapping {mapping}"
    fr: ClassVar[str] = "le lieu {place} n'est pas un site de la correspondance {mapping}"
    advice_en: ClassVar[str] = "add the read point under sites"
    advice_fr: ClassVar[str] = "ajoutez le point de lecture sous sites"

    place: str
    mapping: str


class PartyUnknown(TradeRefused):
    """Goods for somebody who is no member, as far as the mapping knows."""

    code: ClassVar[str] = "event-party-unknown"
    en: ClassVar[str] = "the party {party} is no member in the mapping {mapping}"
    fr: ClassVar[str] = "la partie {party} n'est pas un membre de la correspondance {mapping}"
    advice_en: ClassVar[str] = "add it under parties, or have the event name its owning_party"
    advice_fr: ClassVar[str] = "ajoutez-la sous parties, ou nommez owning_party dans l'événement"

    party: str
    mapping: str


class AssayMissing(TradeRefused):
    """Material that was weighed, and nobody says what is in it."""

    code: ClassVar[str] = "event-assay-missing"
    en: ClassVar[str] = "nothing says how much metal is in {goods}, which is {form}"
    fr: ClassVar[str] = "rien ne dit combien de métal contient {goods}, qui est {form}"
    advice_en: ClassVar[str] = (
        "send its assay as sensor reports, or put a standing one into the mapping"
    )
    advice_fr: ClassVar[str] = (
        "envoyez l'analyse en relevés, ou mettez-en une dans la correspondance"
    )

    goods: str
    form: FormName


class AssayAmbiguous(TradeRefused):
    """An assay that could be of one lot or of another."""

    code: ClassVar[str] = "event-assay-ambiguous"
    en: ClassVar[str] = "an assay says {substance} twice, or does not say of which of {lots} lots"
    fr: ClassVar[str] = (
        "une analyse dit {substance} deux fois, ou ne dit pas duquel des {lots} lots"
    )
    advice_en: ClassVar[str] = "name the lot in the metadata of its sensor element"
    advice_fr: ClassVar[str] = "nommez le lot dans les métadonnées de son élément de capteur"

    substance: str
    lots: int


class MoreUsedThanThere(TradeRefused):
    """More out of a lot than there is of it."""

    code: ClassVar[str] = "event-more-used-than-there"
    en: ClassVar[str] = "of {goods}, {there} are left, and the event takes {used} (mg or pieces)"
    fr: ClassVar[str] = "de {goods}, il reste {there}, et l'événement prend {used} (mg ou pièces)"
    advice_en: ClassVar[str] = "check the weight and the lot number against the ticket"
    advice_fr: ClassVar[str] = "vérifiez le poids et le numéro du lot sur le bon de pesée"

    goods: str
    there: int
    used: int
    """Milligrams of goods that are weighed, pieces of goods that are counted."""


class ReceivedBeforeShipped(TradeRefused):
    """Goods that arrived before they left."""

    code: ClassVar[str] = "event-received-before-shipped"
    en: ClassVar[str] = "{goods} is received at {received}, and was shipped at {shipped}"
    fr: ClassVar[str] = "{goods} est reçu le {received}, et fut expédié le {shipped}"
    advice_en: ClassVar[str] = "check the clocks, and whether it is the same lot"
    advice_fr: ClassVar[str] = "vérifiez les horloges, et s'il s'agit du même lot"

    goods: str
    received: str
    shipped: str


class SealUsedTwice(TradeRefused):
    """A seal that was on something else, or was broken before."""

    code: ClassVar[str] = "event-seal-used-twice"
    en: ClassVar[str] = "the seal {seal} is put on {now}, and was on {before} in event {event}"
    fr: ClassVar[str] = (
        "le scellé {seal} est posé sur {now}, et fut sur {before} (événement {event})"
    )
    advice_en: ClassVar[str] = (
        "look at the seal: a number is used once, and never after it is broken"
    )
    advice_fr: ClassVar[str] = "regardez le scellé : un numéro sert une fois, jamais après rupture"

    seal: str
    now: str
    before: str
    event: int


class LotNeverReceived(TradeHeld):
    """Goods that the company never made or received, as far as it has said."""

    code: ClassVar[str] = "event-lot-never-received"
    en: ClassVar[str] = "{goods} was never made or received here"
    fr: ClassVar[str] = "{goods} n'a jamais été produit ni reçu ici"
    advice_en: ClassVar[str] = "capture the event by which it came; this one then goes on by itself"
    advice_fr: ClassVar[str] = "saisissez l'événement de son arrivée ; celui-ci suivra de lui-même"

    goods: str


class LotAway(TradeHeld):
    """Goods whose lot is promised to an entry that is not in the log yet, or not in it itself."""

    code: ClassVar[str] = "event-lot-away"
    en: ClassVar[str] = "the lot of {goods} is not free: an entry before this one is on its way"
    fr: ClassVar[str] = "le lot de {goods} n'est pas libre : une écriture précédente est en route"
    advice_en: ClassVar[str] = "wait, or see `lodeline events list` for what it waits for"
    advice_fr: ClassVar[str] = "attendez, ou voyez « lodeline events list » pour ce qu'elle attend"

    goods: str


class NotShippedYet(TradeHeld):
    """Goods that arrived and were not offered."""

    code: ClassVar[str] = "event-not-shipped-yet"
    en: ClassVar[str] = "{goods} is received, and nobody has offered it on the ledger"
    fr: ClassVar[str] = "{goods} est reçu, et personne ne l'a offert sur le registre"
    advice_en: ClassVar[str] = "ask the sender to capture his shipping; this event then goes on"
    advice_fr: ClassVar[str] = "demandez à l'expéditeur de saisir l'envoi ; l'événement suivra"

    goods: str


class NotAllReceived(TradeHeld):
    """Goods that were offered together with others, and only some of them arrived."""

    code: ClassVar[str] = "event-not-all-received"
    en: ClassVar[str] = "{goods} was offered together with {missing}, which did not arrive with it"
    fr: ClassVar[str] = "{goods} fut offert avec {missing}, qui n'est pas arrivé en même temps"
    advice_en: ClassVar[str] = (
        "receive all of it in one event, or decline and ask for single offers"
    )
    advice_fr: ClassVar[str] = "recevez le tout en un événement, ou demandez des offres séparées"

    goods: str
    missing: str


class WeightsDiffer(TradeHeld):
    """A dispute: sender and receiver found amounts too far apart to settle by themselves."""

    code: ClassVar[str] = "event-weights-differ"
    en: ClassVar[str] = (
        "{goods}: the sender says {sent} mg {element}, the receiver found {found} mg; that is more "
        "than {tolerance} ppm apart"
    )
    fr: ClassVar[str] = (
        "{goods} : l'expéditeur dit {sent} mg {element}, le destinataire a trouvé {found} mg ; "
        "l'écart dépasse {tolerance} ppm"
    )
    advice_en: ClassVar[str] = (
        "weigh and assay again, or call the umpire; then `lodeline events settle` or `decline`"
    )
    advice_fr: ClassVar[str] = (
        "repesez et analysez, ou appelez l'arbitre ; puis « lodeline events settle » ou « decline »"
    )

    goods: str
    element: ElementSymbol
    sent: Milligrams
    found: Milligrams
    tolerance: Ppm


class FigureOutOfReach(TradeHeld):
    """A decision about a dispute that the ledger could not settle so; nothing was accepted."""

    code: ClassVar[str] = "event-figure-out-of-reach"
    en: ClassVar[str] = "{goods} cannot be settled at {agreed} mg {element}: {why_en}"
    fr: ClassVar[str] = "{goods} ne peut être réglé à {agreed} mg {element} : {why_fr}"
    advice_en: ClassVar[str] = (
        "decide otherwise: the mean, the sender's figure, an umpire, or decline the goods"
    )
    advice_fr: ClassVar[str] = (
        "décidez autrement : moyenne, chiffre de l'expéditeur, arbitre, ou déclinez"
    )

    goods: str
    element: ElementSymbol
    agreed: Milligrams
    why_en: str
    why_fr: str


class OfferDeclined(TradeHeld):
    """Goods that the receiver did not take; they are the sender's again."""

    code: ClassVar[str] = "event-offer-declined"
    en: ClassVar[str] = "{goods} was offered to {buyer}, who declined; it is here again"
    fr: ClassVar[str] = "{goods} fut offert à {buyer}, qui a décliné ; il est de nouveau ici"
    advice_en: ClassVar[str] = (
        "ask why; put the figures right or leave the event aside, or offer it again with retry"
    )
    advice_fr: ClassVar[str] = (
        "demandez pourquoi ; rectifiez ou laissez l'événement, ou reprenez-le avec retry"
    )

    goods: str
    buyer: str


class OfferWithdrawn(TradeHeld):
    """Goods whose offer the sender took back; they are his again."""

    code: ClassVar[str] = "event-offer-withdrawn"
    en: ClassVar[str] = "the offer of {goods} to {buyer} was withdrawn; it is here again"
    fr: ClassVar[str] = "l'offre de {goods} à {buyer} fut retirée ; il est de nouveau ici"
    advice_en: ClassVar[str] = (
        "put the figures right or leave the event aside, or offer it again with retry"
    )
    advice_fr: ClassVar[str] = "rectifiez ou laissez l'événement, ou reprenez-le avec retry"

    goods: str
    buyer: str


class DeclaredTooLate(TradeHeld):
    """An event that is declared wrong after what it said went to the ledger."""

    code: ClassVar[str] = "event-declared-too-late"
    en: ClassVar[str] = (
        "event {event} is declared wrong, and {member} has put it on the ledger already"
    )
    fr: ClassVar[str] = "l'événement {event} est déclaré erroné, et {member} l'a déjà inscrit"
    advice_en: ClassVar[str] = "reverse the step with `lodeline reverse`, or correct it"
    advice_fr: ClassVar[str] = "annulez l'étape avec « lodeline reverse », ou corrigez-la"

    event: str
    member: MemberId


class EventNotStopped(LodelineError):
    """A person would decide about an event that nothing stops."""

    code: ClassVar[str] = "event-not-stopped"
    en: ClassVar[str] = "event {event} is {state}: nothing about it has to be decided"
    fr: ClassVar[str] = "l'événement {event} est {state} : il n'y a rien à décider"
    advice_en: ClassVar[str] = "only events that are refused or held are begun anew or left aside"
    advice_fr: ClassVar[str] = (
        "seuls les événements refusés ou retenus se reprennent ou se laissent"
    )
    status: ClassVar[int] = 409

    event: int
    state: str
