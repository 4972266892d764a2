"""What is said of events that were declared wrong after they were on the ledger.

The first three are reasons of a state that is reached, the others say what is waited for.
"""

from __future__ import annotations

from typing import ClassVar

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, Hash32, LotId, MemberId
from lodeline.node.events.trade_refusals import TradeHeld

__all__ = [
    "CorrectedAsWrong",
    "GoodsBought",
    "GoodsMovedOn",
    "GoodsSold",
    "RightUsedSince",
    "StandsByCorrection",
    "UndoneAsWrong",
    "WaitsForUndoing",
]


class UndoneAsWrong(LodelineError):
    """An event that was declared wrong, and whose step was undone."""

    code: ClassVar[str] = "event-undone-as-wrong"
    en: ClassVar[str] = "declared wrong by event {declaration}, and undone by entry {entry}"
    fr: ClassVar[str] = "déclaré erroné par l'événement {declaration} et annulé par {entry}"
    advice_en: ClassVar[str] = "nothing is to be done; its lots may be named by the right event"
    advice_fr: ClassVar[str] = "rien à faire ; l'événement exact peut reprendre ses lots"

    declaration: int
    entry: Hash32


class CorrectedAsWrong(LodelineError):
    """An event that was declared wrong, and whose figures a correction put right."""

    code: ClassVar[str] = "event-corrected-as-wrong"
    en: ClassVar[str] = "declared wrong by event {declaration}, and corrected by step {step}"
    fr: ClassVar[str] = "déclaré erroné par l'événement {declaration}, corrigé par l'étape {step}"
    advice_en: ClassVar[str] = "nothing is to be done; the right event stands by the correction"
    advice_fr: ClassVar[str] = "rien à faire ; l'événement exact vaut par la correction"

    declaration: int
    step: Hash32


class StandsByCorrection(LodelineError):
    """An event that is on the ledger because a correction says what it says."""

    code: ClassVar[str] = "event-stands-by-correction"
    en: ClassVar[str] = "in place of event {event}, on the ledger by the correction {step}"
    fr: ClassVar[str] = "remplace l'événement {event}, inscrit par la correction {step}"
    advice_en: ClassVar[str] = "nothing is to be done"
    advice_fr: ClassVar[str] = "il n'y a rien à faire"

    event: int
    step: Hash32


class WaitsForUndoing(TradeHeld):
    """An event that puts another one right which is still on the ledger."""

    code: ClassVar[str] = "event-waits-for-undoing"
    en: ClassVar[str] = "it stands in place of event {event}, and waits until that one is undone"
    fr: ClassVar[str] = "remplace l'événement {event}, et attend que celui-ci soit annulé"
    advice_en: ClassVar[str] = "it goes on by itself; the declaration of error says what it needs"
    advice_fr: ClassVar[str] = "il continue seul ; la déclaration d'erreur dit ce qu'il faut"

    event: int


class RightUsedSince(TradeHeld):
    """A step whose goods are untouched, but what was left of a right was used since."""

    code: ClassVar[str] = "event-right-used-since"
    en: ClassVar[str] = (
        "event {event} is wrong, and what it left of the {form} was used since: its step cannot be "
        "undone, but lot {lot} is still here"
    )
    fr: ClassVar[str] = (
        "l'événement {event} est erroné et le reste de « {form} » a servi depuis : l'étape ne "
        "s'annule plus, mais le lot {lot} est encore ici"
    )
    advice_en: ClassVar[str] = (
        "too much: `lodeline correct {lot} MASSES --step {step} --auditor NAME`; too little: "
        "report what is missing as a further event"
    )
    advice_fr: ClassVar[str] = (
        "trop : « lodeline correct {lot} MASSES --step {step} --auditor NOM » ; trop peu : "
        "déclarez ce qui manque par un autre événement"
    )

    event: int
    form: FormName
    lot: LotId
    step: Hash32


class GoodsMovedOn(TradeHeld):
    """A step of which something was used or given away since."""

    code: ClassVar[str] = "event-goods-moved-on"
    en: ClassVar[str] = (
        "event {event} is wrong, and its goods went on with event {by}; they are with: {holders}"
    )
    fr: ClassVar[str] = (
        "l'événement {event} est erroné et ses biens sont repartis avec l'événement {by} ; ils "
        "sont chez : {holders}"
    )
    advice_en: ClassVar[str] = (
        "whoever has the goods runs `lodeline correct LOT MASSES --step {step} --auditor NAME`; "
        "sign the file that it writes"
    )
    advice_fr: ClassVar[str] = (
        "qui a les biens lance « lodeline correct LOT MASSES --step {step} --auditor NOM » ; "
        "signez le fichier écrit"
    )

    event: int
    by: int
    """0: not by an event."""
    holders: tuple[MemberId, ...]
    step: Hash32


class GoodsSold(TradeHeld):
    """A shipping that is wrong, and whose goods the buyer has accepted."""

    code: ClassVar[str] = "event-goods-sold"
    en: ClassVar[str] = "event {event} is wrong, and {buyer} has accepted what it shipped"
    fr: ClassVar[str] = "l'événement {event} est erroné, et {buyer} a accepté ce qu'il expédiait"
    advice_en: ClassVar[str] = "{buyer} begins with `lodeline reverse LOT`; agree, and it goes on"
    advice_fr: ClassVar[str] = "{buyer} commence par « lodeline reverse LOT » ; accordez-le"

    event: int
    buyer: MemberId


class GoodsBought(TradeHeld):
    """A receiving that is wrong, and whose goods were accepted."""

    code: ClassVar[str] = "event-goods-bought"
    en: ClassVar[str] = "event {event} is wrong, and what it received was accepted: lot {lot}"
    fr: ClassVar[str] = "l'événement {event} est erroné, et ce qu'il recevait accepté : lot {lot}"
    advice_en: ClassVar[str] = "begin with `lodeline reverse {lot}`; once the sender agrees it ends"
    advice_fr: ClassVar[str] = "commencez par « lodeline reverse {lot} », l'envoyeur l'accorde"

    event: int
    lot: LotId
