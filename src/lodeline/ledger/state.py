"""The state of the ledger: what the log adds up to, with the indexes that decisions need.

A state is read by ``apply`` and changed by :meth:`State.commit` alone. ``draft`` lays a fresh state
over this one; committing to the draft leaves this one untouched until ``settle`` writes the draft
down. So a block is tried, its application hash compared, and only then kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.kernel.ids import (
    Hash32,
    LotId,
    MemberId,
    MemberKey,
    OneTimeKey,
    RecipeDigest,
    SiteId,
    Tag,
)
from lodeline.kernel.time import BlockTime
from lodeline.ledger.change import AnchorKey, Change, Flag, map_updates
from lodeline.ledger.entries import EntryId, ProtocolVersion, SiteRecord
from lodeline.ledger.records import (
    Constants,
    EntryRecord,
    GrantKey,
    GrantRecord,
    LotRecord,
    Making,
    MemberRecord,
    OfferRecord,
    ProtocolRecord,
    RecallRecord,
    Recognition,
    RecognitionKey,
    ValidatorKeyRecord,
    ValidatorRecord,
)
from lodeline.ledger.shelf import Shelf
from lodeline.ledger.statemap import StateMap
from lodeline.ledger.tables import NO_TABLES, Tables
from lodeline.proofs.body import TransformBody

__all__ = ["State"]


@dataclass(eq=False, repr=False)
class _Shelves:
    """Everything that the state knows by key."""

    entries: Shelf[EntryId, EntryRecord] = field(default_factory=Shelf)
    members: Shelf[MemberId, MemberRecord] = field(default_factory=Shelf)
    sites: Shelf[SiteId, SiteRecord] = field(default_factory=Shelf)
    recognitions: Shelf[RecognitionKey, Recognition] = field(default_factory=Shelf)
    validators: Shelf[MemberId, ValidatorRecord] = field(default_factory=Shelf)
    """Who validates now; nobody while the ledger runs without consensus."""
    validator_keys: Shelf[MemberKey, ValidatorKeyRecord] = field(default_factory=Shelf)
    """Every key that a validator uses or ever used."""
    protocols: Shelf[ProtocolVersion, ProtocolRecord] = field(default_factory=Shelf)
    """Every version of the protocol that members required, in force or to come."""
    anchors: Shelf[AnchorKey, EntryId] = field(default_factory=Shelf)
    lots: Shelf[LotId, LotRecord] = field(default_factory=Shelf)
    """Every lot that exists or existed."""
    consumers: Shelf[LotId, Hash32] = field(default_factory=Shelf)
    """What used a lot up; a lot without one is unspent."""
    tags: Shelf[Tag, Hash32] = field(default_factory=Shelf)
    owner_keys: Shelf[OneTimeKey, LotId] = field(default_factory=Shelf)
    makings: Shelf[Hash32, Making] = field(default_factory=Shelf)
    offers: Shelf[EntryId, OfferRecord] = field(default_factory=Shelf)
    reserved_tags: Shelf[Tag, EntryId] = field(default_factory=Shelf)
    reserved_lots: Shelf[LotId, EntryId] = field(default_factory=Shelf)
    reserved_keys: Shelf[OneTimeKey, EntryId] = field(default_factory=Shelf)
    grants: Shelf[GrantKey, GrantRecord] = field(default_factory=Shelf)
    recalls: Shelf[LotId, RecallRecord] = field(default_factory=Shelf)
    flags: Shelf[LotId, Flag] = field(default_factory=Shelf)


_SHELVES = tuple(shelf.name for shelf in fields(_Shelves))


class State(_Shelves):
    """Everything that decides whether an entry is accepted."""

    def __init__(self, below: State | None = None) -> None:
        """Make the state before the genesis, or a draft over another state."""
        super().__init__(
            **({} if below is None else {name: getattr(below, name).over() for name in _SHELVES})
        )
        self._below = below
        self._map: StateMap | None = StateMap() if below is None else None
        """None while it is that of the state below, with what is pending here."""
        self._pending: list[tuple[Change, int]] = []
        """Changes that the map does not have yet, each with the acts of governance before it."""
        self.constants: Constants | None = None if below is None else below.constants
        self.time: BlockTime = BlockTime(0) if below is None else below.time
        self.size: int = 0 if below is None else below.size
        """Number of accepted entries."""
        self.acts: int = 0 if below is None else below.acts
        """Number of governance acts so far."""
        self.tables: Tables = NO_TABLES if below is None else below.tables
        self.whole: bool = True if below is None else below.whole
        """False while part of a log is replayed, as a bundle carries it: then a vote may lift the
        recall of a lot that is not in the part."""

    # ------------------------------------------------------------------ reading

    @property
    def root(self) -> Hash32:
        """Return the root of the state map over everything committed so far."""
        return self.map.root

    @property
    def map(self) -> StateMap:
        """Return the state map, an immutable value, for proofs of presence and absence."""
        known = self._map
        if known is None:
            known = StateMap() if self._below is None else self._below.map
        if self._pending:
            updates: dict[Hash32, Hash32 | None] = {}
            for change, acts in self._pending:
                updates.update(map_updates(change, acts))
            known, self._pending = known.updated(updates), []
        self._map = known
        return known

    def lot(self, lot: LotId) -> LotPublic | None:
        """Return a lot that exists or existed, or nothing."""
        record = self.lots.get(lot)
        return None if record is None else record.lot

    def recipe(self, digest: RecipeDigest) -> Recipe | None:
        """Return an adopted recipe, retired or not, or nothing."""
        return self.tables.recipe(digest)

    def making_inputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform used up, or nothing where there is no such transform."""
        record = self.makings.get(making)
        return None if record is None else record.inputs

    def making_outputs(self, making: Hash32) -> tuple[LotId, ...] | None:
        """Return the lots that a transform made, or nothing where there is no such transform."""
        record = self.makings.get(making)
        return None if record is None else record.outputs

    def sale_of(self, offer: EntryId) -> TransformBody | None:
        """Return the sale that an offer carries, or nothing where there is no such offer."""
        record = self.offers.get(offer)
        return None if record is None else record.body

    def is_unspent(self, lot: LotId) -> bool:
        """Return whether a lot is there and not used up."""
        return lot in self.lots and lot not in self.consumers

    def active_voters(self) -> int:
        """Return how many members count for governance now."""
        return sum(record.votes for _, record in self.members.items())

    # ------------------------------------------------------------------ changing

    def commit(self, change: Change) -> None:
        """Take a change in; nothing is checked, that was done when the change was decided."""
        self._pending.append((change, self.acts))
        self.constants = change.constants or self.constants
        self.time = change.time or self.time
        self.size += len(change.accepted)
        self.acts += change.acts
        self.tables = self.tables.with_adopted(change.adopted)
        self._put_registry(change)
        if change.touches_material:
            self._put_lots(change)

    def _put_registry(self, change: Change) -> None:
        self.entries.put(change.accepted)
        self.members.put(change.members)
        self.sites.put(change.sites)
        self.recognitions.put(change.recognitions)
        self.validators.put(change.validators)
        self.validator_keys.put(change.validator_keys)
        self.protocols.put(change.protocols)
        self.anchors.put(change.anchors)

    def _put_lots(self, change: Change) -> None:
        self.lots.put(change.lots)
        self.consumers.put(change.spent)
        self.tags.put(change.tags)
        self.owner_keys.put(change.owner_keys)
        self.makings.put(change.makings)
        self.offers.put(change.offers)
        self.reserved_tags.put(change.reserved_tags)
        self.reserved_lots.put(change.reserved_lots)
        self.reserved_keys.put(change.reserved_keys)
        self.grants.put(change.grants)
        self.recalls.put(change.recalls)
        self.flags.put(change.flags)

    def draft(self) -> State:
        """Return a state over this one, to be settled or dropped.

        While a draft is in use, nothing may be committed below it.
        """
        return State(self)

    def settle(self) -> None:
        """Write this draft down to the state below it; a state over nothing stays as it is."""
        if self._below is not None:
            self._below.absorb(self)

    def absorb(self, draft: State) -> None:
        """Take in what was committed to a draft of this state."""
        self.constants, self.tables = draft.constants, draft.tables
        self.time, self.size, self.acts = draft.time, draft.size, draft.acts
        if draft._map is None:  # nobody asked for its root, so nobody pays for it
            self._pending += draft._pending
        else:
            self._map, self._pending = draft.map, []
        for name in _SHELVES:
            getattr(draft, name).settle()
