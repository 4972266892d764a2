"""Export quotas as dated facts, with the rule that forfeits what is not used in time.

These are figures of public law for planning and for the authority's grants. What binds on the
ledger is the granted quota lot and its expiry; nothing here is checked by a proof.
"""

from __future__ import annotations

import msgspec

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol
from lodeline.kernel.time import BlockTime, Period, month_of
from lodeline.kernel.units import Milligrams

__all__ = [
    "ForfeitureRule",
    "QuotaBook",
    "QuotaFact",
    "QuotaOutsideMonth",
    "monthly_volumes",
]


class QuotaOutsideMonth(LodelineError):
    """A month that a quota does not cover."""

    quota: str
    month: str

    code = "quota-outside-month"
    en = "the quota {quota} has no volume for {month}"
    fr = "le quota {quota} n'a pas de volume pour {month}"
    advice_en = "choose a month within the quota's period"
    advice_fr = "choisissez un mois dans la période du quota"


class QuotaFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of one element may leave a country in a period."""

    name: str
    country: str
    """ISO 3166-1 alpha-2."""
    holder: str | None
    """The operation it was given to; nothing for the country's total."""
    element: ElementSymbol
    amount: Milligrams
    """Contained element over the whole period."""
    period: Period
    usable_until: int
    """Last block time at which it may be used, by the decision that gave it."""
    source: str


class ForfeitureRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on a country takes back what was not exported within its month."""

    country: str
    element: ElementSymbol
    valid_from: int
    monthly: bool
    """Whether each month's volume is forfeited at the month's end."""
    source: str


class QuotaBook:
    """Quota facts and forfeiture rules together, answering when a volume can be used."""

    def __init__(
        self, facts: tuple[QuotaFact, ...], forfeitures: tuple[ForfeitureRule, ...]
    ) -> None:
        self.facts = facts
        self.forfeitures = forfeitures

    def facts_at(self, moment: BlockTime, element: ElementSymbol) -> tuple[QuotaFact, ...]:
        """Return the facts on an element whose period contains a block time."""
        return tuple(
            fact for fact in self.facts if fact.element == element and fact.period.contains(moment)
        )

    def last_use(self, fact: QuotaFact, volume_of: BlockTime) -> BlockTime:
        """Return the last block time at which a month's volume of a quota can be used.

        Args:
            fact: the quota.
            volume_of: any moment of the month whose volume is meant.

        Raises:
            QuotaOutsideMonth: the quota's period does not contain that moment.
        """
        month = month_of(volume_of)
        if not fact.period.contains(volume_of):
            raise QuotaOutsideMonth(fact.name, month.label())
        for rule in self.forfeitures:
            applies = rule.country == fact.country and rule.element == fact.element
            if applies and rule.monthly and rule.valid_from <= month.start:
                return BlockTime(min(month.end - 1, fact.usable_until))
        return BlockTime(fact.usable_until)


def monthly_volumes(fact: QuotaFact) -> tuple[tuple[Period, Milligrams], ...]:
    """Return a quota's period month by month with equal volumes that add up to it exactly.

    What does not divide goes to the first months, a milligram each. That the volumes are equal is
    an assumption: the decisions published so far give totals.
    """
    months = []
    month = month_of(fact.period.start)
    while month.start < fact.period.end:
        months.append(month)
        month = month_of(month.end)
    share, left_over = divmod(fact.amount, len(months))
    return tuple(
        (item, Milligrams(share + (1 if index < left_over else 0)))
        for index, item in enumerate(months)
    )
