"""Making a bundle from a full copy of the log: the past of one lot, closed under what it rests on.

What is gathered, besides the genesis and every entry of governance and key rotation:

* what made the lot, and what made each lot that was used up for it, back to the grants; for a sale
  the offer and its acceptance, for a reversal what it reversed, for a correction what it corrects;
* for a grant that replaced another: every use of the one replaced, because that it was used up
  whole is shown by all of it;
* recalls of any lot among these, so that votes that lifted them can be followed.

A part of a log that is closed in this way replays like the whole: whatever was left out could only
have forbidden something, and the log had no occasion to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from lodeline.custody.forms import FormClass
from lodeline.kernel.ids import Hash32, LotId
from lodeline.ledger.bundle import (
    MAX_BUNDLE_ENTRIES,
    Bundle,
    BundledEntry,
    ProductOpening,
    Stop,
    StoppedLot,
    encode_bundle,
)
from lodeline.ledger.checkpoint import Checkpoint, parse_checkpoint_text
from lodeline.ledger.descent import children, form_class_of, maker_of
from lodeline.ledger.entries import Accept, Correction, Entry, EntryId, Recall, Reversal, Transform
from lodeline.ledger.log import read_leaf
from lodeline.ledger.merkle import ConsistencyProof, InclusionProof, LeafIndex, TreeSize
from lodeline.ledger.records import Making
from lodeline.ledger.refusals_bundles import (
    BundleLotSpent,
    BundleLotUnknown,
    BundleStateDiffers,
    BundleTooManyEntries,
)
from lodeline.ledger.signednote import parse_note
from lodeline.ledger.state import State
from lodeline.ledger.statekeys import StateKind, state_key
from lodeline.ledger.statemap import AbsenceProof, PresenceProof

__all__ = ["BundleRequest", "EarlierState", "LogReader", "build_bundle", "past_of"]

_REGISTRY = frozenset({"genesis", "govern", "rotate-key"})


class LogReader(Protocol):
    """A full copy of the log, as an engine keeps it."""

    def leaf(self, index: LeafIndex) -> bytes:
        """Return the bytes of a leaf."""
        ...

    def prove_inclusion(self, index: LeafIndex, size: TreeSize) -> InclusionProof:
        """Return the proof that the log of this size holds a leaf."""
        ...

    def prove_consistency(self, old: TreeSize, new: TreeSize) -> ConsistencyProof:
        """Return the proof that the log of one size continues that of another."""
        ...


@dataclass(frozen=True)
class EarlierState:
    """An earlier checkpoint with its state, where the bundle is to stop."""

    checkpoint: bytes
    """The signed note."""
    state: State


@dataclass(frozen=True)
class BundleRequest:
    """Which lot a bundle is about, and what goes with it."""

    lot: LotId
    product: ProductOpening | None = None
    """The opening of the product identifier; needed exactly where the lot is a product."""
    claims: tuple[bytes, ...] = ()
    """Claim files about this very lot."""
    earlier: EarlierState | None = None
    """Where the past stops: at every lot that was unspent at this earlier checkpoint."""


def build_bundle(
    reader: LogReader, state: State, checkpoint: bytes, request: BundleRequest
) -> bytes:
    """Return the bundle of a lot at a checkpoint (a signed note); ``state`` is the checkpoint's.

    Not checked: the signatures of the checkpoint, the opening and the claims; whoever makes a
    bundle verifies it like a stranger before he hands it out.

    Raises:
        BundleStateDiffers: the state is not the checkpoint's.
        BundleLotUnknown, BundleLotSpent: the lot is not there, or used up.
        BundleTooManyEntries: its past is longer than a bundle holds.
        KeyTaken: the lot is recalled.
    """
    at, lot, earlier = _checkpoint_of(checkpoint, state), request.lot, request.earlier
    if lot not in state.lots:
        raise BundleLotUnknown(lot)
    if not state.is_unspent(lot):
        raise BundleLotSpent(lot)
    past = past_of(reader, state, lot, None if earlier is None else earlier.state)
    if len(past.indices) > MAX_BUNDLE_ENTRIES:
        raise BundleTooManyEntries(len(past.indices), MAX_BUNDLE_ENTRIES)
    bundle = Bundle(
        lot=lot,
        product=request.product,
        checkpoint=checkpoint,
        entries=tuple(_bundled(reader, index, at.size) for index in sorted(past.indices)),
        acts=_acts(state),
        unspent=state.map.prove_presence(state_key(StateKind.UNSPENT, lot)),
        not_recalled=state.map.prove_absence(state_key(StateKind.FLAG, lot)),
        stop=None if earlier is None else _stop(reader, earlier, at, past.stops),
        claims=request.claims,
    )
    return encode_bundle(bundle)


def _checkpoint_of(note: bytes, state: State) -> Checkpoint:
    checkpoint = parse_checkpoint_text(parse_note(note).text)
    if checkpoint.state != state.root:
        raise BundleStateDiffers(checkpoint.state, state.root)
    return checkpoint


def _bundled(reader: LogReader, index: int, size: TreeSize) -> BundledEntry:
    at = LeafIndex(index)
    return BundledEntry(reader.leaf(at), reader.prove_inclusion(at, size))


def _acts(state: State) -> PresenceProof | AbsenceProof:
    key = state_key(StateKind.GOVERNANCE)
    return state.map.prove_presence(key) if state.acts else state.map.prove_absence(key)


def _stop(
    reader: LogReader, earlier: EarlierState, at: Checkpoint, lots: Iterable[LotId]
) -> Stop | None:
    old = _checkpoint_of(earlier.checkpoint, earlier.state)
    stopped = tuple(_stopped(earlier.state, lot) for lot in sorted(lots))
    if not stopped:
        return None
    return Stop(earlier.checkpoint, reader.prove_consistency(old.size, at.size), stopped)


def _stopped(state: State, lot: LotId) -> StoppedLot:
    record = state.lots.get(lot)
    making = None if record is None else state.makings.get(record.maker)
    if record is None or making is None:
        raise BundleLotUnknown(lot)
    prove = state.map.prove_presence
    return StoppedLot(
        lot,
        record.lot,
        prove(state_key(StateKind.UNSPENT, lot)),
        state.map.prove_absence(state_key(StateKind.FLAG, lot)),
        record.maker,
        record.output,
        making,
        prove(state_key(StateKind.MAKING, record.maker)),
    )


# ------------------------------------------------------------------ the past of a lot


@dataclass(frozen=True)
class Past:
    """The leaves that a lot rests on, and the lots at which its past was cut."""

    indices: frozenset[int]
    stops: frozenset[LotId]


def past_of(reader: LogReader, state: State, lot: LotId, earlier: State | None = None) -> Past:
    """Return the leaves that a bundle of the lot holds.

    Raises:
        BundleLotUnknown: the graph names a lot that is not there.
    """
    gathering = _Gathering(reader, state, earlier)
    gathering.add_lot(lot, whole=True)
    gathering.run()
    gathering.add_registry()
    return Past(frozenset(gathering.indices), gathering.cut())


class _Gathering:
    """Collects leaves until nothing that is in rests on something that is not."""

    def __init__(self, reader: LogReader, state: State, earlier: State | None) -> None:
        self._reader, self._state, self._earlier = reader, state, earlier
        self._lots: set[LotId] = set()
        self._makings: set[Hash32] = set()
        self._waiting: list[Hash32] = []
        self.indices: set[int] = set()
        self.stops: set[LotId] = set()

    def add_lot(self, lot: LotId, *, whole: bool = False) -> None:
        """Take a lot in with what made it, or as it stood at the earlier checkpoint.

        ``whole``: its past is needed, even where it could be cut.
        """
        if lot in self._lots and not (whole and lot in self.stops):
            return
        self._lots.add(lot)
        if not whole and self._was_there(lot):
            self.stops.add(lot)
            return
        self.stops.discard(lot)
        record = self._state.lots.get(lot)
        if record is None:
            raise BundleLotUnknown(lot)
        self._add_making(record.maker)

    def _was_there(self, lot: LotId) -> bool:
        """Return whether the past can be cut here: unspent and not recalled then, and no credit."""
        earlier = self._earlier
        if earlier is None or not earlier.is_unspent(lot) or lot in earlier.flags:
            return False
        return form_class_of(self._state, lot) is not FormClass.CREDIT

    def cut(self) -> frozenset[LotId]:
        """Return the lots at which the past was cut: those that nothing taken in makes."""
        return frozenset(lot for lot in self.stops if self._maker(lot) not in self._makings)

    def _maker(self, lot: LotId) -> Hash32 | None:
        record = self._state.lots.get(lot)
        return None if record is None else record.maker

    def _add_making(self, making: Hash32) -> None:
        if making not in self._makings:
            self._makings.add(making)
            self._waiting.append(making)

    def run(self) -> None:
        """Follow everything that was taken in to what it rests on."""
        while self._waiting:
            identity = self._waiting.pop()
            making = self._state.makings.get(identity)
            if making is None:
                continue
            self.indices.add(making.index)
            self._follow(self._entry(making.index), making)
            for lot in making.inputs:
                self.add_lot(lot)
            self._lots.update(making.outputs)

    def _entry(self, index: int) -> Entry:
        return read_leaf(self._reader.leaf(LeafIndex(index))).entry

    def _follow(self, entry: Entry, making: Making) -> None:
        if isinstance(entry, Accept):
            offer = self._state.entries.get(EntryId(entry.body.offer))
            if offer is not None:
                self.indices.add(offer.index)
        elif isinstance(entry, Reversal):
            self._add_making(Hash32(entry.body.transform))
        elif isinstance(entry, Correction):
            self._add_making(Hash32(entry.body.corrects))
            self._add_way(making.inputs, Hash32(entry.body.corrects))
        elif isinstance(entry, Transform) and entry.body.replaces is not None:
            self._add_uses(entry.body.replaces, making)

    def _add_way(self, lots: tuple[LotId, ...], back_to: Hash32) -> None:
        """Take in, uncut, the way from lots back to the transform that they come wholly from."""
        waiting = list(lots)
        for lot in waiting:
            self.add_lot(lot, whole=True)
            maker, making = maker_of(self._state, lot)
            if maker != back_to:
                waiting += [before for before in making.inputs if before not in waiting]

    def _add_uses(self, grant: LotId, replacing: Making) -> None:
        """Take in every use of a replaced grant's rights, so that nothing is left of it."""
        own_class = form_class_of(self._state, grant)
        waiting = [grant]
        for lot in waiting:
            self.add_lot(lot, whole=True)
            consumer = self._state.consumers.get(lot)
            if consumer is None or lot in replacing.inputs:
                continue
            self._add_making(consumer)
            making = self._state.makings.get(consumer)
            if making is not None and making.reversed_by is not None:
                self._add_making(making.reversed_by)
            waiting += [
                child
                for child in children(self._state, lot)
                if child not in waiting and form_class_of(self._state, child) is own_class
            ]

    def add_registry(self) -> None:
        """Take in all governance, and the recalls of any lot that is in."""
        for record in self._state.entries.values():
            if record.kind in _REGISTRY:
                self.indices.add(record.index)
            elif record.kind == "recall":
                entry = self._entry(record.index)
                if isinstance(entry, Recall) and entry.body.lot in self._lots:
                    self.indices.add(record.index)
