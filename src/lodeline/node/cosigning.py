"""Co-signing: look at what one vouches for, sign, hand on; the last one sends the entry."""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.engine.interface import Receipt
from lodeline.kernel.ids import Hash32, LotId, MemberId
from lodeline.ledger.entries import Reversal
from lodeline.node.holding import Holding, holding
from lodeline.node.requests import (
    Request,
    Seen,
    completed,
    missing,
    needs_consent,
    seen_by,
    with_consents,
    with_signature,
)
from lodeline.node.session import Session

__all__ = ["Signed", "co_sign", "looked_at", "submit_request"]


@dataclass(frozen=True)
class Signed:
    """A request after somebody signed it."""

    request: Request
    missing: tuple[MemberId, ...]
    consent_missing: bool

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is missing any more."""
        return not self.missing and not self.consent_missing


def looked_at(session: Session, request: Request, member: MemberId) -> tuple[Seen, ...]:
    """Return what a signer is asked to vouch for, checked against the entry's commitments.

    Raises:
        NoteNotOpened, NoteDoesNotMatch, PieceDoesNotMatch: what is shown is not what is signed.
    """
    return seen_by(session.state, request, member, session.keys(member))


def co_sign(session: Session, request: Request, member: MemberId) -> Signed:
    """Return the request with a member's signature, and with its consent where it is asked for.

    Raises:
        RequestComplete, SignerNotAsked: nothing to sign.
        UnknownMember, MemberNotActive: the member may not act.
    """
    before = request
    if needs_consent(session.state, request):
        with holding(session, member) as own:
            request = _consented(own, request)
    if member in missing(session.state, request) or request is before:
        request = with_signature(session.state, request, member, session.keys(member))
    state = session.state
    return Signed(request, missing(state, request), needs_consent(state, request))


def _consented(own: Holding, request: Request) -> Request:
    """Add the consent of the holder, where it was he who held the lots that are given back."""
    entry = request.entry
    if not isinstance(entry, Reversal):
        return request
    making = own.session.state.makings.get(Hash32(entry.body.transform))
    given = () if making is None else making.inputs
    if not given or not all(own.vault.holds(LotId(lot)) for lot in given):
        return request
    lots = [own.vault.lot(LotId(lot)).owned(own.keys) for lot in given]
    return with_consents(request, lots, own.session.entropy)


def submit_request(session: Session, request: Request) -> Receipt:
    """Send a request that is complete.

    Raises:
        RequestIncomplete: somebody has still to sign.
        LodelineError: the ledger refuses the entry.
    """
    return session.submit(completed(session.state, request))
