"""One bundle for each battery, and what a stranger can be shown of it.

All bundles rest on one checkpoint, signed once. For each battery a few claims are proved for the
reader `public`: shares rounded down, the emission figure rounded up, so that what is proved is true
and says no more than it must. Claims are proved in the pool, bundles put together here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lodeline.crypto.entropy import Entropy, SystemEntropy
from lodeline.custody.forms import FormTable
from lodeline.custody.lots import SlotKind, slots
from lodeline.holder.answering import answer_claim
from lodeline.holder.building import OwnedLot
from lodeline.holder.contents import Contents
from lodeline.kernel.ids import ChainId, Hash32, ScalarBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.bundle import ProductOpening
from lodeline.ledger.bundling import BundleRequest, build_bundle
from lodeline.ledger.checkpoint import Checkpoint, parse_checkpoint_text
from lodeline.ledger.claim_file import ClaimFile, claimed_lots, encode_claim_file, used_forms
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.state import State
from lodeline.node.bundles import PUBLIC_READER
from lodeline.node.figures import figures_of
from lodeline.node.logbook import signed_checkpoint
from lodeline.node.session import Session
from lodeline.node.workspace import write_file
from lodeline.pilot.chemistry import NICKEL
from lodeline.pilot.steps import PlainLot
from lodeline.pilot.telling import COBALT
from lodeline.proofs.proof import Proof
from lodeline.proofs.questions import (
    Audience,
    ClaimBody,
    IntensityAtMost,
    Question,
    ShareAtLeast,
)

__all__ = ["BUNDLES", "Car", "bundle_name", "make_bundles", "questions_about"]

BUNDLES = "bundles"
_VALID = 366 * 86_400
_PERCENT = 10_000
_KG_PER_KG = 1_000
_NONCE_BYTES = 32


@dataclass(frozen=True)
class Car:
    """One battery on the market, as its owner can show it."""

    plain: PlainLot
    owned: OwnedLot

    @property
    def product(self) -> str:
        """Return the identifier of the battery."""
        return self.plain.product or ""


class Counter(Protocol):
    """Who is told that one more bundle is there."""

    def bundled(self, product: str) -> None:
        """Take note of a bundle."""
        ...


def bundle_name(product: str) -> str:
    """Return the file name of a battery's bundle."""
    return f"{product}.bundle"


def questions_about(contents: Contents) -> tuple[Question, ...]:
    """Return what can be shown of a battery: certified shares of cobalt, and emissions per nickel.

    Shares are rounded down to whole per cent, emissions up to whole kilograms.
    """
    figures = figures_of(contents)
    shares: list[Question] = []
    for item in figures.claims:
        if item.strand == COBALT and item.share is not None and item.share >= _PERCENT:
            share = item.share // _PERCENT * _PERCENT
            claim = item.claim
            shares.append(ShareAtLeast(COBALT.element, claim.standard, claim.model.text, share))
    intensity = figures.intensity(NICKEL)
    if intensity is None:
        return tuple(shares)
    most = -(-intensity // _KG_PER_KG) * _KG_PER_KG
    return (*shares, IntensityAtMost(NICKEL.element, most))


@dataclass(frozen=True)
class _Moment:
    """The one checkpoint under all bundles, and the state that it signs."""

    note: bytes
    checkpoint: Checkpoint
    state: State
    chain: ChainId
    entropy: Entropy

    def body(self, car: Car, question: Question) -> ClaimBody:
        """Return a claim about a battery for everybody."""
        audience = Audience(
            chain=self.chain,
            verifier=PUBLIC_READER,
            nonce=Hash32(self.entropy.bytes(_NONCE_BYTES)),
            purpose="",
            product=car.product,
            expires=BlockTime(self.checkpoint.time + _VALID),
            checkpoint_size=self.checkpoint.size,
            checkpoint_root=self.checkpoint.root,
        )
        return ClaimBody(question, audience, (car.owned.lot_id,))

    def file(self, body: ClaimBody, proof: Proof) -> bytes:
        """Return a proved claim as a file of its own."""
        shown = claimed_lots(self.state, body.lots)
        return encode_claim_file(
            ClaimFile(body, self.note, shown, used_forms(self.state, shown), proof)
        )


def make_bundles(
    session: Session, cars: Sequence[Car], pool: ProcessPoolExecutor, counter: Counter
) -> tuple[Path, ...]:
    """Write the bundle of every battery into the folder of the session; return the files.

    Raises:
        AnswerIsNo: a claim that a battery does not bear out.
        BundleTooManyEntries, BundleTooLarge: a past that no bundle holds.
        FileUnwritable: the folder.
    """
    note, _ = signed_checkpoint(session)
    checkpoint = parse_checkpoint_text(parse_note(note).text)
    moment = _Moment(note, checkpoint, session.state, session.chain, session.entropy)
    folder = session.workspace.folder / BUNDLES
    written = []
    for car, claims in _claims(moment, cars, pool):
        request = BundleRequest(car.owned.lot_id, _opening(car), claims)
        data = build_bundle(session.ledger, session.state, note, request)
        path = folder / bundle_name(car.product)
        write_file(path, data)
        counter.bundled(car.product)
        written.append(path)
    return tuple(written)


def _claims(
    moment: _Moment, cars: Sequence[Car], pool: ProcessPoolExecutor
) -> Iterator[tuple[Car, tuple[bytes, ...]]]:
    """Yield each battery with its claim files; the proofs are under way all at once."""
    forms = moment.state.tables.forms
    asked = [
        (car, [moment.body(car, question) for question in questions_about(car.plain.contents)])
        for car in cars
    ]
    under_way = [
        [pool.submit(_answer, body, car.owned, forms) for body in bodies] for car, bodies in asked
    ]
    for (car, bodies), futures in zip(asked, under_way, strict=True):
        pairs = zip(bodies, futures, strict=True)
        yield car, tuple(moment.file(body, future.result()) for body, future in pairs)


def _answer(body: ClaimBody, lot: OwnedLot, forms: FormTable) -> Proof:
    """Return the proof of a claim about one lot; runs in a worker process."""
    return answer_claim(body, (lot,), forms, SystemEntropy())


def _opening(car: Car) -> ProductOpening:
    """Return what opens the commitment to the battery's identifier."""
    blindings = {
        slot.kind: blinding
        for (slot, _), blinding in zip(
            slots(car.owned.public), car.owned.opening.blindings, strict=True
        )
    }
    return ProductOpening(car.product, ScalarBytes(blindings[SlotKind.PRODUCT]))
