"""`lodeline account` and `lodeline token`: who may do what with the events of this node.

Whoever can run these commands on the node's own machine needs no token for them. The store's
library is imported where it is needed: it takes longer than most commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodeline.cli.terminal import Terminal, asked_at_terminal, terminal_of
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId, check_name
from lodeline.node.workspace import Workspace, read_file

if TYPE_CHECKING:
    from lodeline.node.access.accounts import Account
    from lodeline.node.access.tokens import IssuedToken, TokenInfo
    from lodeline.node.events.jobs import Who
    from lodeline.node.events.moments import Micros
    from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "DatabaseOption",
    "Desk",
    "TenantOption",
    "accounts_listed",
    "add",
    "at_desk",
    "disable",
    "enable",
    "issue",
    "password",
    "revoke",
    "roles",
    "short_moment",
    "tokens_listed",
]

DatabaseOption = Annotated[str | None, typer.Option("--database")]
TenantOption = Annotated[str | None, typer.Option("--tenant")]
_Name = Annotated[str, typer.Argument()]
_Roles = Annotated[list[str], typer.Option("--role")]
_CONSOLE: Final = "console"
"""Who does what is done here, in the trail."""


class PasswordMissing(LodelineError):
    """A password is to be set where nobody can be asked for it."""

    user: str

    code = "access-password-missing"
    en = "the new password of {user} is neither in a file nor can anybody be asked for it"
    fr = "le nouveau mot de passe de {user} n'est dans aucun fichier et nul ne peut le saisir"
    advice_en = "keep it in a file and name that with --new-file"
    advice_fr = "mettez-le dans un fichier et nommez-le avec --new-file"


class PasswordsDiffer(LodelineError):
    """A new password that was typed in two ways."""

    user: str

    code = "access-passwords-differ"
    en = "the two passwords for {user} differ; the old one stays"
    fr = "les deux mots de passe pour {user} diffèrent ; l'ancien reste"
    advice_en = "type the same twice, or keep it in a file and name that with --new-file"
    advice_fr = "saisissez deux fois le même, ou nommez un fichier avec --new-file"


@dataclass(frozen=True)
class Desk:
    """The store of the folder, and whose part of it is meant."""

    store: EventStore
    tenant: Tenant
    by: Who


@contextmanager
def at_desk(terminal: Terminal, database: str | None, tenant: str | None) -> Iterator[Desk]:
    """Give the store of the folder; it is closed afterwards.

    Raises:
        WorkspaceMissing, MemberNotNamed: it is not said whose data is meant.
        DatabaseUnknown, StoreUnreachable, StoreLayoutUnknown: the database cannot be used.
    """
    from lodeline.node.events.database import DatabaseUrl  # noqa: PLC0415
    from lodeline.node.events.jobs import Who  # noqa: PLC0415
    from lodeline.node.events.opening import opened_store  # noqa: PLC0415

    named = None if database is None else DatabaseUrl(database)
    whose = _whose(terminal, tenant)
    with opened_store(Workspace(terminal.options.home), named) as store:
        yield Desk(store, store.tenant(whose), Who(_CONSOLE))


def _whose(terminal: Terminal, tenant: str | None) -> MemberId:
    """Return whose data is meant: a tenant that is named, else the member that does this."""
    if tenant is not None:
        return MemberId(check_name(tenant))
    return terminal.options.member or terminal.workspace.member(None)


def short_moment(moment: Micros) -> str:
    """Return a moment to the second, in UTC."""
    from lodeline.node.events.moments import moment_text  # noqa: PLC0415

    return f"{moment_text(moment)[:19]}Z"


# ------------------------------------------------------------------ accounts


def add(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: _Name,
    *,
    role: _Roles,
    title: Annotated[str, typer.Option("--title")] = "",
    partner: Annotated[str | None, typer.Option("--partner")] = None,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make an account; it opens nothing until it has a password or a token."""
    from lodeline.node.access.accounts import NewAccount, add_account, read_roles  # noqa: PLC0415
    from lodeline.node.access.callers import partner_name, user_name  # noqa: PLC0415

    terminal = terminal_of(context)
    whose = None if partner is None else partner_name(partner)
    new = NewAccount(user_name(name), read_roles(role), title, whose)
    with at_desk(terminal, database, tenant) as desk:
        made = add_account(desk.store, desk.tenant, new, desk.by)
    terminal.say("account.made", user=made.user, roles=sorted(made.roles))
    terminal.emit(_account_data(made))


def accounts_listed(
    context: typer.Context, tenant: TenantOption = None, database: DatabaseOption = None
) -> None:
    """List the accounts."""
    from lodeline.node.access.accounts import accounts  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        found = accounts(desk.store, desk.tenant)
    terminal.table(
        ("user", "title", "account-roles", "partner", "status", "password"),
        (_account_row(terminal, one) for one in found),
    )
    terminal.emit([_account_data(one) for one in found])


def roles(
    context: typer.Context,
    name: _Name,
    *,
    role: _Roles,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Give an account other roles."""
    from lodeline.node.access.accounts import read_roles, set_roles  # noqa: PLC0415
    from lodeline.node.access.callers import user_name  # noqa: PLC0415

    terminal = terminal_of(context)
    wanted = read_roles(role)
    with at_desk(terminal, database, tenant) as desk:
        changed = set_roles(desk.store, desk.tenant, user_name(name), wanted, desk.by)
    terminal.say("account.roles", user=changed.user, roles=sorted(changed.roles))
    terminal.emit(_account_data(changed))


def disable(
    context: typer.Context,
    name: _Name,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Disable an account, with all its tokens."""
    _set_state(terminal_of(context), name, "disabled", tenant, database)


def enable(
    context: typer.Context,
    name: _Name,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Let a disabled account be used again."""
    _set_state(terminal_of(context), name, "active", tenant, database)


def _set_state(
    terminal: Terminal, name: str, state: str, tenant: str | None, database: str | None
) -> None:
    from lodeline.node.access.accounts import AccountState, set_state  # noqa: PLC0415
    from lodeline.node.access.callers import user_name  # noqa: PLC0415

    wanted = AccountState(state)
    with at_desk(terminal, database, tenant) as desk:
        changed = set_state(desk.store, desk.tenant, user_name(name), wanted, desk.by)
    terminal.say(f"account.{state}", user=changed.user)
    terminal.emit(_account_data(changed))


def password(
    context: typer.Context,
    name: _Name,
    *,
    new_file: Annotated[Path | None, typer.Option("--new-file")] = None,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Give an account a new password; whoever is signed in with the old one is signed out."""
    from lodeline.node.access.accounts import account, set_password  # noqa: PLC0415
    from lodeline.node.access.callers import user_name  # noqa: PLC0415
    from lodeline.node.access.passwords import new_password  # noqa: PLC0415

    terminal = terminal_of(context)
    user = user_name(name)
    with at_desk(terminal, database, tenant) as desk:
        account(desk.store, desk.tenant, user)
        typed = new_password(_typed(terminal, user, new_file))
        changed = set_password(desk.store, desk.tenant, user, typed, by=desk.by)
    terminal.say("account.password", user=changed.user)
    terminal.emit(_account_data(changed))


def _typed(terminal: Terminal, user: str, file: Path | None) -> str:
    """Return a new password: from a file, or typed twice.

    Raises:
        PasswordMissing: no file, and nobody to ask.
        PasswordsDiffer: what was typed differs.
        FileUnreadable: the file cannot be read.
    """
    if file is not None:
        return read_file(file).decode("utf-8", errors="replace").rstrip("\r\n")
    if not asked_at_terminal():
        raise PasswordMissing(user)
    once = getpass(terminal.texts("ask.new_password", user=user))
    if getpass(terminal.texts("ask.again")) != once:
        raise PasswordsDiffer(user)
    return once


def _account_row(terminal: Terminal, one: Account) -> Sequence[str]:
    return (
        one.user,
        one.title,
        " ".join(sorted(one.roles)),
        one.partner or "",
        terminal.texts(f"account.state.{one.state.value}"),
        terminal.texts("yes" if one.has_password else "no"),
    )


def _account_data(one: Account) -> dict[str, object]:
    return {
        "user": one.user,
        "title": one.title,
        "roles": sorted(one.roles),
        "scopes": sorted(one.scopes),
        "partner": one.partner,
        "state": one.state.value,
        "password": one.has_password,
        "issuer": None if one.identity is None else one.identity.issuer,
    }


# ------------------------------------------------------------------ tokens


def issue(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: _Name,
    *,
    days: Annotated[int, typer.Option("--days")] = 90,
    scope: Annotated[list[str] | None, typer.Option("--scope")] = None,
    note: Annotated[str, typer.Option("--note")] = "",
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a token for a program and print it, this one time."""
    from lodeline.node.access.callers import user_name  # noqa: PLC0415
    from lodeline.node.access.tokens import issue_token, read_scopes  # noqa: PLC0415

    terminal = terminal_of(context)
    scopes = None if scope is None else read_scopes(scope)
    with at_desk(terminal, database, tenant) as desk:
        made = issue_token(
            desk.store,
            desk.tenant,
            user_name(name),
            by=desk.by,
            days=days,
            scopes=scopes,
            note=note,
        )
    terminal.say("token.made", token=made.token, user=made.user, until=short_moment(made.expires))
    terminal.say("token.once")
    terminal.line(made.bearer)
    terminal.emit(_issued_data(made))


def tokens_listed(
    context: typer.Context, tenant: TenantOption = None, database: DatabaseOption = None
) -> None:
    """List the tokens, without their secrets."""
    from lodeline.node.access.tokens import tokens  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        found, now = tokens(desk.store, desk.tenant), desk.store.clock.now()
    terminal.table(
        ("token", "user", "scopes", "note", "until", "last-used", "status"),
        (_token_row(terminal, one, now) for one in found),
    )
    terminal.emit([_token_data(one, now) for one in found])


def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument()],
    *,
    tenant: TenantOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take a token back, at once."""
    from lodeline.node.access.callers import TokenId  # noqa: PLC0415
    from lodeline.node.access.tokens import revoke_token  # noqa: PLC0415

    terminal = terminal_of(context)
    with at_desk(terminal, database, tenant) as desk:
        gone = revoke_token(desk.store, desk.tenant, TokenId(token), desk.by)
        now = desk.store.clock.now()
    terminal.say("token.revoked", token=gone.token, user=gone.user)
    terminal.emit(_token_data(gone, now))


def _issued_data(made: IssuedToken) -> dict[str, object]:
    return {
        "token": made.token,
        "bearer": made.bearer,
        "user": made.user,
        "scopes": sorted(made.scopes),
        "expires": short_moment(made.expires),
    }


def _state_of(one: TokenInfo, now: Micros) -> str:
    if one.revoked is not None:
        return "revoked"
    return "valid" if now < one.expires else "expired"


def _token_row(terminal: Terminal, one: TokenInfo, now: Micros) -> Sequence[str]:
    return (
        one.token,
        one.user,
        " ".join(sorted(one.scopes)),
        one.note,
        short_moment(one.expires),
        "" if one.used is None else short_moment(one.used),
        terminal.texts(f"token.state.{_state_of(one, now)}"),
    )


def _token_data(one: TokenInfo, now: Micros) -> dict[str, object]:
    return {
        "token": one.token,
        "user": one.user,
        "kind": one.kind.value,
        "scopes": sorted(one.scopes),
        "note": one.note,
        "created": short_moment(one.created),
        "expires": short_moment(one.expires),
        "used": None if one.used is None else short_moment(one.used),
        "state": _state_of(one, now),
    }
