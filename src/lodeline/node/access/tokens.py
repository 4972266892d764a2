"""Tokens: what a program or a signed-in person shows with each request.

    lodeline_0123456789abcdef_………………………………………… (16 hexadecimal digits, 43 of base64url)

The first half names the token and is no secret; the second is 256 random bits, shown once, and kept
as a hash alone. A token may do what its scopes and the roles of its account both allow, until it
expires or is revoked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType

from sqlalchemy import Connection, RowMapping, insert, select, update

from lodeline.node.access.accounts import Account, account
from lodeline.node.access.callers import TokenId, UserName
from lodeline.node.access.refusals import (
    ScopeNotOfRoles,
    ScopeUnknown,
    TokenLifetimeWrong,
    TokenUnknown,
)
from lodeline.node.access.roles import Scope
from lodeline.node.access.schema import ACCESS_TOKENS
from lodeline.node.access.trail import Act, Note, append
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "MAX_TOKEN_DAYS",
    "SESSION_HOURS",
    "BearerToken",
    "IssuedToken",
    "ShownToken",
    "TokenInfo",
    "TokenKind",
    "is_secret_of",
    "issue_token",
    "issued_session",
    "read_scopes",
    "revoke_token",
    "shown_token",
    "tokens",
]

MAX_TOKEN_DAYS: Final = 366
SESSION_HOURS: Final = 12
_DAY: Final = 86_400 * 1_000_000
_HOUR: Final = 3_600 * 1_000_000
_LABEL: Final = b"lodeline/access-token/v1"
_FORM: Final = re.compile(r"lodeline_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NO_DIGEST: Final = bytes(32)

BearerToken = NewType("BearerToken", str)
"""The whole token, with its secret half."""


class TokenKind(StrEnum):
    """What a token is for; the words are stored and never change."""

    API = "api"
    """For a program."""
    SESSION = "session"
    """For a person who signed in."""


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that somebody showed; nothing is verified."""

    token: TokenId
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token at the one time that it is shown whole."""

    token: TokenId
    bearer: BearerToken = field(repr=False)
    user: UserName
    scopes: frozenset[Scope]
    expires: Micros


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is known of a token, without its secret."""

    token: TokenId
    user: UserName
    kind: TokenKind
    scopes: frozenset[Scope]
    note: str
    created: Micros
    expires: Micros
    revoked: Micros | None
    used: Micros | None
    """When it was last used, to the hour."""


def read_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of some words.

    Raises:
        ScopeUnknown: one is no scope.
    """
    return frozenset(_scope(word) for word in words)


def _scope(word: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        raise ScopeUnknown(word, tuple(Scope)) from None


def issue_token(  # noqa: PLR0913 - one parameter for each thing that a token is bound to
    store: EventStore,
    tenant: Tenant,
    user: UserName,
    *,
    by: Who,
    days: int,
    scopes: frozenset[Scope] | None = None,
    note: str = "",
) -> IssuedToken:
    """Make a token for a program.

    Args:
        store: where accounts are.
        tenant: whose account.
        user: the account.
        by: whoever makes it.
        days: how long it lives, from 1 to `MAX_TOKEN_DAYS`.
        scopes: what it may do; everything that the account may where nothing is said.
        note: what it is for.

    Raises:
        AccountUnknown: the tenant has none of that name.
        ScopeNotOfRoles: the account may not do that itself.
        TokenLifetimeWrong: it would live for no time or too long.
    """
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise TokenLifetimeWrong(days, MAX_TOKEN_DAYS)
    owner = account(store, tenant, user)
    wanted = owner.scopes if scopes is None else scopes
    for scope in sorted(wanted - owner.scopes):
        raise ScopeNotOfRoles(user, scope)
    now = store.clock.now()
    made = _new(user, wanted, Micros(now + days * _DAY))

    def write(connection: Connection) -> None:
        _insert(connection, owner, made, TokenKind.API, note, now)
        about = f"{made.token} for {user}: {_text(wanted)}"
        append(connection, tenant, now, [Note(by, Act.TOKEN_MADE, about)])

    store.write(write)
    return made


def issued_session(
    connection: Connection, tenant: Tenant, owner: Account, how: str, now: Micros
) -> IssuedToken:
    """Make a token for somebody who just signed in, within a writing transaction."""
    made = _new(owner.user, owner.scopes, Micros(now + SESSION_HOURS * _HOUR))
    _insert(connection, owner, made, TokenKind.SESSION, how, now)
    append(connection, tenant, now, [Note(Who(owner.user), Act.SIGNED_IN, f"{made.token} {how}")])
    return made


def revoke_token(store: EventStore, tenant: Tenant, token: TokenId, by: Who) -> TokenInfo:
    """Take a token back at once; one that was taken back before stays as it was.

    Raises:
        TokenUnknown: the tenant has none of that id.
    """
    now = store.clock.now()

    def write(connection: Connection) -> TokenInfo:
        found = _info(connection, tenant, token)
        if found.revoked is not None:
            return found
        connection.execute(
            update(ACCESS_TOKENS).where(ACCESS_TOKENS.c.token_id == token).values(revoked_us=now)
        )
        act = Act.SIGNED_OUT if found.kind is TokenKind.SESSION else Act.TOKEN_REVOKED
        append(connection, tenant, now, [Note(by, act, f"{token} of {found.user}")])
        return _info(connection, tenant, token)

    return store.write(write)


def tokens(store: EventStore, tenant: Tenant) -> Sequence[TokenInfo]:
    """Return every token of a tenant, expired and revoked ones too, by account and time."""
    query = (
        select(ACCESS_TOKENS)
        .where(ACCESS_TOKENS.c.tenant == tenant.number)
        .order_by(ACCESS_TOKENS.c.account, ACCESS_TOKENS.c.created_us, ACCESS_TOKENS.c.token_id)
    )
    with store.reading() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


# ------------------------------------------------------------------ halves


def shown_token(text: str) -> ShownToken | None:
    """Return the halves of a text that has the form of a token; nothing otherwise."""
    found = _FORM.fullmatch(text)
    return None if found is None else ShownToken(TokenId(found[1]), found[2])


def is_secret_of(shown: ShownToken, digest: bytes | None) -> bool:
    """Return whether the secret half fits a digest, in the same time whether it does or not.

    Args:
        shown: what somebody showed.
        digest: what was kept; nothing where there is no token of that id.
    """
    kept = _NO_DIGEST if digest is None else digest
    is_same = hmac.compare_digest(_digest(shown.token, shown.secret), kept)
    return is_same and digest is not None


def _digest(token: TokenId, secret: str) -> bytes:
    return hashlib.sha256(_LABEL + token.encode() + secret.encode()).digest()


def _new(user: UserName, scopes: frozenset[Scope], expires: Micros) -> IssuedToken:
    token, secret = TokenId(secrets.token_hex(8)), secrets.token_urlsafe(32)
    return IssuedToken(token, BearerToken(f"lodeline_{token}_{secret}"), user, scopes, expires)


def _insert(
    connection: Connection,
    owner: Account,
    made: IssuedToken,
    kind: TokenKind,
    note: str,
    now: Micros,
) -> None:
    shown = shown_token(made.bearer)
    if shown is None:
        raise ValueError(made.token)
    connection.execute(
        insert(ACCESS_TOKENS).values(
            token_id=made.token,
            tenant=owner.tenant_number,
            account=owner.user,
            kind=kind.value,
            digest=_digest(shown.token, shown.secret),
            scopes=_text(made.scopes),
            note=note,
            created_us=now,
            expires_us=made.expires,
        )
    )


def _text(scopes: Iterable[Scope]) -> str:
    return " ".join(sorted(scopes))


def _info(connection: Connection, tenant: Tenant, token: TokenId) -> TokenInfo:
    query = select(ACCESS_TOKENS).where(
        ACCESS_TOKENS.c.token_id == token, ACCESS_TOKENS.c.tenant == tenant.number
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise TokenUnknown(token)
    return _read(row)


def _read(row: RowMapping) -> TokenInfo:
    revoked, used = row["revoked_us"], row["used_us"]
    return TokenInfo(
        token=TokenId(row["token_id"]),
        user=UserName(row["account"]),
        kind=TokenKind(row["kind"]),
        scopes=read_scopes(row["scopes"].split()),
        note=row["note"],
        created=Micros(row["created_us"]),
        expires=Micros(row["expires_us"]),
        revoked=None if revoked is None else Micros(revoked),
        used=None if used is None else Micros(used),
    )
