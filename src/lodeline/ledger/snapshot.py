"""The state as data: what changed over a stretch of the log, to be stored and taken in again.

A part is the sum of the changes of a stretch of entries; parts that join give the state without
deciding an entry again. Committing a part computes the state map from the records in it, so the
root afterwards is compared with one that is known for another reason: a block's, a checkpoint's.

What the root does not cover are the values of keys where being there is all that counts in the map
(which lot a key belongs to, what spent a tag). Whoever stores a part keeps a digest of its bytes
beside it, against damage. A part is no evidence for a stranger: he replays the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated

import cbor2
import msgspec

from lodeline.custody.allocation import AllocationTable
from lodeline.custody.forms import Form
from lodeline.custody.standards import Standard
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import (
    Hash32,
    Hash32W,
    LotId,
    LotIdW,
    MemberId,
    MemberIdW,
    MemberKey,
    MemberKeyW,
    OneTimeKey,
    OneTimeKeyW,
    RecipeDigestW,
    SiteId,
    SiteIdW,
    Tag,
    TagW,
)
from lodeline.kernel.time import BlockTimeW
from lodeline.ledger.change import AnchorKey, Change, Flag
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
    RecipeRecord,
    Recognition,
    RecognitionKey,
    ValidatorKeyRecord,
    ValidatorRecord,
)
from lodeline.ledger.state import State
from lodeline.ledger.tables import Adopted

__all__ = [
    "Gathered",
    "PartNotRead",
    "PartOutOfPlace",
    "StatePart",
    "StoredEntry",
    "StoredTables",
    "commit_part",
    "read_part",
]

EntryIdW = Annotated[EntryId, msgspec.Meta(min_length=32, max_length=32)]


class PartNotRead(LodelineError):
    """The stored state of a stretch of the log is not what this program writes."""

    reason: str

    code = "state-part-not-read"
    en = "a stored part of the state cannot be read: {reason}"
    fr = "une partie enregistrée de l'état ne peut être lue : {reason}"
    advice_en = "let the state be made again from the log"
    advice_fr = "laissez l'état être refait à partir du journal"


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Base of what is stored: closed, and without field names, which would be half the bytes."""


class StoredTables(_Stored, frozen=True):
    """What one change adopted."""

    forms: tuple[Form, ...]
    standards: tuple[Standard, ...]
    allocations: tuple[AllocationTable, ...]
    recipes: tuple[tuple[RecipeDigestW, RecipeRecord], ...]


class StoredEntry(_Stored, frozen=True):
    """An accepted entry; its index follows from its place."""

    entry: EntryIdW
    time: BlockTimeW
    kind: str


class StatePart(_Stored, frozen=True):
    """The sum of the changes of a stretch of entries; None as a value takes the key away."""

    first: int
    """Leaf index of the first entry."""
    accepted: tuple[StoredEntry, ...]
    """In the order of the log."""
    constants: Constants | None
    acts: int
    adopted: tuple[StoredTables, ...]
    """Change by change: the digest of the tables depends on the order."""
    members: tuple[tuple[MemberIdW, MemberRecord], ...]
    sites: tuple[tuple[SiteIdW, SiteRecord], ...]
    recognitions: tuple[tuple[RecognitionKey, Recognition | None], ...]
    validators: tuple[tuple[MemberIdW, ValidatorRecord | None], ...]
    validator_keys: tuple[tuple[MemberKeyW, ValidatorKeyRecord], ...]
    protocols: tuple[tuple[ProtocolVersion, ProtocolRecord | None], ...]
    anchors: tuple[tuple[AnchorKey, EntryIdW], ...]
    lots: tuple[tuple[LotIdW, LotRecord], ...]
    spent: tuple[tuple[LotIdW, Hash32W], ...]
    tags: tuple[tuple[TagW, Hash32W], ...]
    owner_keys: tuple[tuple[OneTimeKeyW, LotIdW], ...]
    makings: tuple[tuple[Hash32W, Making], ...]
    offers: tuple[tuple[EntryIdW, OfferRecord], ...]
    reserved_tags: tuple[tuple[TagW, EntryIdW | None], ...]
    reserved_lots: tuple[tuple[LotIdW, EntryIdW | None], ...]
    reserved_keys: tuple[tuple[OneTimeKeyW, EntryIdW | None], ...]
    grants: tuple[tuple[GrantKey, GrantRecord | None], ...]
    recalls: tuple[tuple[LotIdW, RecallRecord | None], ...]
    flags: tuple[tuple[LotIdW, Flag | None], ...]

    def encode(self) -> bytes:
        """Return the bytes to store, in canonical CBOR."""
        return cbor.encode_struct(self)

    @property
    def size(self) -> int:
        """Return the number of entries in the log after this part."""
        return self.first + len(self.accepted)


class PartOutOfPlace(LodelineError):
    """A stored part of the state does not continue the state that it is laid on."""

    expected: int
    got: int

    code = "state-part-out-of-place"
    en = "the state has {expected} entries, the stored part begins after {got}"
    fr = "l'état a {expected} écritures, la partie enregistrée commence après {got}"
    advice_en = "let the state be made again from the log"
    advice_fr = "laissez l'état être refait à partir du journal"


@dataclass
class Gathered:
    """Changes added up in the order of the log, until they are taken as one part.

    A later value replaces an earlier one under the same key, None included: as in the state.
    """

    first: int
    """Leaf index of the first entry."""
    accepted: list[StoredEntry] = field(default_factory=list)
    constants: Constants | None = None
    acts: int = 0
    adopted: list[StoredTables] = field(default_factory=list)
    members: dict[MemberId, MemberRecord] = field(default_factory=dict)
    sites: dict[SiteId, SiteRecord] = field(default_factory=dict)
    recognitions: dict[RecognitionKey, Recognition | None] = field(default_factory=dict)
    validators: dict[MemberId, ValidatorRecord | None] = field(default_factory=dict)
    validator_keys: dict[MemberKey, ValidatorKeyRecord] = field(default_factory=dict)
    protocols: dict[ProtocolVersion, ProtocolRecord | None] = field(default_factory=dict)
    anchors: dict[AnchorKey, EntryId] = field(default_factory=dict)
    lots: dict[LotId, LotRecord] = field(default_factory=dict)
    spent: dict[LotId, Hash32] = field(default_factory=dict)
    tags: dict[Tag, Hash32] = field(default_factory=dict)
    owner_keys: dict[OneTimeKey, LotId] = field(default_factory=dict)
    makings: dict[Hash32, Making] = field(default_factory=dict)
    offers: dict[EntryId, OfferRecord] = field(default_factory=dict)
    reserved_tags: dict[Tag, EntryId | None] = field(default_factory=dict)
    reserved_lots: dict[LotId, EntryId | None] = field(default_factory=dict)
    reserved_keys: dict[OneTimeKey, EntryId | None] = field(default_factory=dict)
    grants: dict[GrantKey, GrantRecord | None] = field(default_factory=dict)
    recalls: dict[LotId, RecallRecord | None] = field(default_factory=dict)
    flags: dict[LotId, Flag | None] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Add the change of the next entry."""
        self.constants = change.constants or self.constants
        self.acts += change.acts
        if change.adopted:
            self.adopted.append(_stored_tables(change.adopted))
        for entry, record in change.accepted.items():
            self.accepted.append(StoredEntry(entry, record.time, record.kind))
        for name in _MAPPINGS if change.touches_material else _REGISTRY:
            changed = getattr(change, name)
            if changed:
                getattr(self, name).update(changed)

    def __len__(self) -> int:
        """Return how many entries the changes are of."""
        return len(self.accepted)

    def add_part(self, part: StatePart) -> None:
        """Add the changes of the next stretch of entries."""
        self.constants = part.constants or self.constants
        self.acts += part.acts
        self.adopted += part.adopted
        self.accepted += part.accepted
        for name in _MAPPINGS:
            getattr(self, name).update(getattr(part, name))

    def part(self) -> StatePart:
        """Return everything added so far as one part."""
        mappings = {name: tuple(getattr(self, name).items()) for name in _MAPPINGS}
        return StatePart(
            first=self.first,
            accepted=tuple(self.accepted),
            constants=self.constants,
            acts=self.acts,
            adopted=tuple(self.adopted),
            **mappings,
        )


_MAPPINGS = tuple(
    found.name
    for found in fields(Gathered)
    if found.name not in {"first", "accepted", "constants", "acts", "adopted"}
)
_REGISTRY = (
    "members",
    "sites",
    "recognitions",
    "validators",
    "validator_keys",
    "protocols",
    "anchors",
)
"""Those of the mappings that do not make a change touch material."""


def commit_part(state: State, part: StatePart) -> None:
    """Take a part in; nothing is checked but that it continues the state.

    Raises:
        PartOutOfPlace: it begins elsewhere; the state is then as it was.
    """
    if part.first != state.size:
        raise PartOutOfPlace(state.size, part.first)
    for tables in part.adopted:
        state.commit(Change(adopted=_adopted(tables)))
    accepted = {
        stored.entry: EntryRecord(index, stored.time, stored.kind)
        for index, stored in enumerate(part.accepted, part.first)
    }
    state.commit(
        Change(
            accepted=accepted,
            constants=part.constants,
            acts=part.acts,
            members=dict(part.members),
            sites=dict(part.sites),
            recognitions=dict(part.recognitions),
            validators=dict(part.validators),
            validator_keys=dict(part.validator_keys),
            protocols=dict(part.protocols),
            anchors=dict(part.anchors),
            lots=dict(part.lots),
            spent=dict(part.spent),
            tags=dict(part.tags),
            owner_keys=dict(part.owner_keys),
            makings=dict(part.makings),
            offers=dict(part.offers),
            reserved_tags=dict(part.reserved_tags),
            reserved_lots=dict(part.reserved_lots),
            reserved_keys=dict(part.reserved_keys),
            grants=dict(part.grants),
            recalls=dict(part.recalls),
            flags=dict(part.flags),
        )
    )
    if part.accepted:
        state.time = part.accepted[-1].time


def _stored_tables(adopted: Adopted) -> StoredTables:
    return StoredTables(
        adopted.forms, adopted.standards, adopted.allocations, tuple(adopted.recipes.items())
    )


def _adopted(tables: StoredTables) -> Adopted:
    return Adopted(tables.forms, tables.standards, tables.allocations, dict(tables.recipes))


def read_part(data: bytes) -> StatePart:
    """Read a part from bytes that this program wrote itself.

    Not checked: that the encoding is the canonical one. The caller compares the digest of the bytes
    first; reading a part is what opening a large ledger spends its time on.

    Raises:
        PartNotRead: the bytes are no part.
    """
    try:
        plain: object = cbor2.loads(data)
        return msgspec.convert(plain, StatePart, strict=True, builtin_types=(bytes,))
    except (cbor2.CBORDecodeError, msgspec.ValidationError) as error:
        raise PartNotRead(str(error)) from error
