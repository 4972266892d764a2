"""The consortium's tables as they stand: forms, standards, allocation tables, recipes.

An immutable value: an adoption gives another one. Its digest covers everything adopted so far in
the order of adoption, and is part of the key of every verdict on a proof, because a proof is
verified under these tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from lodeline.custody.allocation import AllocationTable, AllocationTables
from lodeline.custody.forms import Form, FormTable
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard, StandardTable
from lodeline.kernel import cbor
from lodeline.kernel.ids import Hash32, RecipeDigest, StandardName
from lodeline.ledger.records import RecipeRecord

__all__ = ["NOTHING_ADOPTED", "NO_TABLES", "Adopted", "Tables"]

_DOMAIN = b"lodeline/v1/tables\0"


@dataclass(frozen=True)
class Adopted:
    """What one change adds to the tables, in order; a standard may replace its older version."""

    forms: tuple[Form, ...] = ()
    standards: tuple[Standard, ...] = ()
    allocations: tuple[AllocationTable, ...] = ()
    recipes: Mapping[RecipeDigest, RecipeRecord] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.forms or self.standards or self.allocations or self.recipes)


NOTHING_ADOPTED = Adopted()


@dataclass(frozen=True)
class Tables:
    """Everything that recipes and proofs are read with."""

    forms: FormTable = field(default_factory=lambda: FormTable(()))
    standards: StandardTable = field(default_factory=lambda: StandardTable(()))
    allocations: AllocationTables = field(default_factory=lambda: AllocationTables(()))
    recipes: Mapping[RecipeDigest, RecipeRecord] = field(default_factory=dict)
    digest: Hash32 = field(default_factory=lambda: Hash32(hashlib.sha256(_DOMAIN).digest()))

    def recipe(self, digest: RecipeDigest) -> Recipe | None:
        """Return an adopted recipe, retired or not, or nothing."""
        found = self.recipes.get(digest)
        return None if found is None else found.recipe

    def with_adopted(self, new: Adopted) -> Tables:
        """Return the tables with something adopted; not checked: that it may be."""
        if not new:
            return self
        standards = {standard.name: standard for standard in self.standards.all()}
        standards.update({standard.name: standard for standard in new.standards})
        return replace(
            self,
            forms=FormTable((*self.forms.all(), *new.forms)),
            standards=StandardTable(tuple(standards.values())),
            allocations=AllocationTables((*self.allocations.all(), *new.allocations)),
            recipes={**self.recipes, **new.recipes},
            digest=self._chained(new),
        )

    def _chained(self, new: Adopted) -> Hash32:
        digest = self.digest
        items: list[msgspec.Struct] = [
            *new.forms,
            *new.standards,
            *new.allocations,
            *new.recipes.values(),
        ]
        for item in items:
            data = type(item).__name__.encode() + b"\0" + cbor.encode_struct(item)
            digest = Hash32(hashlib.sha256(_DOMAIN + digest + data).digest())
        return digest

    def known_standards(self, names: tuple[StandardName, ...]) -> tuple[Standard, ...]:
        """Return those of the named standards that the table has."""
        return tuple(self.standards[name] for name in names if name in self.standards)


NO_TABLES = Tables()
"""The tables before anything is adopted."""
