"""Lots: what stands on the ledger and what its holder keeps (protocol.md §3).

The public side is a table of commitments. Its *slots* have one fixed order, shared by prover,
verifier and vault: for each strand its amount (where it has one) and its claims in the written
order, then emissions, primary emissions, site, product. An opening is one number and one blinding
factor for each slot in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from lodeline.custody.claims import ClaimName
from lodeline.custody.strands import Strand
from lodeline.kernel.ids import (
    SCALAR_BYTES,
    Commitment,
    CommitmentW,
    FormNameW,
    OneTimeKeyW,
    Scalar32W,
    ScalarBytes,
    StrandNameW,
)
from lodeline.kernel.time import BlockTime

__all__ = [
    "ClaimCommitment",
    "LotOpening",
    "LotPublic",
    "Slot",
    "SlotKind",
    "StrandPublic",
    "slots",
]


class SlotKind(Enum):
    """What one committed number of a lot is."""

    AMOUNT = "amount"
    CLAIM = "claim"
    EMISSIONS = "emissions"
    PRIMARY = "primary"
    SITE = "site"
    PRODUCT = "product"


@dataclass(frozen=True)
class Slot:
    """The place of one committed number in a lot; strand and claim where it has them."""

    kind: SlotKind
    strand: Strand | None = None
    claim: ClaimName | None = None

    def __str__(self) -> str:
        parts = [self.kind.value]
        if self.strand is not None:
            parts.append(self.strand.name)
        if self.claim is not None:
            parts.append(self.claim.text)
        return " ".join(parts)


class ClaimCommitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a strand bears a claim, committed."""

    claim: str
    """Written name, ``standard/model``."""
    amount: CommitmentW
    """Commitment to milligrams that bear the claim."""


class StrandPublic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One strand of a lot as everybody sees it."""

    strand: StrandNameW
    amount: CommitmentW | None
    """Commitment to milligrams; none for assurance and credit."""
    claims: tuple[ClaimCommitment, ...]
    """In strictly ascending order of the written claim name."""


class LotPublic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lot as everybody sees it: form, owner key, expiry and commitments."""

    form: FormNameW
    owner: OneTimeKeyW
    """One-time owner key ``K``; a key ever seen before is refused by the ledger."""
    expires: int | None
    """Block time after which the lot cannot be spent (rights and credits)."""
    strands: tuple[StrandPublic, ...]
    """In strictly ascending order of the written strand name."""
    emissions: CommitmentW | None
    """Commitment to inherited grams of CO2e; on material only."""
    primary: CommitmentW | None
    """Commitment to the grams of CO2e that rest on primary data; on material only."""
    site: CommitmentW | None
    """Commitment to the site's number."""
    product: CommitmentW | None
    """Commitment to the product identifier's number; on products only."""

    @property
    def expiry(self) -> BlockTime | None:
        """Return the expiry as block time."""
        return None if self.expires is None else BlockTime(self.expires)


class LotOpening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The secret side of a lot: one number and one blinding factor for each slot, in slot order."""

    numbers: tuple[Scalar32W, ...]
    """Each number as 32 little-endian bytes: site and product numbers need 248 bits."""
    blindings: tuple[Scalar32W, ...]

    @classmethod
    def of(cls, values: Sequence[int], blindings: Sequence[ScalarBytes]) -> LotOpening:
        """Return the opening of plain numbers, none of them negative."""
        numbers = tuple(ScalarBytes(value.to_bytes(SCALAR_BYTES, "little")) for value in values)
        return cls(numbers, tuple(blindings))

    @property
    def values(self) -> tuple[int, ...]:
        """Return milligrams, grams of CO2e, or the number of a site or product, by slot."""
        return tuple(int.from_bytes(number, "little") for number in self.numbers)

    def __repr__(self) -> str:
        return f"LotOpening({len(self.numbers)} slots, secret)"


def slots(lot: LotPublic) -> Iterator[tuple[Slot, Commitment]]:
    """Yield every committed number of a lot with its place, in the one fixed order."""
    for item in lot.strands:
        strand = Strand.parse(item.strand)
        if item.amount is not None:
            yield Slot(SlotKind.AMOUNT, strand), item.amount
        for borne in item.claims:
            claim = ClaimName.parse(borne.claim)
            yield Slot(SlotKind.CLAIM, strand, claim), borne.amount
    for kind, commitment in (
        (SlotKind.EMISSIONS, lot.emissions),
        (SlotKind.PRIMARY, lot.primary),
        (SlotKind.SITE, lot.site),
        (SlotKind.PRODUCT, lot.product),
    ):
        if commitment is not None:
            yield Slot(kind), commitment
