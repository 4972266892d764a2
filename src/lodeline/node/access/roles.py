"""What people are in a company, and what each of them may do.

An account has one or several roles and may do what any of them may. A token narrows that to its
scopes; it never widens it. Whoever works for a partner has at most the scopes in `PARTNER_SCOPES`,
whatever the roles say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

__all__ = ["PARTNER_SCOPES", "ROLE_SCOPES", "Role", "Scope", "scopes_of"]


class Role(StrEnum):
    """What somebody is; the words are stored and never change."""

    SITE_OPERATOR = "site-operator"
    """Captures what happens at a site."""
    TRADER = "trader"
    """Offers and accepts lots."""
    REFINER = "refiner"
    """Captures, and turns lots into others."""
    COMPLIANCE = "compliance"
    """Reads everything, shares it with partners, and follows who saw what."""
    AUDITOR = "auditor"
    """Reads what a policy shares with this very auditor, and changes nothing."""
    ADMINISTRATOR = "administrator"
    """Keeps accounts, tokens, policies and settings; reads no events."""


class Scope(StrEnum):
    """One thing that may be done; the words are stored and never change."""

    EVENTS_READ = "events:read"
    EVENTS_CAPTURE = "events:capture"
    QUERIES_WRITE = "queries:write"
    """Name queries, and take the names away."""
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    LOTS_READ = "lots:read"
    TRADES_WRITE = "trades:write"
    TRANSFORMS_WRITE = "transforms:write"
    POLICIES_WRITE = "policies:write"
    TRAIL_READ = "trail:read"
    ACCOUNTS_WRITE = "accounts:write"
    OPERATE = "operate"
    """Read the metrics and states of the service, and change its settings."""


_READING: Final = frozenset(
    {Scope.EVENTS_READ, Scope.QUERIES_WRITE, Scope.SUBSCRIPTIONS_WRITE, Scope.LOTS_READ}
)
ROLE_SCOPES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.SITE_OPERATOR: _READING | {Scope.EVENTS_CAPTURE},
    Role.TRADER: _READING | {Scope.TRADES_WRITE},
    Role.REFINER: _READING | {Scope.EVENTS_CAPTURE, Scope.TRANSFORMS_WRITE},
    Role.COMPLIANCE: _READING | {Scope.POLICIES_WRITE, Scope.TRAIL_READ},
    Role.AUDITOR: frozenset({Scope.EVENTS_READ}),
    Role.ADMINISTRATOR: frozenset(
        {Scope.ACCOUNTS_WRITE, Scope.POLICIES_WRITE, Scope.TRAIL_READ, Scope.OPERATE}
    ),
}
"""What each role may do."""

PARTNER_SCOPES: Final = frozenset({Scope.EVENTS_READ, Scope.SUBSCRIPTIONS_WRITE})
"""The most that somebody of a partner may do with this company's data."""


def scopes_of(roles: Iterable[Role], *, partner: bool) -> frozenset[Scope]:
    """Return what somebody of these roles may do.

    Args:
        roles: of the account.
        partner: whether the account is a partner's.
    """
    own: frozenset[Scope] = frozenset().union(*(ROLE_SCOPES[role] for role in roles))
    return own & PARTNER_SCOPES if partner else own
