"""Bundles: made by whoever holds a lot, checked by whoever has the trust file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodeline.custody.lots import SlotKind, slots
from lodeline.holder.records import HeldLot
from lodeline.kernel.ids import ScalarBytes
from lodeline.ledger.bundle import ProductOpening
from lodeline.ledger.bundle_report import Report
from lodeline.ledger.bundling import BundleRequest, build_bundle
from lodeline.ledger.claim_file import Asked
from lodeline.ledger.log import Verify
from lodeline.ledger.trust import TrustFile
from lodeline.ledger.verify_bundle import examine_bundle, verify_bundle
from lodeline.node.holding import Holding
from lodeline.node.logbook import signed_checkpoint
from lodeline.node.trust import read_trust

__all__ = ["PUBLIC_READER", "MadeBundle", "check_bundle", "make_bundle"]

PUBLIC_READER = "public"
"""For whom a claim is made that anybody may read: whoever checks a bundle and does not say who."""


@dataclass(frozen=True)
class MadeBundle:
    """A bundle as it is handed out, and what a stranger will read in it."""

    data: bytes
    report: Report


def make_bundle(
    own: Holding, lot: HeldLot, claims: Sequence[bytes], verify: Verify, asked: Asked | None
) -> MadeBundle:
    """Return the bundle of a lot at a checkpoint that is signed now, verified like a stranger.

    ``asked`` says for whom the claims are, where there are some.

    Raises:
        BundleLotSpent, BundleTooManyEntries, KeyTaken, …: there is no bundle of this lot.
        TooFewSignatures: the checkpoint cannot be signed by enough members here.
        LodelineError: the first step in which a stranger would refuse it.
    """
    session = own.session
    note, _ = signed_checkpoint(session)
    request = BundleRequest(lot.lot_id, _product(lot), tuple(claims))
    data = build_bundle(session.ledger, session.state, note, request)
    trust = read_trust(session.workspace.trust)
    return MadeBundle(data, verify_bundle(data, trust, verify, asked))


def _product(lot: HeldLot) -> ProductOpening | None:
    """Return what opens the commitment to the product identifier, where the lot has one."""
    if lot.product is None:
        return None
    for (slot, _), blinding in zip(slots(lot.public), lot.opening.blindings, strict=True):
        if slot.kind is SlotKind.PRODUCT:
            return ProductOpening(lot.product, ScalarBytes(blinding))
    return None


def check_bundle(data: bytes, trust: TrustFile, verify: Verify, asked: Asked | None) -> Report:
    """Return what a stranger finds, step by step; nothing is believed but the trust file."""
    return examine_bundle(data, trust, verify, asked)
