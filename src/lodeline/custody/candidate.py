"""A recipe that asks to be adopted, with the tables that judge it (protocol.md §4).

The checks themselves stand in `check_ports`, `check_balances`, `check_claims` and `check_weights`;
`static_check` runs them in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lodeline.custody.allocation import AllocationTables
from lodeline.custody.expansion import ExpandedRecipe, expand
from lodeline.custody.forms import Form, FormClass, FormTable
from lodeline.custody.recipes import ANY_FORM, Port, Recipe
from lodeline.custody.standards import StandardTable
from lodeline.custody.strands import Strand
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import FormName, RecipeName

__all__ = ["ANY_FORM_CLASSES", "Candidate", "RecipeRefused", "strands_of"]

ANY_FORM_CLASSES = frozenset({FormClass.MATERIAL, FormClass.RESIDUE, FormClass.SCRAP})
"""What a port for any form takes: material that is no product and no right."""


class RecipeRefused(LodelineError):
    """A recipe that cannot be adopted, however many vote for it."""

    recipe: RecipeName


@dataclass(frozen=True)
class Candidate:
    """A recipe under examination and everything that its rules refer to."""

    recipe: Recipe
    forms: FormTable
    standards: StandardTable
    tables: AllocationTables
    adopted: tuple[Recipe, ...]
    """Recipes in force beside it; an earlier version of the same recipe is not counted."""

    @property
    def name(self) -> RecipeName:
        """The recipe's name, for a refusal."""
        return self.recipe.name

    @cached_property
    def expanded(self) -> ExpandedRecipe:
        """The recipe with its wildcards replaced."""
        return expand(self.recipe)

    @cached_property
    def inputs(self) -> tuple[Form, ...]:
        """Every form that may enter.

        Raises:
            UnknownForm: a port names a form that is not in the table.
        """
        return tuple(self.forms_of(self.recipe.inputs))

    @cached_property
    def outputs(self) -> tuple[Form, ...]:
        """Every form that may leave.

        Raises:
            UnknownForm: a port names a form that is not in the table.
        """
        return tuple(self.forms_of(self.recipe.outputs))

    def forms_of(self, ports: tuple[Port, ...]) -> Iterator[Form]:
        """Yield each form that some ports let through, once; any form means every such form."""
        seen: set[FormName] = set()
        for port in ports:
            for name in port.forms:
                chosen = self._any_form() if name == ANY_FORM else (self.forms[name],)
                for form in chosen:
                    if form.name not in seen:
                        seen.add(form.name)
                        yield form

    def _any_form(self) -> tuple[Form, ...]:
        return tuple(form for form in self.forms.all() if form.form_class in ANY_FORM_CLASSES)

    def others(self) -> tuple[Recipe, ...]:
        """Return the adopted recipes that stay beside this one."""
        return tuple(item for item in self.adopted if item.name != self.recipe.name)


def strands_of(form: Form) -> tuple[Strand, ...]:
    """Return the strands of a form that have an amount."""
    strands = (Strand.parse(item.strand) for item in form.strands)
    return tuple(strand for strand in strands if strand.has_amount)
