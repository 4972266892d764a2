"""The packaged tables, read once, and ways to change a recipe for a test."""

import functools
from importlib import resources

import msgspec

from lodeline.custody.allocation import AllocationTables
from lodeline.custody.elements import ElementTable
from lodeline.custody.forms import FormTable
from lodeline.custody.quotas import QuotaBook
from lodeline.custody.recipes import Balance, Port, Recipe
from lodeline.custody.scheme import Scheme
from lodeline.custody.standards import StandardTable
from lodeline.custody.static_check import check_recipe
from lodeline.custody.tables import (
    load_allocation,
    load_elements,
    load_forms,
    load_quotas,
    load_recipes,
    load_scheme,
    load_standards,
)
from lodeline.kernel.ids import FormName, StrandName

TABLES = ("elements", "forms", "standards", "allocation", "quotas", "scheme", "recipes")


def text(table: str) -> str:
    file = resources.files("lodeline.custody") / "data" / f"{table}.yaml"
    return file.read_text(encoding="utf-8")


@functools.cache
def elements() -> ElementTable:
    return load_elements(text("elements"))


@functools.cache
def forms() -> FormTable:
    return load_forms(text("forms"))


@functools.cache
def standards() -> StandardTable:
    return load_standards(text("standards"))


@functools.cache
def allocation() -> AllocationTables:
    return load_allocation(text("allocation"))


@functools.cache
def quotas() -> QuotaBook:
    return load_quotas(text("quotas"))


@functools.cache
def scheme() -> Scheme:
    return load_scheme(text("scheme"))


@functools.cache
def recipes() -> tuple[Recipe, ...]:
    return load_recipes(text("recipes"))


def recipe(name: str) -> Recipe:
    return next(item for item in recipes() if item.name == name)


def adopt(candidate: Recipe) -> None:
    """Check a recipe beside all the packaged ones."""
    check_recipe(candidate, forms(), standards(), allocation(), recipes())


def changed(name: str, /, **fields: object) -> Recipe:
    """Return a packaged recipe with some fields replaced."""
    return msgspec.structs.replace(recipe(name), **fields)


def balance(
    left: str,
    right: str,
    counts: str = "",
    *,
    recovery: int = 0,
    tolerance: int = 0,
) -> Balance:
    """Return a balance from strands separated by spaces."""
    return Balance(strands(left), strands(right), strands(counts), recovery, tolerance)


def strands(names: str) -> tuple[StrandName, ...]:
    return tuple(StrandName(name) for name in names.split())


def port(names: str, at_least: int = 0, at_most: int = 1) -> Port:
    return Port(tuple(FormName(name) for name in names.split()), at_least, at_most)


def with_balance(name: str, index: int, new: Balance) -> Recipe:
    """Return a packaged recipe with one written balance replaced, or one more at its end."""
    balances = list(recipe(name).balances)
    balances[index : index + 1] = [new]
    return changed(name, balances=tuple(balances))
