"""Statements as data: relations over committed numbers, the same for every recipe.

A statement says, about commitments that both sides know, that certain linear forms of the
committed numbers are zero (:class:`Zero`), lie in a range (:class:`InRange`), or that a number
newly committed by the prover is a difference of two products (:class:`Product`). The compiler
makes it from public values alone, prover and verifier run the same compiler, and so the statement
is never sent.

Symbols of ``docs/protocol`` and names here:

=========  ====================================================================
``V``      a commitment ``v·g + r·h``, named by a :class:`Ref`
``a``      an opened total: a linear form whose value and blinding the prover knows
``D``      ``Product.difference``, ``a_x·V_y − a_z·V_w + δ·h``
=========  ====================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property

from lodeline.custody.lots import Slot

__all__ = [
    "ZERO_FORM",
    "InRange",
    "LinearForm",
    "Place",
    "Product",
    "Ref",
    "Rule",
    "RuleNumber",
    "Side",
    "Statement",
    "Zero",
]


class Side(Enum):
    """Where a committed number stands."""

    INPUT = "input"
    OUTPUT = "output"
    PROCESS = "process"
    """Index 0: emissions of the step; index 1: their primary part."""
    PRODUCT = "product"
    """A difference of products that the prover commits to inside the proof."""


@dataclass(frozen=True)
class Ref:
    """The name of one commitment: side, lot (or product) index, slot of the lot."""

    side: Side
    index: int
    slot: Slot | None = None

    @cached_property
    def _hash(self) -> int:
        return hash((self.side.value, self.index, self.slot))

    def __hash__(self) -> int:
        """Return the hash, computed once: names are looked up many times in one proof."""
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        """Leave the cached hash behind: it holds in one process only."""
        return Ref, (self.side, self.index, self.slot)

    def __str__(self) -> str:
        return f"{self.side.value} {self.index}" + (f" {self.slot}" if self.slot else "")


@dataclass(frozen=True)
class LinearForm:
    """``constant + Σ coefficient·number``, over integers.

    Coefficients are at most 2**80 in size; each compiler states the width of what comes out.
    """

    terms: tuple[tuple[Ref, int], ...] = ()
    constant: int = 0

    def __add__(self, other: LinearForm) -> LinearForm:
        merged: dict[Ref, int] = dict(self.terms)
        for ref, coefficient in other.terms:
            merged[ref] = merged.get(ref, 0) + coefficient
        kept = tuple((ref, value) for ref, value in merged.items() if value)
        return LinearForm(kept, self.constant + other.constant)

    def __mul__(self, factor: int) -> LinearForm:
        if factor == 0:
            return ZERO_FORM
        terms = tuple((ref, value * factor) for ref, value in self.terms)
        return LinearForm(terms, self.constant * factor)

    __rmul__ = __mul__

    def __neg__(self) -> LinearForm:
        return self * -1

    def __sub__(self, other: LinearForm) -> LinearForm:
        return self + (-other)

    def __bool__(self) -> bool:
        return bool(self.terms) or self.constant != 0

    @classmethod
    def of(cls, ref: Ref) -> LinearForm:
        """Return the form that is one committed number."""
        return cls(((ref, 1),))

    @classmethod
    def total(cls, refs: Iterable[Ref]) -> LinearForm:
        """Return the sum of committed numbers."""
        form = ZERO_FORM
        for ref in refs:
            form = form + cls.of(ref)
        return form


ZERO_FORM = LinearForm()


class RuleNumber(IntEnum):
    """The relations of protocol.md §5 by number."""

    T1_SPENDER = 1
    T2_NOTHING_CREATED = 2
    T3_RECOVERY = 3
    T4_CLAIMS = 4
    T5_RANGES = 5
    T6_EMISSIONS = 6
    T7_CUSTODY_MODEL = 7
    T8_PROPORTIONS = 8
    T9_SITE = 9
    T10_RATIOS = 10
    CLAIM_PROOF = 11
    """A relation of a claim proof (protocol.md §5, last paragraph)."""


@dataclass(frozen=True)
class Place:
    """Where in the transform a relation comes from; for messages and for the fixed order."""

    balance: int = -1
    claim: str = ""
    output: int = -1
    detail: str = ""


@dataclass(frozen=True)
class Rule:
    """The relation's number with the place it applies to."""

    number: RuleNumber
    place: Place = Place()

    def sort_key(self) -> tuple[int, int, str, int]:
        """Return the fixed order: T-number, balance, claim, output."""
        return (self.number, self.place.balance, self.place.claim, self.place.output)

    def __str__(self) -> str:
        parts = [f"T{int(self.number)}"]
        if self.place.detail:
            parts.append(self.place.detail)
        if self.place.claim:
            parts.append(self.place.claim)
        if self.place.output >= 0:
            parts.append(f"output {self.place.output}")
        return " ".join(parts)


@dataclass(frozen=True)
class Zero:
    """The form's value is zero (proved as: its commitment is a multiple of ``h``)."""

    rule: Rule
    form: LinearForm


@dataclass(frozen=True)
class InRange:
    """The form's value is at least 0 and below ``2**bits``."""

    rule: Rule
    form: LinearForm
    bits: int


@dataclass(frozen=True)
class Product:
    """The prover's commitment ``D`` holds ``totals[x]·y − totals[z]·w``.

    ``x`` and ``z`` index :attr:`Statement.totals`; ``y`` and ``w`` are forms without constant.
    """

    rule: Rule
    x: int
    y: LinearForm
    z: int
    w: LinearForm


@dataclass(frozen=True)
class Statement:
    """Everything that one proof shows, in the fixed order."""

    spent: int
    """Number of inputs whose owner keys and tags are proved (T1)."""
    zeros: tuple[Zero, ...]
    totals: tuple[LinearForm, ...]
    """Forms that are opened once and used as factors of products."""
    products: tuple[Product, ...]
    ranges: tuple[InRange, ...]

    @property
    def range_bits(self) -> int:
        """Return the sum of the widths of all ranges."""
        return sum(item.bits for item in self.ranges)
