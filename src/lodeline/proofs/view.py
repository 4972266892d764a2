"""What a statement is compiled from: public values only, the same for prover and verifier."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lodeline.custody.claims import ClaimName
from lodeline.custody.expansion import ExpandedRecipe, PlainBalance, expand
from lodeline.custody.forms import Form, FormClass, FormTable
from lodeline.custody.lots import LotPublic, Slot, SlotKind, slots
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import StandardTable
from lodeline.custody.strands import Strand
from lodeline.kernel.ids import ChainId, SiteId
from lodeline.proofs.body import TransformBody
from lodeline.proofs.relations import LinearForm, Ref, Side

__all__ = [
    "LotView",
    "TransformView",
    "bits_for",
    "product_number",
    "site_number",
]

_NUMBER_BYTES = 31


def site_number(chain: ChainId, site: SiteId) -> int:
    """Return the number that a commitment to a site holds: 248 bits of SHA-256."""
    return _number(b"site", chain, site)


def product_number(chain: ChainId, identifier: str) -> int:
    """Return the number that a commitment to a product identifier holds."""
    return _number(b"product", chain, identifier)


def _number(kind: bytes, chain: str, text: str) -> int:
    framed = b"".join(
        len(part).to_bytes(4, "big") + part for part in (kind, chain.encode(), text.encode())
    )
    digest = hashlib.sha256(b"lodeline/v1/number" + framed).digest()
    return int.from_bytes(digest[:_NUMBER_BYTES], "big")


def bits_for(largest: int) -> int:
    """Return the width that holds every number from 0 to ``largest``, at least one bit."""
    return max(1, largest.bit_length())


@dataclass(frozen=True)
class LotView:
    """One lot of a transform with its form, and the names of its committed numbers."""

    side: Side
    index: int
    lot: LotPublic
    form: Form

    @cached_property
    def numbers(self) -> tuple[tuple[Slot, Ref], ...]:
        """Every committed number of the lot with the name that relations use."""
        return tuple((slot, Ref(self.side, self.index, slot)) for slot, _ in slots(self.lot))

    @cached_property
    def strands(self) -> frozenset[Strand]:
        """The strands that the lot has."""
        return frozenset(Strand.parse(item.strand) for item in self.lot.strands)

    @property
    def is_material(self) -> bool:
        """Return whether the lot carries emissions: anything but rights, credits, assurance."""
        return not self.form.form_class.is_right

    def width(self, strand: Strand) -> int:
        """Return the form's width in bits for a strand that the lot has."""
        return self.form.width(strand.name) or 0

    @cached_property
    def _refs(self) -> dict[Slot, Ref]:
        return dict(self.numbers)

    def amount(self, strand: Strand) -> Ref:
        """Return the name of the strand's amount; the lot has the strand."""
        return self._refs[Slot(SlotKind.AMOUNT, strand)]

    def claims(self) -> Iterator[tuple[Strand, ClaimName, Ref]]:
        """Yield every claim that the lot bears, with its name for relations."""
        for slot, ref in self.numbers:
            if slot.kind is SlotKind.CLAIM and slot.strand is not None and slot.claim is not None:
                yield slot.strand, slot.claim, ref

    def number(self, kind: SlotKind) -> Ref:
        """Return the name of the lot's emissions, primary emissions, site or product."""
        return self._refs[Slot(kind)]


@dataclass(frozen=True)
class TransformView:
    """A transform's body together with the lots and tables that it refers to."""

    recipe: Recipe
    forms: FormTable
    standards: StandardTable
    body: TransformBody
    spent: tuple[LotPublic, ...]
    """The input lots as the ledger has them, in the order of the body's inputs."""

    @cached_property
    def expanded(self) -> ExpandedRecipe:
        """The recipe with its wildcard replaced."""
        return expand(self.recipe)

    @cached_property
    def inputs(self) -> tuple[LotView, ...]:
        """The input lots.

        Raises:
            UnknownForm: a lot's form is not in the table.
        """
        return self._views(Side.INPUT, self.spent)

    @cached_property
    def outputs(self) -> tuple[LotView, ...]:
        """The output lots.

        Raises:
            UnknownForm: a lot's form is not in the table.
        """
        return self._views(Side.OUTPUT, self.body.outputs)

    def _views(self, side: Side, lots: tuple[LotPublic, ...]) -> tuple[LotView, ...]:
        return tuple(
            LotView(side, index, lot, self.forms[lot.form]) for index, lot in enumerate(lots)
        )

    def amounts(self, lots: tuple[LotView, ...], strands: tuple[Strand, ...]) -> LinearForm:
        """Return the sum of amounts of some strands over some lots."""
        return LinearForm.total(
            lot.amount(strand) for lot in lots for strand in strands if strand in lot.strands
        )

    def largest(self, lots: tuple[LotView, ...], strands: tuple[Strand, ...]) -> int:
        """Return the greatest value that :meth:`amounts` can have by the forms' widths."""
        return sum(
            (1 << lot.width(strand)) - 1
            for lot in lots
            for strand in strands
            if strand in lot.strands
        )

    def balance_giving(self, strand: Strand) -> PlainBalance | None:
        """Return the balance whose right side has the strand."""
        for balance in self.expanded.balances:
            if strand in balance.right:
                return balance
        return None

    @cached_property
    def material_outputs(self) -> tuple[LotView, ...]:
        """Outputs that carry emissions."""
        return tuple(lot for lot in self.outputs if lot.is_material)

    @cached_property
    def emitting_inputs(self) -> tuple[LotView, ...]:
        """Inputs whose emissions are inherited; a retired product's first life bore its own."""
        return tuple(
            lot
            for lot in self.inputs
            if lot.is_material and lot.form.form_class is not FormClass.PRODUCT
        )
