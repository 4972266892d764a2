"""Who asks: the one value that a request is judged by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

from lodeline.node.access.refusals import AccessNameMalformed, ScopeMissing
from lodeline.node.access.roles import ROLE_SCOPES, Role, Scope
from lodeline.node.events.store import Tenant

__all__ = ["Caller", "PartnerName", "Reader", "TokenId", "UserName", "partner_name", "user_name"]

UserName = NewType("UserName", str)
"""Name of an account, unique on a node: letters, digits and ``._@+-``, at most 128."""
PartnerName = NewType("PartnerName", str)
"""Name of a company that something is shared with; by custom its member id."""
TokenId = NewType("TokenId", str)
"""Public half of a token; names it in lists and in the trail."""
Reader = NewType("Reader", str)
"""Whom a policy shares with: ``partner:NAME`` or ``account:NAME``."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", re.ASCII)


def user_name(text: str) -> UserName:
    """Return the name of an account.

    Raises:
        AccessNameMalformed: a character that no name has, none or too many of them.
    """
    return UserName(_checked(text))


def partner_name(text: str) -> PartnerName:
    """Return the name of a partner.

    Raises:
        AccessNameMalformed: a character that no name has, none or too many of them.
    """
    return PartnerName(_checked(text))


def _checked(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise AccessNameMalformed(text)
    return text


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, after authentication. Only `node.access` makes one."""

    tenant: Tenant
    """Whose data is asked for; nothing of another tenant is ever in the answer."""
    user: UserName
    roles: frozenset[Role]
    scopes: frozenset[Scope]
    """What may be done with this very request."""
    partner: PartnerName | None = None
    """The company that the account belongs to; nothing for the tenant's own people."""
    token: TokenId | None = None
    """The token that was shown; nothing for a password or a foreign identity."""

    def may(self, scope: Scope) -> bool:
        """Return whether the caller may do that."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Return only if the caller may do that.

        Raises:
            ScopeMissing: may not.
        """
        if scope not in self.scopes:
            raise ScopeMissing(self.user, scope.value)

    @property
    def sees_all(self) -> bool:
        """Return whether all events of the tenant may be seen, and not only what is shared.

        A tenant's own people see all, except who reads as an auditor alone.
        """
        reading = {role for role in self.roles if Scope.EVENTS_READ in ROLE_SCOPES[role]}
        return self.partner is None and bool(reading - {Role.AUDITOR})

    @property
    def readers(self) -> Sequence[Reader]:
        """Return under which names policies share with the caller."""
        own = (Reader(f"account:{self.user}"),)
        return own if self.partner is None else (Reader(f"partner:{self.partner}"), *own)
