"""The scheme's own settings: periods, grace and roles, as dated data that members vote on."""

from __future__ import annotations

from enum import Enum

import msgspec

from lodeline.kernel.ids import Role
from lodeline.kernel.time import BlockTime, Period, month_of, quarter_of
from lodeline.kernel.units import Ppm

__all__ = ["BalancePeriod", "RoleTitle", "Scheme"]


class BalancePeriod(Enum):
    """How long a mass-balance account runs before it closes."""

    MONTH = "month"
    QUARTER = "quarter"


class RoleTitle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A capacity in which somebody co-signs, and what the signature says."""

    name: Role
    title_en: str
    title_fr: str
    attests_en: str
    attests_fr: str


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the settings."""

    name: str
    valid_from: int
    valid_to: int | None
    balance_period: BalancePeriod
    carry_share_ppm: int
    """How much of an expiring mass-balance credit may be carried once, where the standard does
    not say less."""
    reporting_grace: int
    """Seconds after a right's period in which its last days can still be reported."""
    longest_licence: int
    """Longest period of a mining licence in days, so that a suspension bites."""
    roles: tuple[RoleTitle, ...]
    source: str

    def balance_period_of(self, moment: BlockTime) -> Period:
        """Return the mass-balance period that a block time lies in."""
        if self.balance_period is BalancePeriod.MONTH:
            return month_of(moment)
        return quarter_of(moment)

    def credit_expiry(self, moment: BlockTime) -> BlockTime:
        """Return the last block time of a credit deposited at a block time: its period's end."""
        return BlockTime(self.balance_period_of(moment).end - 1)

    def right_expiry(self, period: Period) -> BlockTime:
        """Return the last block time of a right for a period: its end and the reporting grace."""
        return BlockTime(period.end - 1 + self.reporting_grace)

    def carry_share(self, standard_share: Ppm) -> Ppm:
        """Return the share that may be carried: the smaller of the standard's and the scheme's."""
        return Ppm(min(standard_share, self.carry_share_ppm))
