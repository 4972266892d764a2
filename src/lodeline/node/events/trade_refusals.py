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
    "AssayAwaited",
    "AssayMissing",
    "ContainerInItself",
    "DeclaredTooLate",
    "EventInFuture",
    "EventNotStopped",
    "FigureOutOfReach",
    "GoodsGone",
    "GoodsNamedTwice",
    "GoodsTwice",
    "GoodsUnknown",
    "LotAway",
    "LotNeverReceived",
    "MeasureTooFine",
    "MorePiecesThanThere",
    "MoreUsedThanThere",
    "NotAllReceived",
    "NotShippedYet",
    "OfferDeclined",
    "OfferWithdrawn",
    "PartyMissing",
    "PartyUnknown",
    "ReceivedBeforeShipped",
    "ReceivedTwice",
    "SealUsedTwice",
    "SiteNotMapped",
    "ThingElsewhere",
    "ThingShipped",
    "TradeHeld",
    "TradeRefused",
    "UnitMissing",
    "UnitNotExpected",
    "UnitNotUnderstood",
    "UsedBeforeThere",
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
    en: ClassVar[str] = "of {goods}, {there:kg} kg are left, and the event takes {used:kg} kg"
    fr: ClassVar[str] = "de {goods}, il reste {there:kg} kg, et l'événement prend {used:kg} kg"
    advice_en: ClassVar[str] = "check the weight and the lot number against the ticket"
    advice_fr: ClassVar[str] = "vérifiez le poids et le numéro du lot sur le bon de pesée"

    goods: str
    there: Milligrams
    used: Milligrams


class MorePiecesThanThere(TradeRefused):
    """More pieces out of a lot than there are."""

    code: ClassVar[str] = "event-more-pieces-than-there"
    en: ClassVar[str] = "of {goods}, {there} pieces are left, and the event takes {used}"
    fr: ClassVar[str] = "de {goods}, il reste {there} pièces, et l'événement en prend {used}"
    advice_en: ClassVar[str] = "count again, and check the lot number"
    advice_fr: ClassVar[str] = "recomptez, et vérifiez le numéro du lot"

    goods: str
    there: int
    used: int


class GoodsGone(TradeRefused):
    """Goods of which everything went before: shipped twice, or used after they were shipped."""

    code: ClassVar[str] = "event-goods-gone"
    en: ClassVar[str] = "{goods} is not here any more: all of it went with event {before}"
    fr: ClassVar[str] = "{goods} n'est plus ici : tout est parti avec l'événement {before}"
    advice_en: ClassVar[str] = "see whether it was entered twice, or which number the goods bear"
    advice_fr: ClassVar[str] = "voyez s'il fut saisi deux fois, ou quel numéro portent les biens"

    goods: str
    before: int


class UsedBeforeThere(TradeRefused):
    """Goods that are used or shipped at a time at which they had not come yet."""

    code: ClassVar[str] = "event-used-before-there"
    en: ClassVar[str] = "{goods} goes at {used}, and came only at {came}"
    fr: ClassVar[str] = "{goods} part le {used}, et n'est venu que le {came}"
    advice_en: ClassVar[str] = "check the clocks and dates of both events"
    advice_fr: ClassVar[str] = "vérifiez horloges et dates des deux événements"

    goods: str
    used: str
    came: str


class UnitMissing(TradeRefused):
    """Goods that are weighed, with a number and no unit: it could be kilograms or tonnes."""

    code: ClassVar[str] = "event-unit-missing"
    en: ClassVar[str] = "{goods} is given as {quantity} without a unit, and {form} is weighed"
    fr: ClassVar[str] = "{goods} est donné comme {quantity} sans unité, et {form} se pèse"
    advice_en: ClassVar[str] = (
        "give the unit: KGM, TNE, GRM; for what is counted write counted: true into the mapping"
    )
    advice_fr: ClassVar[str] = (
        "donnez l'unité : KGM, TNE, GRM ; pour des pièces, counted: true dans la correspondance"
    )

    goods: str
    quantity: str
    form: FormName


class UnitNotExpected(TradeRefused):
    """Goods that are counted, with a weight."""

    code: ClassVar[str] = "event-unit-not-expected"
    en: ClassVar[str] = "{goods} is counted by the piece, and given as {quantity} {unit}"
    fr: ClassVar[str] = "{goods} se compte à la pièce, et est donné comme {quantity} {unit}"
    advice_en: ClassVar[str] = "give the number of pieces without a unit"
    advice_fr: ClassVar[str] = "donnez le nombre de pièces, sans unité"

    goods: str
    quantity: str
    unit: str


class PartyMissing(TradeRefused):
    """Goods that go to somebody of whom the event says nothing."""

    code: ClassVar[str] = "event-party-missing"
    en: ClassVar[str] = "the event does not say to whom the goods go"
    fr: ClassVar[str] = "l'événement ne dit pas à qui vont les biens"
    advice_en: ClassVar[str] = "name the owning_party in the destination list"
    advice_fr: ClassVar[str] = "nommez owning_party dans la liste des destinations"


class ContainerInItself(TradeRefused):
    """A container that is put into something that lies in it."""

    code: ClassVar[str] = "event-container-in-itself"
    en: ClassVar[str] = "{thing} is put into {container}, which lies in it"
    fr: ClassVar[str] = "{thing} est mis dans {container}, qui s'y trouve"
    advice_en: ClassVar[str] = "see which of the two is the outer one"
    advice_fr: ClassVar[str] = "voyez lequel des deux est l'extérieur"

    thing: str
    container: str


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


class AssayAwaited(TradeHeld):
    """Material that was weighed, and whose laboratory has not spoken yet."""

    code: ClassVar[str] = "event-assay-awaited"
    en: ClassVar[str] = "no event says yet how much metal is in {goods}, which is {form}"
    fr: ClassVar[str] = (
        "aucun événement ne dit encore le métal contenu dans {goods}, qui est {form}"
    )
    advice_en: ClassVar[str] = "capture the laboratory's event; this one then goes on by itself"
    advice_fr: ClassVar[str] = "saisissez l'événement du laboratoire ; celui-ci suivra de lui-même"

    goods: str
    form: FormName


class EventInFuture(TradeHeld):
    """Something that is reported before it can have happened."""

    code: ClassVar[str] = "event-in-future"
    en: ClassVar[str] = "the event is dated {happened}, and it is {now} on the ledger"
    fr: ClassVar[str] = "l'événement est daté du {happened}, et il est {now} au registre"
    advice_en: ClassVar[str] = "check the date; if it is right, the event goes on when it has come"
    advice_fr: ClassVar[str] = "vérifiez la date ; si elle est juste, l'événement suivra ce jour-là"

    happened: str
    now: str


class ThingElsewhere(TradeHeld):
    """A thing that is put into a second container while it lies in a first one."""

    code: ClassVar[str] = "event-thing-elsewhere"
    en: ClassVar[str] = "{thing} is put into {now}, and lies in {before} since event {event}"
    fr: ClassVar[str] = (
        "{thing} est mis dans {now}, et se trouve dans {before} depuis l'événement {event}"
    )
    advice_en: ClassVar[str] = "capture that it was taken out, or check its number"
    advice_fr: ClassVar[str] = "saisissez qu'il en fut retiré, ou vérifiez son numéro"

    thing: str
    now: str
    before: str
    event: int


class ThingShipped(TradeHeld):
    """A thing that is packed here after it was shipped."""

    code: ClassVar[str] = "event-thing-shipped"
    en: ClassVar[str] = "{thing} is packed, and was shipped before, in event {event}"
    fr: ClassVar[str] = "{thing} est emballé, et fut expédié avant, par l'événement {event}"
    advice_en: ClassVar[str] = "capture that it came back, or check its number and the time"
    advice_fr: ClassVar[str] = "saisissez son retour, ou vérifiez son numéro et l'heure"

    thing: str
    event: int


class ReceivedTwice(TradeHeld):
    """Goods that were received before, and are not offered again."""

    code: ClassVar[str] = "event-received-twice"
    en: ClassVar[str] = "{goods} was received in event {before}, and is not offered again"
    fr: ClassVar[str] = "{goods} fut reçu par l'événement {before}, et n'est pas offert à nouveau"
    advice_en: ClassVar[str] = (
        "leave the event aside if it was entered twice; else wait for the offer"
    )
    advice_fr: ClassVar[str] = "laissez l'événement s'il est en double ; sinon attendez l'offre"

    goods: str
    before: int


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
        "{goods}: the sender says {sent:kg} kg {element}, the receiver found {found:kg} kg; that "
        "is more than {tolerance:percent} % apart"
    )
    fr: ClassVar[str] = (
        "{goods} : l'expéditeur dit {sent:kg} kg {element}, le destinataire a trouvé {found:kg} "
        "kg ; l'écart dépasse {tolerance:percent} %"
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
    en: ClassVar[str] = "{goods} cannot be settled at {agreed:kg} kg {element}: {why_en}"
    fr: ClassVar[str] = "{goods} ne peut être réglé à {agreed:kg} kg {element} : {why_fr}"
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
    """An event that is declared wrong while its entries are on their way."""

    code: ClassVar[str] = "event-declared-too-late"
    en: ClassVar[str] = (
        "event {event} is declared wrong, and its entries are on their way from {member}"
    )
    fr: ClassVar[str] = (
        "l'événement {event} est déclaré erroné, et ses écritures sont parties de {member}"
    )
    advice_en: ClassVar[str] = (
        "take it back with `lodeline events withdraw`, or wait: once they have arrived it is undone"
    )
    advice_fr: ClassVar[str] = (
        "retirez-le avec « lodeline events withdraw », ou attendez : arrivé, il sera annulé"
    )

    event: str
    member: MemberId


class EventNotStopped(LodelineError):
    """A person would decide about an event that nothing stops."""

    code: ClassVar[str] = "event-not-stopped"
    en: ClassVar[str] = "event {event} is {state}: nothing about it has to be decided"
    fr: ClassVar[str] = "l'événement {event} est à l'état « {state} » : il n'y a rien à décider"
    advice_en: ClassVar[str] = "only events that are refused or held are begun anew or left aside"
    advice_fr: ClassVar[str] = (
        "seuls les événements refusés ou retenus se reprennent ou se laissent"
    )
    status: ClassVar[int] = 409

    event: int
    state: str
