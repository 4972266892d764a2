"""From an entry to the proof that must be verified before the entry can be accepted.

A task holds public values only, so that it can be verified in another process. Its key names the
complete entry as received, proof and co-signatures included, and the tables under which the proof
is read: a verdict never serves another proof, and never another meaning of the same recipe.

A :class:`BatchView` lays what the entries of one batch would make over a state, so that a block can
chain: the proof of an entry that spends a lot of an earlier entry of the same block is verified
with the others. It accepts nothing; whether an entry is accepted is decided by ``apply`` alone.

A vote is never laid over: anybody can write one that nobody signed, and under its tables every
proof after it would be read wrongly. So a batch ends with a vote (:func:`batches`), and what
follows is read under the tables as they are once the vote is decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from lodeline.custody.lots import LotPublic
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, LotId, StandardName, TransformId
from lodeline.ledger.entries import (
    Accept,
    Correction,
    Entry,
    EntryId,
    Govern,
    Offer,
    Regrant,
    Reversal,
    Transform,
    encode_entry,
    entry_id,
)
from lodeline.ledger.tables import Tables
from lodeline.proofs.body import TransformBody, lot_id, transform_id
from lodeline.proofs.task import ProofTask, RestorationTask, TransformTask

__all__ = [
    "BatchView",
    "StateView",
    "batches",
    "carried_transform",
    "proof_key",
    "task_for",
    "tasks_for",
]

T = TypeVar("T")

_KEY_DOMAIN = b"lodeline/v1/proof-key\0"


class StateView(Protocol):
    """What making a task needs to know of a state."""

    @property
    def tables(self) -> Tables:
        """Return the tables under which proofs are read."""
        ...

    def lot(self, lot: LotId) -> LotPublic | None:
        """Return a lot that exists or existed, or nothing."""
        ...

    def making_inputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform used up, or nothing where there is none."""
        ...

    def making_outputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform made, or nothing where there is none."""
        ...

    def sale_of(self, offer: EntryId) -> TransformBody | None:
        """Return the sale that an offer carries, or nothing where there is no such offer."""
        ...


def proof_key(entry: Entry, tables: Tables) -> Hash32:
    """Return the key of the verdict on an entry's proof.

    Raises:
        CborTooLarge: the entry is longer than any that is accepted.
    """
    data = encode_entry(entry)
    return Hash32(hashlib.sha256(_KEY_DOMAIN + tables.digest + data).digest())


def carried_transform(entry: Entry) -> Transform | None:
    """Return the transform that an entry is or carries, or nothing."""
    if isinstance(entry, Transform):
        return entry
    if isinstance(entry, Offer):
        return entry.sale
    return entry.transform if isinstance(entry, Correction) else None


def task_for(view: StateView, entry: Entry) -> ProofTask | None:
    """Return the proof to verify for an entry.

    Nothing where the entry carries no proof, and nothing where it names a recipe, lot or transform
    that is not there: such an entry is refused whatever its proof.

    Raises:
        CborTooLarge: the entry is longer than any that is accepted.
    """
    if isinstance(entry, Reversal):
        return _restoration_task(view, entry)
    transform = carried_transform(entry)
    if transform is None:
        return None
    recipe = view.tables.recipe(transform.body.recipe)
    spent = _known_lots(view, tuple(item.lot for item in transform.body.inputs))
    if recipe is None or spent is None:
        return None
    lots = spent + transform.body.outputs
    tables = view.tables
    forms = sorted({lot.form for lot in lots if lot.form in tables.forms})
    return TransformTask(
        proof_key(entry, tables),
        recipe,
        tuple(tables.forms[form] for form in forms),
        tables.known_standards(_standards_of(lots)),
        transform.body,
        spent,
        transform.proof,
    )


def _known_lots(view: StateView, lots: Sequence[LotId]) -> tuple[LotPublic, ...] | None:
    found = tuple(known for known in map(view.lot, lots) if known is not None)
    return found if len(found) == len(lots) else None


def _standards_of(lots: Iterable[LotPublic]) -> tuple[StandardName, ...]:
    names = {
        borne.claim.rpartition("/")[0]
        for lot in lots
        for item in lot.strands
        for borne in item.claims
    }
    return tuple(StandardName(name) for name in sorted(names))


def _restoration_task(view: StateView, entry: Reversal) -> RestorationTask | None:
    making = Hash32(entry.body.transform)
    given, made = view.making_inputs(making), view.making_outputs(making)
    if given is None or made is None:
        return None
    originals, spent = _known_lots(view, given), _known_lots(view, made)
    fits = len(made) == len(entry.body.tags)
    if originals is None or spent is None or not fits:
        return None
    return RestorationTask(
        proof_key(entry, view.tables),
        cbor.encode_struct(entry.body),
        spent,
        entry.body.tags,
        originals,
        tuple(item.lot for item in entry.body.restored),
        entry.proof,
    )


class BatchView:
    """A state with the lots that the entries of one batch would make, accepted or not.

    The tables are the state's.
    """

    def __init__(self, below: StateView) -> None:
        self._below = below
        self._lots: dict[LotId, LotPublic] = {}
        self._makings: dict[Hash32, tuple[tuple[LotId, ...], tuple[LotId, ...]]] = {}
        self._sales: dict[EntryId, TransformBody] = {}

    @property
    def tables(self) -> Tables:
        """Return the tables of the state."""
        return self._below.tables

    def lot(self, lot: LotId) -> LotPublic | None:
        """Return a lot of the state or of the batch, or nothing."""
        return self._lots.get(lot) or self._below.lot(lot)

    def making_inputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform of the state or of the batch uses up, or nothing."""
        found = self._makings.get(making)
        return self._below.making_inputs(making) if found is None else found[0]

    def making_outputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform of the state or of the batch makes, or nothing."""
        found = self._makings.get(making)
        return self._below.making_outputs(making) if found is None else found[1]

    def sale_of(self, offer: EntryId) -> TransformBody | None:
        """Return the sale that an offer of the state or of the batch carries, or nothing."""
        return self._sales.get(offer) or self._below.sale_of(offer)

    def add(self, entry: Entry) -> None:
        """Lay over what an entry would make, if it were accepted."""
        if isinstance(entry, Offer):
            self._sales[entry_id(entry)] = entry.sale.body
        elif isinstance(entry, (Transform, Correction)):
            transform = carried_transform(entry)
            if transform is not None:
                self._add_transform(transform.body)
        elif isinstance(entry, Accept):
            sale = self.sale_of(EntryId(entry.body.offer))
            if sale is not None:
                self._add_transform(sale)
        elif isinstance(entry, Reversal):
            self._add_equal(entry, [item.lot for item in entry.body.restored])
        elif isinstance(entry, Regrant):
            self._add_equal(entry, [entry.body.replacement.lot])

    def _add_transform(self, body: TransformBody) -> None:
        identity = transform_id(body)
        made = {lot_id(identity, index): lot for index, lot in enumerate(body.outputs)}
        self._lots.update(made)
        used = tuple(spent.lot for spent in body.inputs)
        self._makings[Hash32(identity)] = (used, tuple(made))

    def _add_equal(self, entry: Reversal | Regrant, lots: Sequence[LotPublic]) -> None:
        identity = TransformId(entry_id(entry))
        self._lots.update({lot_id(identity, index): lot for index, lot in enumerate(lots)})


def batches(
    items: Iterable[T], most: int, entry_of: Callable[[T], object]
) -> Iterator[tuple[T, ...]]:
    """Yield items in order, in batches of at most ``most`` whose proofs can be verified together.

    A batch ends with the first vote in it. Items are taken as they are needed, so the caller
    decides a batch before the next one is read; ``entry_of`` may give anything where an item is no
    entry.
    """
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == most or isinstance(entry_of(item), Govern):
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def tasks_for(state: StateView, entries: Iterable[Entry]) -> tuple[ProofTask, ...]:
    """Return the proofs to verify for the entries of one batch, in their order.

    Proofs are read under the tables of the state, so the batch is one of `batches`: the entry
    after a vote that is accepted finds no verdict.

    Raises:
        CborTooLarge: an entry is longer than any that is accepted.
    """
    view, tasks = BatchView(state), []
    for entry in entries:
        task = task_for(view, entry)
        if task is not None:
            tasks.append(task)
        view.add(entry)
    return tuple(tasks)
