"""The tables that are shipped with the package, as acts by which a consortium adopts them.

Forms, standards, allocation tables and recipes are the consortium's own data: adopting the shipped
ones is a vote like any other, and each recipe is checked at adoption. An act of governance has a
largest size, so the tables are adopted in several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from lodeline.custody.elements import ElementTable
from lodeline.custody.recipes import Recipe
from lodeline.custody.scheme import Scheme
from lodeline.custody.tables import (
    load_allocation,
    load_elements,
    load_forms,
    load_recipes,
    load_scheme,
    load_standards,
)
from lodeline.kernel import cbor
from lodeline.ledger.entries import (
    MAX_ENTRY_BYTES,
    Act,
    AdoptAllocation,
    AdoptForm,
    AdoptRecipe,
    AdoptStandard,
)

__all__ = ["in_parts", "reference_acts", "shipped_elements", "shipped_recipes", "shipped_scheme"]

_ROOM_FOR_SIGNATURES = 12_000
"""Bytes of an act of governance that are left for the most signatures there can be."""


def _shipped(name: str) -> str:
    return resources.files("lodeline.custody").joinpath("data", name).read_text(encoding="utf-8")


def shipped_elements() -> ElementTable:
    """Return the elements that the shipped tables speak of."""
    return load_elements(_shipped("elements.yaml"))


def shipped_scheme() -> Scheme:
    """Return the shipped scheme: roles, reporting grace, length of a balance period."""
    return load_scheme(_shipped("scheme.yaml"))


def shipped_recipes() -> tuple[Recipe, ...]:
    """Return the shipped recipes."""
    return load_recipes(_shipped("recipes.yaml"))


def reference_acts() -> Iterator[Act]:
    """Yield the acts that adopt every shipped table, in an order in which they can be adopted."""
    for form in load_forms(_shipped("forms.yaml")).all():
        yield AdoptForm(form)
    for standard in load_standards(_shipped("standards.yaml")).all():
        yield AdoptStandard(standard)
    for table in load_allocation(_shipped("allocation.yaml")).all():
        yield AdoptAllocation(table)
    for recipe in shipped_recipes():
        yield AdoptRecipe(recipe)


def in_parts(acts: Iterable[Act]) -> Iterator[tuple[Act, ...]]:
    """Yield acts in order, as many together as fit into one entry."""
    part: list[Act] = []
    size = 0
    for act in acts:
        more = len(cbor.encode_struct(act))
        if part and size + more > MAX_ENTRY_BYTES - _ROOM_FOR_SIGNATURES:
            yield tuple(part)
            part, size = [], 0
        part.append(act)
        size += more
    if part:
        yield tuple(part)
