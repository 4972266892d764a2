"""Whether a recipe may be adopted: the nine rules of protocol.md §4 and what they rest on.

The check is static: it looks at the recipe and the tables alone, once, before any lot meets it.
What it establishes is that *no* transform under the recipe, whatever its secret numbers, makes
metal, tolerance or a right out of nothing, or a claim stronger than it was. It relies on whoever
checks a transform for three things: a lot's strands stand in the recipe's balances, a grant is one
for its site, element and period, and every number is in its range.

1. custody model, ports, classes of forms, sites, signers, process numbers (`check_ports`)
2. rules 1 to 6: balances (`check_balances`)
3. rules 7 and 8: claims and credits, and that mass balance never leads back (`check_claims`)
4. floors, and rule 9: allocation weights (`check_weights`)

Not checked: whether recoveries, floors and tolerances are realistic (members vote on that), whether
the widest transform fits the limit of range bits, and dates against the clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from lodeline.custody.allocation import AllocationTables
from lodeline.custody.candidate import Candidate, RecipeRefused
from lodeline.custody.check_balances import check_balances
from lodeline.custody.check_claims import check_claims, check_cycles
from lodeline.custody.check_ports import check_custody, check_floors, check_ports
from lodeline.custody.check_weights import check_weights
from lodeline.custody.forms import FormTable
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import StandardTable

__all__ = ["RecipeRefused", "check_recipe"]


def check_recipe(
    recipe: Recipe,
    forms: FormTable,
    standards: StandardTable,
    tables: AllocationTables,
    adopted: Iterable[Recipe] = (),
) -> None:
    """Check that a recipe may be adopted beside those that are in force.

    Args:
        recipe: the recipe as written, with wildcards.
        forms: the consortium's forms, with those adopted by the same vote.
        standards: the consortium's standards.
        tables: the consortium's allocation tables.
        adopted: recipes in force; an earlier version of this recipe may be among them.

    Raises:
        RecipeRefused: one class for each reason, with the strand, balance or form that is wrong.
        UnknownForm: a port names a form that is not in the table.
        UnknownStandard: a claim rule names a standard that is not in the table.
        UnknownAllocation: the recipe names an allocation table that is not there.
        UnknownStrand: a strand's name is none.
    """
    candidate = Candidate(recipe, forms, standards, tables, tuple(adopted))
    check_custody(candidate)  # step 1
    check_ports(candidate)
    check_balances(candidate)  # step 2
    check_claims(candidate)  # step 3
    check_cycles(candidate)
    check_floors(candidate)  # step 4
    check_weights(candidate)
