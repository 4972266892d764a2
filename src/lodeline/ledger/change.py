"""What an accepted entry does to the state, as data: computed whole, then committed whole.

Nothing here decides. A change is made by ``apply`` from a state that it only reads; the state's map
is updated from the change and from nothing else, so what is not in a change did not happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, LotId, MemberId, MemberKey, OneTimeKey, SiteId, Tag
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId, ProtocolVersion, SiteRecord
from lodeline.ledger.records import (
    ActCount,
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
from lodeline.ledger.statekeys import PRESENT, StateKind, digest_of, state_key
from lodeline.ledger.tables import NOTHING_ADOPTED, Adopted

__all__ = ["AnchorKey", "Change", "Flag", "combined", "map_updates"]

K = TypeVar("K")
V = TypeVar("V")


class AnchorKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A digest that a member anchored."""

    member: MemberId
    digest: Hash32


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recalls that a lot is under, each named by the lot that it names, ascending."""

    recalls: tuple[LotId, ...]


class Change(msgspec.Struct, frozen=True):
    """Everything that one accepted entry changes; None as a value takes the key away."""

    accepted: Mapping[EntryId, EntryRecord] = msgspec.field(default_factory=dict)
    constants: Constants | None = None
    acts: int = 0
    """How many acts of governance this is: 1 for a vote of the members, 0 otherwise."""
    adopted: Adopted = NOTHING_ADOPTED
    members: Mapping[MemberId, MemberRecord] = msgspec.field(default_factory=dict)
    sites: Mapping[SiteId, SiteRecord] = msgspec.field(default_factory=dict)
    recognitions: Mapping[RecognitionKey, Recognition | None] = msgspec.field(default_factory=dict)
    validators: Mapping[MemberId, ValidatorRecord | None] = msgspec.field(default_factory=dict)
    validator_keys: Mapping[MemberKey, ValidatorKeyRecord] = msgspec.field(default_factory=dict)
    protocols: Mapping[ProtocolVersion, ProtocolRecord | None] = msgspec.field(default_factory=dict)
    anchors: Mapping[AnchorKey, EntryId] = msgspec.field(default_factory=dict)
    lots: Mapping[LotId, LotRecord] = msgspec.field(default_factory=dict)
    """New lots, unspent."""
    spent: Mapping[LotId, Hash32] = msgspec.field(default_factory=dict)
    """Lots used up, with the making that used them."""
    tags: Mapping[Tag, Hash32] = msgspec.field(default_factory=dict)
    owner_keys: Mapping[OneTimeKey, LotId] = msgspec.field(default_factory=dict)
    makings: Mapping[Hash32, Making] = msgspec.field(default_factory=dict)
    offers: Mapping[EntryId, OfferRecord] = msgspec.field(default_factory=dict)
    reserved_tags: Mapping[Tag, EntryId | None] = msgspec.field(default_factory=dict)
    reserved_lots: Mapping[LotId, EntryId | None] = msgspec.field(default_factory=dict)
    reserved_keys: Mapping[OneTimeKey, EntryId | None] = msgspec.field(default_factory=dict)
    grants: Mapping[GrantKey, GrantRecord | None] = msgspec.field(default_factory=dict)
    recalls: Mapping[LotId, RecallRecord | None] = msgspec.field(default_factory=dict)
    flags: Mapping[LotId, Flag | None] = msgspec.field(default_factory=dict)

    def of_entry(self, entry: EntryId, record: EntryRecord) -> Change:
        """Return this change as that of a whole entry, which is now accepted."""
        return replace(self, accepted={entry: record})

    @property
    def touches_material(self) -> bool:
        """Return whether anything changes about lots, offers, grants or recalls."""
        return bool(
            self.lots
            or self.spent
            or self.tags
            or self.owner_keys
            or self.makings
            or self.offers
            or self.reserved_tags
            or self.reserved_lots
            or self.reserved_keys
            or self.grants
            or self.recalls
            or self.flags
        )

    @property
    def time(self) -> BlockTime | None:
        """Return the block time of the entry, where the change is that of a whole entry."""
        for record in self.accepted.values():
            return record.time
        return None


def combined(parts: Iterable[Change]) -> Change:
    """Return the registry changes of several acts as one; later ones override earlier ones."""
    each = tuple(parts)
    return Change(
        adopted=Adopted(
            forms=tuple(form for part in each for form in part.adopted.forms),
            standards=tuple(item for part in each for item in part.adopted.standards),
            allocations=tuple(item for part in each for item in part.adopted.allocations),
            recipes=_union(part.adopted.recipes for part in each),
        ),
        members=_union(part.members for part in each),
        sites=_union(part.sites for part in each),
        recognitions=_union(part.recognitions for part in each),
        validators=_union(part.validators for part in each),
        validator_keys=_union(part.validator_keys for part in each),
        protocols=_union(part.protocols for part in each),
        recalls=_union(part.recalls for part in each),
        flags=_union(part.flags for part in each),
    )


def _union(parts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    merged: dict[K, V] = {}
    for part in parts:
        merged.update(part)
    return merged


_Update = tuple[Hash32, Hash32 | None]


def map_updates(change: Change, acts_before: int) -> dict[Hash32, Hash32 | None]:
    """Return what a change does to the state map; ``acts_before`` counts acts of governance."""
    updates: dict[Hash32, Hash32 | None] = dict(_registry_updates(change, acts_before))
    updates.update(_table_updates(change.adopted))
    if change.touches_material:
        updates.update(_lot_updates(change))
        updates.update(_status_updates(change))
    return updates


def _registry_updates(change: Change, acts_before: int) -> Iterator[_Update]:
    if change.constants is not None:
        yield state_key(StateKind.CONSTANTS), digest_of(change.constants)
    if change.acts:
        count = ActCount(acts_before + change.acts)
        yield state_key(StateKind.GOVERNANCE), digest_of(count)
    for entry, accepted in change.accepted.items():
        yield state_key(StateKind.ENTRY, entry), digest_of(accepted)
    for member, record in change.members.items():
        yield state_key(StateKind.MEMBER, member.encode()), digest_of(record)
    for site, holding in change.sites.items():
        yield state_key(StateKind.SITE, site.encode()), digest_of(holding)
    yield from _keyed(StateKind.RECOGNITION, change.recognitions)
    yield from _validator_updates(change)
    for version, required in change.protocols.items():
        where = state_key(StateKind.PROTOCOL, version.to_bytes(4, "big"))
        yield where, None if required is None else digest_of(required)
    for anchor in change.anchors:
        yield state_key(StateKind.ANCHOR, cbor.encode_struct(anchor)), PRESENT


def _validator_updates(change: Change) -> Iterator[_Update]:
    for member, validator in change.validators.items():
        where = state_key(StateKind.VALIDATOR, member.encode())
        yield where, None if validator is None else digest_of(validator)
    for key, first in change.validator_keys.items():
        yield state_key(StateKind.VALIDATOR_KEY, key), digest_of(first)


def _table_updates(adopted: Adopted) -> Iterator[_Update]:
    for form in adopted.forms:
        yield state_key(StateKind.FORM, form.name.encode()), digest_of(form)
    for standard in adopted.standards:
        yield state_key(StateKind.STANDARD, standard.name.encode()), digest_of(standard)
    for table in adopted.allocations:
        yield state_key(StateKind.ALLOCATION, table.name.encode()), digest_of(table)
    for digest, recipe in adopted.recipes.items():
        yield state_key(StateKind.RECIPE, digest), digest_of(recipe)


def _lot_updates(change: Change) -> Iterator[_Update]:
    for lot, record in change.lots.items():
        yield state_key(StateKind.UNSPENT, lot), digest_of(record.lot)
    for lot in change.spent:
        yield state_key(StateKind.UNSPENT, lot), None
    for tag in change.tags:
        yield state_key(StateKind.TAG, tag), PRESENT
    for tag, offer in change.reserved_tags.items():
        yield state_key(StateKind.RESERVED, tag), None if offer is None else Hash32(offer)
    for key in change.owner_keys:
        yield state_key(StateKind.OWNER_KEY, key), PRESENT
    for key, offer in change.reserved_keys.items():
        yield state_key(StateKind.RESERVED_KEY, key), None if offer is None else Hash32(offer)
    for identity, making in change.makings.items():
        yield state_key(StateKind.MAKING, identity), digest_of(making)


def _status_updates(change: Change) -> Iterator[_Update]:
    for offer, record in change.offers.items():
        yield state_key(StateKind.OFFER, offer), digest_of(record)
    yield from _keyed(StateKind.GRANT, change.grants)
    for lot, recall in change.recalls.items():
        yield state_key(StateKind.RECALL, lot), None if recall is None else digest_of(recall)
    for lot, flag in change.flags.items():
        yield state_key(StateKind.FLAG, lot), None if flag is None else digest_of(flag)


S = TypeVar("S", bound=msgspec.Struct)


def _keyed(kind: StateKind, changes: Mapping[S, msgspec.Struct | None]) -> Iterator[_Update]:
    for key, record in changes.items():
        where = state_key(kind, cbor.encode_struct(key))
        yield where, None if record is None else digest_of(record)
