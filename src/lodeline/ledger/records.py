"""What the state remembers of each thing: wire structures, so that each has one digest.

Records are immutable. A change of state replaces a record by another one.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from lodeline.custody.forms import FormClass
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.kernel.ids import (
    ChainId,
    ElementSymbol,
    Hash32,
    LotId,
    MemberId,
    MemberKey,
    OneTimeKey,
    RecipeDigest,
    Role,
    SiteId,
    StandardName,
    Tag,
)
from lodeline.kernel.time import BlockTime, Period, month_of, quarter_of
from lodeline.ledger.entries import EntryId, Genesis, Member, Status
from lodeline.proofs.body import TransformBody

__all__ = [
    "AUDITOR",
    "AUTHORITY",
    "UMPIRE",
    "ActCount",
    "Constants",
    "EntryRecord",
    "GrantKey",
    "GrantRecord",
    "LotRecord",
    "Making",
    "MakingKind",
    "MemberRecord",
    "OfferRecord",
    "OfferStatus",
    "ProtocolRecord",
    "RecallRecord",
    "RecipeRecord",
    "Recognition",
    "RecognitionKey",
    "ValidatorKeyRecord",
    "ValidatorRecord",
]

AUDITOR = Role("auditor")
AUTHORITY = Role("authority")
UMPIRE = Role("umpire")


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every record: frozen, closed."""


class Constants(_Record, frozen=True):
    """What the genesis fixes for good."""

    chain: ChainId
    version: int
    genesis: EntryId
    threshold: int
    grace_seconds: int
    credit_period: str
    elements: tuple[ElementSymbol, ...]
    synthetic: bool
    """Whether every lot is a demonstration's invention, so that its story may have days."""

    @classmethod
    def of(cls, genesis: Genesis, genesis_id: EntryId) -> Constants:
        """Return the constants of a genesis."""
        return cls(
            genesis.chain,
            genesis.version,
            genesis_id,
            genesis.threshold,
            genesis.grace_seconds,
            genesis.credit_period,
            genesis.elements,
            genesis.synthetic,
        )

    def votes_needed(self, voters: int) -> int:
        """Return how many members must sign a vote while ``voters`` active members have a vote.

        The threshold of the genesis, and more than half: a number that was most of the founders
        must not become a minority that rules, as members join.
        """
        return max(self.threshold, voters // 2 + 1)

    def right_period(self, moment: BlockTime) -> Period:
        """Return the period that a right granted at a block time is for: its calendar month."""
        return month_of(moment)

    def right_expiry(self, moment: BlockTime) -> BlockTime:
        """Return the last block time at which a right granted at ``moment`` can be used.

        The end of its month and the reporting grace, so that the last day's ore can be reported.
        """
        return BlockTime(self.right_period(moment).end - 1 + self.grace_seconds)

    def credit_expiry(self, moment: BlockTime) -> BlockTime:
        """Return the last block time of a credit deposited at ``moment``: the end of its period.

        A mass-balance account has no reporting grace: what is not taken up by then is carried or
        lost.
        """
        return BlockTime(self._credit_period(moment).end - 1)

    def carried_expiry(self, expires: BlockTime) -> BlockTime:
        """Return the last block time of a credit carried on from one that ends at ``expires``."""
        return BlockTime(self._credit_period(BlockTime(expires + 1)).end - 1)

    def _credit_period(self, moment: BlockTime) -> Period:
        return month_of(moment) if self.credit_period == "month" else quarter_of(moment)


class EntryRecord(_Record, frozen=True):
    """An accepted entry: where and when."""

    index: int
    """Leaf index in the log."""
    time: BlockTime
    kind: str
    """The entry's tag: ``transform``, ``govern``, …"""


class ActCount(_Record, frozen=True):
    """How many votes of the members there have been; in the state map, so none can be hidden."""

    count: int


class MemberRecord(_Record, frozen=True):
    """A member with its standing."""

    member: Member
    status: Status
    rotations: int
    """How often the member has replaced its key."""

    @property
    def is_active(self) -> bool:
        """Return whether the member may act."""
        return self.status is Status.ACTIVE

    @property
    def votes(self) -> bool:
        """Return whether the member counts for governance now."""
        return self.is_active and self.member.votes

    def has_role(self, role: Role) -> bool:
        """Return whether the member may act in a role."""
        return role in self.member.roles


class RecognitionKey(_Record, frozen=True):
    """Who is recognised for what; exactly one of standard and right is there."""

    member: MemberId
    standard: StandardName | None
    right: str | None


class Recognition(_Record, frozen=True):
    """A recognition in force."""

    until: BlockTime
    """Last block time at which it holds."""


class ValidatorRecord(_Record, frozen=True):
    """A member's validator as the members last set it; every validator has the power 1."""

    consensus_key: MemberKey
    checkpoint_key: MemberKey
    address: str


class ValidatorKeyRecord(_Record, frozen=True):
    """Whose validator first used a key; it stays when the key is no longer in use."""

    member: MemberId


class ProtocolRecord(_Record, frozen=True):
    """A version of the protocol that the members require."""

    at: BlockTime
    """First block time at which the ledger follows it."""
    release: str
    """Which release knows it, in the members' words."""


class RecipeRecord(_Record, frozen=True):
    """An adopted recipe."""

    recipe: Recipe
    retired: bool


class MakingKind(Enum):
    """What brought lots into being."""

    TRANSFORM = "transform"
    REVERSAL = "reversal"
    REGRANT = "regrant"


class Making(_Record, frozen=True):
    """One event that used lots up and made others; the edges of the lot graph."""

    kind: MakingKind
    entry: EntryId
    index: int
    """Leaf index of the entry that put it into effect (of a sale: the acceptance)."""
    time: BlockTime
    inputs: tuple[LotId, ...]
    """Lots used up; of a reversal the outputs of what it reverses."""
    outputs: tuple[LotId, ...]
    recipe: RecipeDigest | None
    family: str
    """Of a transform; empty otherwise."""
    site: SiteId | None
    site_signed: bool
    signers: tuple[MemberId, ...]
    reversed_by: Hash32 | None
    corrections: tuple[Hash32, ...]
    """Ids of the corrective transforms that name this one."""


class LotRecord(_Record, frozen=True):
    """A lot that exists or existed."""

    lot: LotPublic
    maker: Hash32
    """Id of the making: a transform, reversal or re-grant."""
    output: int
    """Index among the outputs of its making."""
    carried: bool
    """Whether the credit in it was carried on once and cannot be again."""
    equals: LotId | None
    """Of a restored or re-granted lot: the lot that it equals, whose past is its own."""


class OfferStatus(Enum):
    """How an offer stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """Past its deadline, and a lot of it was given again under a new key."""


class OfferRecord(_Record, frozen=True):
    """An offer with the sale that its acceptance puts into effect."""

    body: TransformBody
    deadline: BlockTime
    status: OfferStatus

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the tags that the offer reserves while it is open."""
        return tuple(spent.tag for spent in self.body.inputs)

    @property
    def buyer_keys(self) -> tuple[OneTimeKey, ...]:
        """Return the owner keys of the sale's outputs; reserved while the offer is open."""
        return tuple(lot.owner for lot in self.body.outputs)


class GrantKey(_Record, frozen=True, order=True):
    """What there is one grant of: site, element, right or standard, period."""

    site: SiteId
    element: ElementSymbol
    right: str
    """Class of the form: licence, intake, quota or assurance."""
    standard: str
    """Of an assurance; empty otherwise."""
    period: BlockTime
    """First second of the period."""

    @property
    def form_class(self) -> FormClass:
        """Return the class of the form that the grant is of."""
        return FormClass(self.right)


class GrantRecord(_Record, frozen=True):
    """The grant in force under a key; public, so that everybody can list who granted what."""

    transform: Hash32
    lot: LotId
    grantor: MemberId
    replaced: LotId | None


class RecallRecord(_Record, frozen=True):
    """A recall in force, under the lot that it names."""

    entry: EntryId
    member: MemberId
    reason: Hash32
