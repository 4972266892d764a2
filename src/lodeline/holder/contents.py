"""What a lot holds, in plain numbers: the opening read with the lot's slots.

The vault keeps openings, the planner reasons about contents. Nothing here is committed or proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lodeline.custody.claims import ClaimName
from lodeline.custody.lots import LotOpening, LotPublic, SlotKind, slots
from lodeline.custody.strands import Kind, Strand
from lodeline.kernel.ids import FormName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import GramsCO2e, Milligrams

__all__ = ["ClaimKey", "Contents", "contents_of", "total_amount"]

ClaimKey = tuple[Strand, ClaimName]
"""Which strand bears which claim."""


@dataclass(frozen=True)
class Contents:
    """The numbers of one lot."""

    form: FormName
    amounts: Mapping[Strand, Milligrams]
    """Milligrams of every strand that has an amount."""
    claims: Mapping[ClaimKey, Milligrams] = field(default_factory=dict)
    """Milligrams that bear each claim, on strands with and without an amount."""
    emissions: GramsCO2e | None = None
    """Inherited grams of CO2e; nothing on rights."""
    primary: GramsCO2e | None = None
    """How much of them rests on primary data."""
    expires: BlockTime | None = None
    site_number: int | None = None
    product_number: int | None = None

    @property
    def strands(self) -> frozenset[Strand]:
        """Return every strand of the lot, with and without an amount."""
        return frozenset(self.amounts) | {strand for strand, _ in self.claims}

    @property
    def metals(self) -> tuple[Strand, ...]:
        """Return the metal strands in order."""
        return tuple(sorted(s for s in self.amounts if s.kind is Kind.METAL))

    def amount(self, strand: Strand) -> Milligrams:
        """Return the milligrams of a strand; zero where the lot has none."""
        return self.amounts.get(strand, Milligrams(0))


def contents_of(lot: LotPublic, opening: LotOpening) -> Contents:
    """Return what an opening says that a lot holds.

    Not checked: that it opens the commitments (see ``notes.check_opening``).
    """
    amounts: dict[Strand, Milligrams] = {}
    claims: dict[ClaimKey, Milligrams] = {}
    numbers: dict[SlotKind, int] = {}
    for (slot, _), value in zip(slots(lot), opening.values, strict=True):
        if slot.strand is None:
            numbers[slot.kind] = value
        elif slot.claim is None:
            amounts[slot.strand] = Milligrams(value)
        else:
            claims[slot.strand, slot.claim] = Milligrams(value)
    emissions, primary = numbers.get(SlotKind.EMISSIONS), numbers.get(SlotKind.PRIMARY)
    return Contents(
        form=FormName(lot.form),
        amounts=amounts,
        claims=claims,
        emissions=None if emissions is None else GramsCO2e(emissions),
        primary=None if primary is None else GramsCO2e(primary),
        expires=lot.expiry,
        site_number=numbers.get(SlotKind.SITE),
        product_number=numbers.get(SlotKind.PRODUCT),
    )


def total_amount(lots: Iterable[Contents], strands: Iterable[Strand]) -> Milligrams:
    """Return the milligrams of some strands over some lots."""
    wanted = tuple(strands)
    return Milligrams(sum(lot.amount(strand) for lot in lots for strand in wanted))
