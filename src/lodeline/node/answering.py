"""Claims: what a holder proves about his lots to one audience, and how that audience checks it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.holder.answering import answer_claim
from lodeline.holder.records import HeldLot
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import parse_checkpoint_text
from lodeline.ledger.claim_file import ClaimFile, claimed_lots, encode_claim_file, used_forms
from lodeline.ledger.signednote import parse_note
from lodeline.node.holding import Holding
from lodeline.node.logbook import signed_checkpoint
from lodeline.proofs.questions import Audience, ClaimBody, Question

__all__ = ["ClaimOrder", "nonce_of", "prove_claim"]

_NONCE_DOMAIN = b"lodeline/v1/request-number\0"
_NONCE_BYTES = 32


class NoLotsNamed(LodelineError):
    """A claim about nothing."""

    code = "no-lots-named"
    en = "a claim is about lots, and none is named"
    fr = "une déclaration porte sur des lots, et aucun n'est nommé"
    advice_en = "name the lots by the beginnings of their numbers"
    advice_fr = "nommez les lots par le début de leurs numéros"


@dataclass(frozen=True)
class ClaimOrder:
    """What is claimed, to whom, and until when it may be relied on."""

    question: Question
    verifier: str
    expires: BlockTime
    request: str | None = None
    """The verifier's own number for his request; nothing: he chose none."""
    purpose: str = ""
    product: str | None = None


def nonce_of(request: str) -> Hash32:
    """Return the number in a claim that stands for a verifier's request, whatever he calls it."""
    return Hash32(hashlib.sha256(_NONCE_DOMAIN + request.encode()).digest())


def prove_claim(own: Holding, lots: Sequence[HeldLot], order: ClaimOrder) -> bytes:
    """Return a claim file about lots of the holder, at a checkpoint that is signed now.

    Raises:
        NoLotsNamed: no lot.
        LotNotHeld: a lot is spent or recalled.
        AnswerIsNo, NoSuchMetal, RangesTooWide: the claim cannot be proved of these lots.
        TooFewSignatures: the checkpoint cannot be signed by enough members here.
    """
    chosen = {lot.lot_id: lot for lot in lots}
    if not chosen:
        raise NoLotsNamed
    named = tuple(sorted(chosen))
    state = own.session.state
    shown = claimed_lots(state, named)
    note, _ = signed_checkpoint(own.session)
    body = ClaimBody(order.question, _audience(own, order, note), named)
    owned = [chosen[lot].owned(own.keys) for lot in named]
    proof = answer_claim(body, owned, state.tables.forms, own.session.entropy)
    file = ClaimFile(body, note, shown, used_forms(state, shown), proof)
    return encode_claim_file(file)


def _audience(own: Holding, order: ClaimOrder, note: bytes) -> Audience:
    checkpoint = parse_checkpoint_text(parse_note(note).text)
    drawn = Hash32(own.session.entropy.bytes(_NONCE_BYTES))
    return Audience(
        chain=own.session.chain,
        verifier=order.verifier,
        nonce=drawn if order.request is None else nonce_of(order.request),
        purpose=order.purpose,
        product=order.product,
        expires=order.expires,
        checkpoint_size=checkpoint.size,
        checkpoint_root=checkpoint.root,
    )
