"""Accounts: who can be a caller, as what, and for whom. Every change is in the trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from sqlalchemy import Connection, RowMapping, insert, select, update

from lodeline.node.access.callers import PartnerName, UserName
from lodeline.node.access.passwords import Cost, Password, PasswordHash, hash_password
from lodeline.node.access.refusals import AccountExists, AccountUnknown, RoleUnknown
from lodeline.node.access.roles import Role, Scope, scopes_of
from lodeline.node.access.schema import ACCESS_TOKENS, ACCOUNTS
from lodeline.node.access.trail import Act, Note, append
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "Account",
    "AccountState",
    "Identity",
    "IssuerUrl",
    "NewAccount",
    "Subject",
    "account",
    "accounts",
    "add_account",
    "made_account",
    "password_hash",
    "read_account",
    "read_roles",
    "roles_text",
    "set_password",
    "set_roles",
    "set_state",
]

IssuerUrl = NewType("IssuerUrl", str)
"""The address that names an issuer of identities, without a closing slash added or taken."""
Subject = NewType("Subject", str)
"""Whom an issuer means; unique with that issuer, never given to another."""


class AccountState(StrEnum):
    """Whether an account opens anything; the words are stored and never change."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is for an issuer of identities."""

    issuer: IssuerUrl
    subject: Subject


@dataclass(frozen=True, slots=True)
class Account:
    """An account; its password is never part of it."""

    user: UserName
    tenant_number: int
    partner: PartnerName | None
    title: str
    roles: frozenset[Role]
    state: AccountState
    has_password: bool
    identity: Identity | None
    created: Micros
    changed: Micros

    @property
    def scopes(self) -> frozenset[Scope]:
        """Return what the account may do at most."""
        return scopes_of(self.roles, partner=self.partner is not None)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made."""

    user: UserName
    roles: frozenset[Role]
    title: str = ""
    partner: PartnerName | None = None
    """The company of somebody who is not the tenant's own."""
    identity: Identity | None = None
    """Whom an issuer vouches for; such an account needs no password."""


def read_roles(words: Iterable[str]) -> frozenset[Role]:
    """Return the roles of some words.

    Raises:
        RoleUnknown: one is no role.
    """
    return frozenset(_role(word) for word in words)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise RoleUnknown(word, tuple(Role)) from None


def roles_text(roles: Iterable[Role]) -> str:
    """Return roles as they are stored."""
    return " ".join(sorted(roles))


def add_account(store: EventStore, tenant: Tenant, new: NewAccount, by: Who) -> Account:
    """Make an account; it opens nothing until it has a password or a token.

    Raises:
        AccountExists: the name is taken, by whichever tenant.
    """
    now = store.clock.now()
    return store.write(lambda connection: made_account(connection, tenant, new, by, now))


def made_account(
    connection: Connection, tenant: Tenant, new: NewAccount, by: Who, now: Micros
) -> Account:
    """Make an account within a writing transaction.

    Raises:
        AccountExists: the name is taken, by whichever tenant.
    """
    if connection.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.name == new.user)).first():
        raise AccountExists(new.user)
    identity = new.identity
    connection.execute(
        insert(ACCOUNTS).values(
            name=new.user,
            tenant=tenant.number,
            partner=new.partner,
            title=new.title,
            roles=roles_text(new.roles),
            state=AccountState.ACTIVE.value,
            issuer=None if identity is None else identity.issuer,
            subject=None if identity is None else identity.subject,
            created_us=now,
            changed_us=now,
        )
    )
    whose = "" if new.partner is None else f" of {new.partner}"
    note = Note(by, Act.ACCOUNT_MADE, f"{new.user}{whose}: {roles_text(new.roles)}")
    append(connection, tenant, now, [note])
    return _account(connection, tenant, new.user)


def account(store: EventStore, tenant: Tenant, user: UserName) -> Account:
    """Return the account of a name.

    Raises:
        AccountUnknown: the tenant has none.
    """
    with store.reading() as connection:
        return _account(connection, tenant, user)


def accounts(store: EventStore, tenant: Tenant) -> Sequence[Account]:
    """Return every account of a tenant, by name."""
    query = select(ACCOUNTS).where(ACCOUNTS.c.tenant == tenant.number).order_by(ACCOUNTS.c.name)
    with store.reading() as connection:
        return [read_account(row) for row in connection.execute(query).mappings()]


def set_roles(
    store: EventStore, tenant: Tenant, user: UserName, roles: frozenset[Role], by: Who
) -> Account:
    """Give an account other roles; its tokens may do no more than these from now on.

    Raises:
        AccountUnknown: the tenant has none of that name.
    """
    text = roles_text(roles)
    return _changed(store, tenant, user, {"roles": text}, Note(by, Act.ACCOUNT_CHANGED, text))


def set_state(
    store: EventStore, tenant: Tenant, user: UserName, state: AccountState, by: Who
) -> Account:
    """Disable an account, with everything it has, or let it be used again.

    Raises:
        AccountUnknown: the tenant has none of that name.
    """
    note = Note(by, Act.ACCOUNT_CHANGED, state.value)
    return _changed(store, tenant, user, {"state": state.value}, note)


def set_password(
    store: EventStore,
    tenant: Tenant,
    user: UserName,
    password: Password,
    *,
    by: Who,
    cost: Cost | None = None,
) -> Account:
    """Give an account a new password; whoever is signed in with the old one is signed out.

    Tokens for programs stay: revoke them one by one.

    Raises:
        AccountUnknown: the tenant has none of that name.
    """
    account(store, tenant, user)  # before the costly part
    kept = hash_password(password, cost or Cost())
    note = Note(by, Act.PASSWORD_CHANGED)
    return _changed(store, tenant, user, {"password": kept}, note, sessions_end=True)


def _changed(
    store: EventStore,
    tenant: Tenant,
    user: UserName,
    values: Mapping[str, str],
    note: Note,
    *,
    sessions_end: bool = False,
) -> Account:
    now = store.clock.now()

    def change(connection: Connection) -> Account:
        _account(connection, tenant, user)
        connection.execute(
            update(ACCOUNTS).where(ACCOUNTS.c.name == user).values(**values, changed_us=now)
        )
        if sessions_end:
            _end_sessions(connection, user, now)
        about = f"{user}: {note.about}" if note.about else user
        append(connection, tenant, now, [Note(note.who, note.act, about)])
        return _account(connection, tenant, user)

    return store.write(change)


def _end_sessions(connection: Connection, user: UserName, now: Micros) -> None:
    connection.execute(
        update(ACCESS_TOKENS)
        .where(ACCESS_TOKENS.c.account == user, ACCESS_TOKENS.c.kind == "session")
        .where(ACCESS_TOKENS.c.revoked_us.is_(None))
        .values(revoked_us=now)
    )


def _account(connection: Connection, tenant: Tenant, user: UserName) -> Account:
    query = select(ACCOUNTS).where(ACCOUNTS.c.name == user, ACCOUNTS.c.tenant == tenant.number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise AccountUnknown(user)
    return read_account(row)


def read_account(row: RowMapping) -> Account:
    """Return the account of a row of `ACCOUNTS`."""
    issuer, partner = row["issuer"], row["partner"]
    return Account(
        user=UserName(row["name"]),
        tenant_number=row["tenant"],
        partner=None if partner is None else PartnerName(partner),
        title=row["title"],
        roles=read_roles(row["roles"].split()),
        state=AccountState(row["state"]),
        has_password=row["password"] is not None,
        identity=None if issuer is None else Identity(IssuerUrl(issuer), Subject(row["subject"])),
        created=Micros(row["created_us"]),
        changed=Micros(row["changed_us"]),
    )


def password_hash(row: RowMapping) -> PasswordHash | None:
    """Return what is kept of the password in a row of `ACCOUNTS`."""
    kept = row["password"]
    return None if kept is None else PasswordHash(kept)
