"""Trade: a lot is offered, and the buyer accepts it, declines it, or accepts a part of it.

A part is accepted in three acts that are planned as one command on each side: the buyer declines
and says which part he takes, in a small file for the seller; the seller splits the lot and offers
the part again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from msgspec import structs

from lodeline.crypto.onetime import Address
from lodeline.custody.recipes import Family, Recipe
from lodeline.custody.strands import Kind, Strand
from lodeline.engine.interface import Receipt
from lodeline.exchange.transform_file import ElementAmount
from lodeline.holder.building import BuiltTransform, OwnedLot, OwnerKey
from lodeline.holder.plans import plan_part, plan_sale
from lodeline.holder.records import HeldLot, OfferSide, OfferState, StoredOffer
from lodeline.holder.signing import (
    accept_entry,
    decline_entry,
    hashed_reason,
    offer_entry,
    transform_entry,
    withdraw_entry,
)
from lodeline.holder.wishes import Chain, Step
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementW, Hash32, Hash32W, LotId, MemberId, MemberIdW, RecipeName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Milligrams, MilligramsW
from lodeline.ledger.entries import Accept, Decline, EntryId, Withdraw, entry_id
from lodeline.node.governing import recipe_in_force, recipe_named
from lodeline.node.granting import address_of
from lodeline.node.holding import Holding
from lodeline.node.requests import Request
from lodeline.node.sending import Queued, dispatch, send
from lodeline.node.transforming import desk_of, keep, prove_chain, settle, supply

__all__ = [
    "OfferAmbiguous",
    "OfferTerms",
    "OfferUnsound",
    "Offered",
    "PartWanted",
    "accept",
    "acceptance",
    "buyer_of",
    "decline",
    "decline_for_part",
    "declining",
    "encode_part",
    "offer",
    "offer_named",
    "offer_part",
    "offer_request",
    "read_part",
    "sale_recipe",
    "withdraw",
    "withdrawal",
]

_SALT_BYTES = 32
_BUYER = "offered-to"
_SPLIT = RecipeName("split")


class OfferUnknownHere(LodelineError):
    """Characters that begin no number of an offer of the holder's."""

    prefix: str

    code = "offer-prefix-unknown"
    en = "no offer of yours has a number that begins with {prefix}"
    fr = "aucune de vos offres n'a un numéro qui commence par {prefix}"
    advice_en = "copy the number from `lodeline offers`"
    advice_fr = "recopiez le numéro depuis « lodeline offers »"


class OfferAmbiguous(LodelineError):
    """Characters that begin the numbers of several offers."""

    prefix: str
    matching: int

    code = "offer-prefix-ambiguous"
    en = "{prefix} does not tell one offer from another: {matching} offers begin so"
    fr = "{prefix} ne distingue pas une offre d'une autre : {matching} offres commencent ainsi"
    advice_en = "give more characters"
    advice_fr = "donnez plus de caractères"


class OfferUnsound(LodelineError):
    """An offer of which a note does not open or does not match the ledger."""

    offer: EntryId
    promised: int
    opened: int

    code = "offer-unsound"
    en = "of the {promised} lots in offer {offer} only {opened} are yours with numbers that match"
    fr = "des {promised} lots de l'offre {offer}, {opened} seulement sont à vous et concordent"
    advice_en = "decline it; the note that does not match is kept as a dispute"
    advice_fr = "déclinez-la ; la note qui ne concorde pas est gardée comme litige"


class OfferOfSeveral(LodelineError):
    """A part of an offer that has several lots: of which, is not said."""

    offer: EntryId
    lots: int

    code = "offer-of-several"
    en = "offer {offer} has {lots} lots; a part can be taken of an offer of one"
    fr = "l'offre {offer} a {lots} lots ; une partie se prend d'une offre d'un seul"
    advice_en = "decline it and ask for single offers"
    advice_fr = "déclinez-la et demandez des offres séparées"


class SaleRecipeMissing(LodelineError):
    """No recipe of selling was adopted."""

    code = "sale-recipe-missing"
    en = "no recipe for sales is in force"
    fr = "aucune recette de vente n'est en vigueur"
    advice_en = "have one adopted with `lodeline recipe adopt sale`"
    advice_fr = "faites-en adopter une avec « lodeline recipe adopt sale »"


@dataclass(frozen=True)
class OfferTerms:
    """To whom something is offered, and until when it can be accepted."""

    to: MemberId
    deadline: BlockTime


@dataclass(frozen=True)
class Offered:
    """An offer that was made: one for each form of lots."""

    offer: EntryId
    lots: tuple[LotId, ...]
    sent: Receipt | Queued | Request


class PartWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-part-v1"):
    """What a buyer takes of an offer that he declined, for the seller."""

    offer: Hash32W
    buyer: MemberIdW
    element: ElementW
    amount: MilligramsW
    reason: Annotated[str, msgspec.Meta(max_length=512)]
    salt: Annotated[bytes, msgspec.Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]
    """With it the hash in the log is seen to be this reason's."""


def read_part(data: bytes) -> PartWanted:
    """Read what a buyer takes.

    Raises:
        CborError, WrongShape: it is no such file.
    """
    return cbor.decode_struct(data, PartWanted)


def encode_part(wanted: PartWanted) -> bytes:
    """Return the canonical bytes of what a buyer takes."""
    return cbor.encode_struct(wanted)


def sale_recipe(own: Holding) -> Recipe:
    """Return the recipe of selling that is in force.

    Raises:
        SaleRecipeMissing: there is none.
    """
    for record in own.session.state.tables.recipes.values():
        if record.recipe.family is Family.SALE and recipe_in_force(own.session, record):
            return record.recipe
    raise SaleRecipeMissing


# ------------------------------------------------------------------ the seller


def offer(
    own: Holding, lots: Sequence[HeldLot], to: MemberId, deadline: BlockTime
) -> tuple[Offered, ...]:
    """Offer lots to a member until a deadline, one offer for each form.

    Raises:
        UnknownMember, MemberNotActive: no such buyer.
        LotNotFree, NotForSale, …: a lot cannot be offered.
    """
    free = [own.vault.free_lot(lot.lot_id) for lot in lots]
    buyer = address_of(own.session.member(to))
    supplies = [supply(own, lot) for lot in free]
    steps = plan_sale(desk_of(own), sale_recipe(own), supplies, buyer)
    return tuple(_offered(own, Chain((_with_memos(own, step),)), to, deadline) for step in steps)


def _with_memos(own: Holding, sale: Step) -> Step:
    """Let each lot go on with the remark that came with it, such as the seals to be found."""
    memos = [
        own.vault.lot(one.source.lot_id).memo if isinstance(one.source, OwnedLot) else ""
        for one in sale.inputs
    ]
    outputs = (replace(lot, memo=memo) for lot, memo in zip(sale.outputs, memos, strict=True))
    return replace(sale, outputs=tuple(outputs))


def _offered(own: Holding, chain: Chain, to: MemberId, deadline: BlockTime) -> Offered:
    """Prove a chain whose last step is a sale; send the steps before it, and offer the sale."""
    *before, sale = prove_chain(own, chain)
    for step, built in zip(chain.steps, before, strict=False):
        settle(own, step, built)
    lots = tuple(LotId(item.lot) for item in sale.body.inputs)
    keys = [own.vault.lot(lot).owned(own.keys).key for lot in lots]
    request = offer_request(own, chain.steps[-1], sale, keys, OfferTerms(to, deadline))
    sent = dispatch(own, request, lots, f"offer to {to}")
    return Offered(entry_id(request.entry), lots, sent)


def offer_request(
    own: Holding, step: Step, sale: BuiltTransform, keys: Sequence[OwnerKey], terms: OfferTerms
) -> Request:
    """Keep a proved sale and return it as a signed offer; nothing is promised or sent yet.

    ``keys`` are those of the sale's inputs, in order.
    """
    keep(own, step, sale)
    entry = offer_entry(transform_entry(sale), keys, terms.deadline, own.session.entropy)
    own.vault.put_note(_BUYER, entry_id(entry).hex(), terms.to.encode())
    return Request(entry, (), (), ())


def buyer_of(own: Holding, made: StoredOffer) -> MemberId | None:
    """Return to whom the holder made an offer, where this vault made it."""
    found = own.vault.note(_BUYER, made.offer_id.hex())
    return None if found is None else MemberId(found.decode())


def withdraw(own: Holding, made: StoredOffer) -> Receipt | Queued:
    """Take an offer back.

    Raises:
        OfferClosed, …: the ledger refuses it.
    """
    return send(own, withdrawal(own, made), "withdrawal")


def withdrawal(own: Holding, made: StoredOffer) -> Withdraw:
    """Return the withdrawal of an offer that the holder made, signed."""
    keys = [own.vault.lot(LotId(lot)).owned(own.keys).key for lot in made.given]
    return withdraw_entry(own.session.chain, made.offer_id, keys, own.session.entropy)


def offer_part(own: Holding, wanted: PartWanted, deadline: BlockTime | None) -> Offered:
    """Split the lot of a declined offer and offer the part that the buyer takes.

    The deadline is that of the declined offer, unless another is given.

    Raises:
        OfferNotKnown, OfferOfSeveral: no such offer, or not of one lot.
        MoreOutThanIn, SplitTooSmall: the part is more than the lot, or all of it.
    """
    declined = own.vault.offer(EntryId(wanted.offer))
    if len(declined.given) != 1:
        raise OfferOfSeveral(declined.offer_id, len(declined.given))
    lot = own.vault.free_lot(LotId(declined.given[0]))
    buyer = MemberId(wanted.buyer)
    address: Address = address_of(own.session.member(buyer))
    _, split = recipe_named(own.session, _SPLIT)
    accepted = _proportional(lot, ElementAmount(wanted.element, Milligrams(wanted.amount)))
    recipes = (split.recipe, sale_recipe(own))
    chain = plan_part(desk_of(own), recipes, supply(own, lot), accepted, address)
    return _offered(own, chain, buyer, deadline or BlockTime(declined.deadline))


def _proportional(lot: HeldLot, amount: ElementAmount) -> dict[Strand, Milligrams]:
    """Return an amount of one metal with its share of the lot's others, rounded down."""
    contents = lot.contents
    whole = contents.amount(Strand(amount.element, Kind.METAL))
    return {
        metal: Milligrams(contents.amount(metal) * amount.mass // max(1, whole))
        for metal in contents.metals
    }


# ------------------------------------------------------------------ the buyer


def offer_named(own: Holding, prefix: str | None, side: OfferSide | None = None) -> StoredOffer:
    """Return the offer whose number begins so, or without a name the only one that is open.

    Raises:
        OfferUnknownHere, OfferAmbiguous: none, or several.
    """
    known = own.vault.offers(side)
    if prefix is None:
        found = [made for made in known if made.state is OfferState.OPEN]
        prefix = "–"
    else:
        word = prefix.lower()
        found = [made for made in known if made.offer_id.hex().startswith(word)]
    if not found:
        raise OfferUnknownHere(prefix)
    if len(found) > 1:
        raise OfferAmbiguous(prefix, len(found))
    return found[0]


def accept(own: Holding, offered: StoredOffer) -> Receipt | Queued:
    """Accept an offer whose every lot is the holder's, with numbers that match the ledger.

    Raises:
        OfferUnsound: a note does not match.
        OfferClosed, OfferTooLate, …: the ledger refuses it.
    """
    return send(own, acceptance(own, offered), "acceptance")


def acceptance(own: Holding, offered: StoredOffer) -> Accept:
    """Return the entry that accepts an offer, not sent.

    Raises:
        OfferUnsound: a note does not match.
    """
    if not offered.is_sound:
        raise OfferUnsound(offered.offer_id, offered.outputs, len(offered.taken))
    keys = [mine.key(own.keys) for mine in offered.mine]
    return accept_entry(own.session.chain, offered.offer_id, keys, own.session.entropy)


def decline(own: Holding, offered: StoredOffer, reason: str) -> Receipt | Queued:
    """Decline an offer; the ledger gets a salted hash of the reason, the vault the reason.

    Raises:
        OfferClosed, OfferTooLate, …: the ledger refuses it.
    """
    return _declined(own, offered, reason, own.session.entropy.bytes(_SALT_BYTES))


def decline_for_part(
    own: Holding, offered: StoredOffer, amount: ElementAmount
) -> tuple[Receipt | Queued, PartWanted]:
    """Decline an offer, and return what the holder takes of it, for the seller.

    Raises:
        OfferOfSeveral: the offer is not of one lot.
        OfferClosed, OfferTooLate, …: the ledger refuses it.
    """
    if offered.outputs != 1:
        raise OfferOfSeveral(offered.offer_id, offered.outputs)
    salt = own.session.entropy.bytes(_SALT_BYTES)
    reason = f"part: {amount.mass} mg {amount.element}"
    wanted = PartWanted(
        Hash32(offered.offer), own.member, amount.element, amount.mass, reason, salt
    )
    return _declined(own, offered, reason, salt), wanted


def declining(own: Holding, offered: StoredOffer, reason: str) -> Decline:
    """Return the entry that declines an offer, not sent; the vault keeps the reason."""
    salt = own.session.entropy.bytes(_SALT_BYTES)
    known = own.vault.offer(offered.offer_id)
    own.vault.keep_offer(structs.replace(known, reason=reason, salt=salt))
    return _decline(own, offered, reason, salt)


def _decline(own: Holding, offered: StoredOffer, reason: str, salt: bytes) -> Decline:
    keys = [mine.key(own.keys) for mine in offered.mine]
    hashed = hashed_reason(reason, salt)
    return decline_entry(own.session.chain, offered.offer_id, hashed, keys, own.session.entropy)


def _declined(own: Holding, offered: StoredOffer, reason: str, salt: bytes) -> Receipt | Queued:
    sent = send(own, _decline(own, offered, reason, salt), "decline")
    known = own.vault.offer(offered.offer_id)
    own.vault.keep_offer(structs.replace(known, reason=reason, salt=salt))
    return sent
