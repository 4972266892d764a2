"""Allocation tables: how much of a step's emissions each milligram of an output bears.

One dated table holds every weight (rule 9 of adoption): a recipe states the weights it uses, and
they must be the table's. Otherwise each recipe could load the emissions onto whatever it throws
away. Weights are relative within one step; 1,000,000 is the heaviest.
"""

from __future__ import annotations

import msgspec

from lodeline.custody.recipes import ANY_FORM, WILDCARD, Weight
from lodeline.custody.strands import Strand
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, StrandName
from lodeline.kernel.time import BlockTime
from lodeline.kernel.units import Ppm

__all__ = ["AllocationTable", "AllocationTables", "UnknownAllocation"]


class UnknownAllocation(LodelineError):
    """An allocation table that the consortium has not."""

    table: str

    code = "unknown-allocation-table"
    en = "“{table}” is not an allocation table of this consortium"
    fr = "« {table} » n'est pas une table d'allocation de ce consortium"
    advice_en = "name a table that has been adopted"
    advice_fr = "nommez une table qui a été adoptée"


class AllocationTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights of one dated table.

    A weight may name the form `*` (any form) and the strand `X` (any metal); the most precise
    entry counts: form and metal, then form, then metal, then neither.
    """

    name: str
    title_en: str
    title_fr: str
    valid_from: int
    """Block time from which recipes may use it."""
    valid_to: int | None
    """Last block time at which recipes may use it."""
    weights: tuple[Weight, ...]
    source: str

    def weight(self, form: FormName, strand: StrandName) -> Ppm | None:
        """Return the weight of a strand in outputs of a form, or nothing if the table is silent."""
        found = {(item.form, item.strand): item.weight_ppm for item in self.weights}
        anything = StrandName(WILDCARD)
        kinds = [strand]
        if Strand.parse(strand).kind is Strand.parse(anything).kind:
            kinds.append(anything)
        for named_form in (form, ANY_FORM):
            for named_strand in kinds:
                if (named_form, named_strand) in found:
                    return Ppm(found[named_form, named_strand])
        return None

    def holds_at(self, moment: BlockTime) -> bool:
        """Return whether recipes may use the table at a block time."""
        return self.valid_from <= moment and (self.valid_to is None or moment <= self.valid_to)


class AllocationTables:
    """The consortium's allocation tables by name."""

    def __init__(self, tables: tuple[AllocationTable, ...]) -> None:
        self._tables = {table.name: table for table in tables}

    def __getitem__(self, name: str) -> AllocationTable:
        """Return a table.

        Raises:
            UnknownAllocation: there is none of this name.
        """
        try:
            return self._tables[name]
        except KeyError:
            raise UnknownAllocation(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def all(self) -> tuple[AllocationTable, ...]:
        """Return every table in the order of adoption."""
        return tuple(self._tables.values())
