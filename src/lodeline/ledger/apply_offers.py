"""Offers: a finished sale that waits for its buyer.

The offer is checked like a transform and reserves the tags and lots of the sale, and the owner keys
of what the buyer will have, which everybody can read while it is open. Acceptance puts
the sale into effect, after everything that depends on the moment has been checked again; decline
and withdrawal free what was reserved. The buyer answers until the deadline, the seller may withdraw
at any time while the offer is open, and after the deadline nobody else can end it.

Not checked: that buyer and seller are different. Offering to oneself moves a lot, nothing more.
"""

from __future__ import annotations

from msgspec import structs

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotPublic
from lodeline.kernel.ids import ChainId, OneTimeKey
from lodeline.ledger.apply_transform import (
    Way,
    check_enclosed,
    check_standing,
    transform_change,
)
from lodeline.ledger.case import Case, check_chain, check_owner_signatures
from lodeline.ledger.change import Change
from lodeline.ledger.entries import Accept, Decline, EntryId, Offer, Withdraw
from lodeline.ledger.records import OfferRecord, OfferStatus
from lodeline.ledger.refusals_offers import (
    NotForSale,
    OfferClosed,
    OfferDeadlinePassed,
    OfferSaleDiffers,
    OfferTooLate,
    OfferUnknown,
)
from lodeline.proofs.body import transform_id

__all__ = ["decide_accept", "decide_decline", "decide_offer", "decide_withdraw", "freed"]

_NEVER_OFFERED = (FormClass.LICENCE, FormClass.INTAKE, FormClass.QUOTA, FormClass.ASSURANCE)


def decide_offer(case: Case, entry: Offer) -> Change:
    """Decide an offer: the sale as a transform, then what offers add.

    Raises:
        EntryRefused, TransformRefused: the sale, as for a transform.
        OfferSaleDiffers, OfferDeadlinePassed, NotForSale: the offer itself.
        OwnerSignatureCount, OwnerSignatureInvalid: not signed by the owners of all inputs.
    """
    body, sale = entry.body, entry.sale
    check_chain(case, body.chain)
    computed = transform_id(sale.body)
    if body.sale != computed:
        raise OfferSaleDiffers(body.sale, computed)
    if case.now > body.deadline:
        raise OfferDeadlinePassed(body.deadline, case.now)
    standing = check_standing(case, sale.body, Way.OFFER)
    check_enclosed(case, sale, standing)
    for record in standing.inputs:
        _check_for_sale(case, record.lot)
    check_owner_signatures(
        [record.lot.owner for record in standing.inputs], entry.signatures, case.identity
    )
    offer = OfferRecord(sale.body, body.deadline, OfferStatus.OPEN)
    return Change(
        offers={case.identity: offer},
        reserved_tags=dict.fromkeys(offer.tags, case.identity),
        reserved_lots={spent.lot: case.identity for spent in sale.body.inputs},
        reserved_keys=dict.fromkeys(offer.buyer_keys, case.identity),
    )


def _check_for_sale(case: Case, lot: LotPublic) -> None:
    """Rights and mass-balance credit belong to a site; book-and-claim credit does not."""
    form_class = case.state.tables.forms[lot.form].form_class
    models = {ClaimName.parse(borne.claim).model for item in lot.strands for borne in item.claims}
    tied = form_class is FormClass.CREDIT and models != {Model.BOOK_AND_CLAIM}
    if form_class in _NEVER_OFFERED or tied:
        raise NotForSale(lot.form, form_class.value)


def decide_accept(case: Case, entry: Accept) -> Change:
    """Decide an acceptance: signed by the owners of the sale's outputs, in time, and still sound.

    Raises:
        OfferUnknown, OfferClosed, OfferTooLate: the offer.
        OwnerSignatureCount, OwnerSignatureInvalid: not signed by the buyer.
        EntryRefused, TransformRefused: the sale is no longer possible.
    """
    offer = EntryId(entry.body.offer)
    record = _open_offer(case, entry.body.chain, offer)
    _check_in_time(case, offer, record)
    check_owner_signatures(record.buyer_keys, entry.signatures, case.identity)
    standing = check_standing(case, record.body, Way.OFFER, held_by=offer)
    sale = transform_change(case, standing)
    return freed(offer, record, OfferStatus.ACCEPTED, sale)


def decide_decline(case: Case, entry: Decline) -> Change:
    """Decide a decline: signed like an acceptance, and in time.

    Raises:
        OfferUnknown, OfferClosed, OfferTooLate: the offer.
        OwnerSignatureCount, OwnerSignatureInvalid: not signed by the buyer.
    """
    offer = EntryId(entry.body.offer)
    record = _open_offer(case, entry.body.chain, offer)
    _check_in_time(case, offer, record)
    check_owner_signatures(record.buyer_keys, entry.signatures, case.identity)
    return freed(offer, record, OfferStatus.DECLINED, Change())


def decide_withdraw(case: Case, entry: Withdraw) -> Change:
    """Decide a withdrawal: signed by the owners of the sale's inputs, before or after the deadline.

    Raises:
        OfferUnknown, OfferClosed: the offer.
        OwnerSignatureCount, OwnerSignatureInvalid: not signed by the seller.
    """
    offer = EntryId(entry.body.offer)
    record = _open_offer(case, entry.body.chain, offer)
    check_owner_signatures(_seller_keys(case, record), entry.signatures, case.identity)
    return freed(offer, record, OfferStatus.WITHDRAWN, Change())


def freed(offer: EntryId, record: OfferRecord, outcome: OfferStatus, change: Change) -> Change:
    """Return a change that also ends an offer and frees what it reserved."""
    return structs.replace(
        change,
        offers={offer: structs.replace(record, status=outcome)},
        reserved_tags=dict.fromkeys(record.tags),
        reserved_lots={spent.lot: None for spent in record.body.inputs},
        reserved_keys=dict.fromkeys(record.buyer_keys),
    )


def _open_offer(case: Case, chain: ChainId, offer: EntryId) -> OfferRecord:
    check_chain(case, chain)
    record = case.state.offers.get(offer)
    if record is None:
        raise OfferUnknown(offer)
    if record.status is not OfferStatus.OPEN:
        raise OfferClosed(offer, record.status)
    return record


def _check_in_time(case: Case, offer: EntryId, record: OfferRecord) -> None:
    if case.now > record.deadline:
        raise OfferTooLate(offer, record.deadline, case.now)


def _seller_keys(case: Case, record: OfferRecord) -> list[OneTimeKey]:
    lots = (case.state.lot(spent.lot) for spent in record.body.inputs)
    return [lot.owner for lot in lots if lot is not None]
