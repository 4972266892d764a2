"""Who asks: from the headers of a request to a `Caller`, and from a password to a session.

    access = Access(store)
    caller = access.authenticate(request.headers, source_of(request.client.host))
    caller.require(Scope.EVENTS_READ)

Each request shows a token (`Authorization: Bearer`), or a name and a password (`Basic`), which
costs much more. An account that is disabled, a token that is revoked, and a role that is taken away
count from the next request on: nothing is remembered from one request to the next.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from sqlalchemy import RowMapping, select, update

from lodeline.node.access.accounts import (
    Account,
    AccountState,
    account,
    password_hash,
    read_account,
)
from lodeline.node.access.callers import Caller, TokenId, UserName, user_name
from lodeline.node.access.guessing import BY_ACCOUNT, BY_SOURCE, Guard, Source
from lodeline.node.access.openid_refusals import (
    IssuerAnswerWrong,
    IssuerUnreachable,
    SignInOver,
)
from lodeline.node.access.passwords import Cost, PasswordHash, is_password
from lodeline.node.access.refusals import (
    AccessNameMalformed,
    AccountDisabled,
    CredentialsMissing,
    CredentialsWrong,
    TooManyAttempts,
)
from lodeline.node.access.schema import ACCESS_TOKENS, ACCOUNTS
from lodeline.node.access.tokens import (
    IssuedToken,
    ShownToken,
    is_secret_of,
    issued_session,
    read_scopes,
    revoke_token,
    shown_token,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import TENANTS
from lodeline.node.events.store import EventStore, Tenant, TenantName

__all__ = ["LOCAL", "Access", "ForeignIdentities"]

LOCAL: Final = Source("local")
"""A request that did not come over a network."""
_MAX_HEADER: Final = 16 * 1024
_HOUR: Final = 3_600 * 1_000_000


class ForeignIdentities(Protocol):
    """Whoever turns the token of an issuer of identities into a caller, as `openid` does."""

    def caller(self, token: str) -> Caller:
        """Return the caller that a signed token speaks of.

        Raises:
            CredentialsWrong: it is not valid here and now.
            IssuerUnreachable: the issuer's keys are not known, and cannot be had.
        """


class Access:
    """Decides who asks.

    Args:
        store: where accounts, tokens and policies are.
        foreign: an issuer of identities whose tokens are taken too.
        cost: of a password.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        foreign: ForeignIdentities | None = None,
        cost: Cost | None = None,
    ) -> None:
        self.store: Final = store
        self.foreign: Final = foreign
        self._cost = cost or Cost()
        self._sources = Guard(store.clock, BY_SOURCE)
        self._names = Guard(store.clock, BY_ACCOUNT)

    def authenticate(self, headers: Mapping[str, str], source: Source = LOCAL) -> Caller:
        """Return who sent a request.

        Args:
            headers: of the request, names in any case; `Authorization` counts, nothing else.
            source: where it comes from.

        A right token is taken even where others err at the same source, since nobody guesses one;
        a password is not looked at there, so that whoever guesses learns nothing while they wait.

        Raises:
            CredentialsMissing: there is no `Authorization`.
            CredentialsWrong: what it has is not valid.
            TooManyAttempts: the source, or the account, has to wait.
            PasswordsBusy: too many passwords are being compared.
            IssuerUnreachable: the keys of the issuer of identities cannot be had.
        """
        scheme, shown = _authorization(headers)
        seconds = self._sources.wait(source)
        if seconds and scheme != "bearer":
            raise TooManyAttempts(seconds)
        try:
            if scheme == "bearer":
                return self._bearer(shown)
            if scheme == "basic":
                return self._caller(self._by_password(*_name_and_password(shown)))
            raise CredentialsWrong
        except CredentialsWrong:
            if seconds:
                raise TooManyAttempts(seconds) from None
            self._sources.failed(source)
            raise

    @contextmanager
    def guarded(self, source: Source) -> Iterator[None]:
        """Give a block in which somebody shows who they are, and count it where it fails.

        Raises:
            TooManyAttempts: the source has to wait.
        """
        self._sources.admit(source)
        try:
            yield
        except (CredentialsWrong, SignInOver, IssuerUnreachable, IssuerAnswerWrong):
            self._sources.failed(source)
            raise

    def sign_in(self, user: str, password: str, source: Source = LOCAL) -> IssuedToken:
        """Return a session for somebody who knows the password of an account.

        Raises:
            CredentialsWrong: no such account, another password, or disabled; not said which.
            TooManyAttempts: the source, or the account, has to wait.
            PasswordsBusy: too many passwords are being compared.
        """
        with self.guarded(source):
            owner = self._by_password(user, password)
        return self.session_for(owner, "password")

    def session_for(self, owner: Account, how: str) -> IssuedToken:
        """Return a session of an account whose owner was just authenticated.

        Args:
            owner: the account.
            how: what showed who it is, for the trail.
        """
        now, tenant = self.store.clock.now(), self._tenant(owner)
        return self.store.write(lambda c: issued_session(c, tenant, owner, how, now))

    def sign_out(self, caller: Caller) -> None:
        """End the session, or revoke the token, that the caller showed."""
        if caller.token is not None:
            revoke_token(self.store, caller.tenant, caller.token, Who(caller.user))

    def caller_of(self, tenant: Tenant, user: UserName) -> Caller:
        """Return an account as a caller, for what is done in its name while nobody asks.

        A subscription delivers to whoever made it: what they may see is decided at each delivery.

        Raises:
            AccountUnknown: the tenant has none of that name.
            AccountDisabled: it opens nothing at present.
        """
        owner = account(self.store, tenant, user)
        if owner.state is not AccountState.ACTIVE:
            raise AccountDisabled(user)
        return Caller(tenant, owner.user, owner.roles, owner.scopes, owner.partner)

    # ------------------------------------------------------------------ tokens

    def _bearer(self, text: str) -> Caller:
        shown = shown_token(text)
        if shown is not None:
            return self._by_token(shown)
        if self.foreign is not None and text.count(".") == 2:
            return self.foreign.caller(text)
        raise CredentialsWrong

    def _by_token(self, shown: ShownToken) -> Caller:
        now = self.store.clock.now()
        row = self._token_row(shown.token)
        is_right = is_secret_of(shown, None if row is None else bytes(row["digest"]))
        if row is None or not is_right or not _is_in_force(row, now):
            raise CredentialsWrong
        owner = read_account(row)
        self._note_use(shown.token, row["used_us"], now)
        scopes = owner.scopes & read_scopes(row["scopes"].split())
        tenant = Tenant(owner.tenant_number, TenantName(row["tenant_name"]))
        return Caller(tenant, owner.user, owner.roles, scopes, owner.partner, shown.token)

    def _token_row(self, token: TokenId) -> RowMapping | None:
        query = (
            select(
                ACCOUNTS,
                TENANTS.c.name.label("tenant_name"),
                ACCESS_TOKENS.c.digest,
                ACCESS_TOKENS.c.scopes,
                ACCESS_TOKENS.c.expires_us,
                ACCESS_TOKENS.c.revoked_us,
                ACCESS_TOKENS.c.used_us,
            )
            .join(ACCOUNTS, ACCOUNTS.c.name == ACCESS_TOKENS.c.account)
            .join(TENANTS, TENANTS.c.number == ACCOUNTS.c.tenant)
            .where(ACCESS_TOKENS.c.token_id == token)
        )
        with self.store.reading() as connection:
            return connection.execute(query).mappings().one_or_none()

    def _note_use(self, token: TokenId, used: int | None, now: Micros) -> None:
        if used is not None and now - used < _HOUR:
            return
        change = update(ACCESS_TOKENS).where(ACCESS_TOKENS.c.token_id == token)
        self.store.write(lambda connection: connection.execute(change.values(used_us=now)))

    # ------------------------------------------------------------------ passwords

    def _by_password(self, user: str, password: str) -> Account:
        self._names.admit(user)
        row = self._account_row(user)
        kept: PasswordHash | None = None if row is None else password_hash(row)
        is_right = is_password(password, kept, self._cost)
        owner = None if row is None else read_account(row)
        if owner is None or not is_right or owner.state is not AccountState.ACTIVE:
            self._names.failed(user)
            raise CredentialsWrong
        return owner

    def _account_row(self, user: str) -> RowMapping | None:
        try:
            name = user_name(user)
        except AccessNameMalformed:  # no account has it: as wrong as any other
            return None
        with self.store.reading() as connection:
            query = select(ACCOUNTS).where(ACCOUNTS.c.name == name)
            return connection.execute(query).mappings().one_or_none()

    def _caller(self, owner: Account) -> Caller:
        tenant = self._tenant(owner)
        return Caller(tenant, owner.user, owner.roles, owner.scopes, owner.partner)

    def _tenant(self, owner: Account) -> Tenant:
        query = select(TENANTS.c.name).where(TENANTS.c.number == owner.tenant_number)
        with self.store.reading() as connection:
            name = connection.execute(query).scalar_one()
        return Tenant(owner.tenant_number, TenantName(name))


def _is_in_force(row: RowMapping, now: Micros) -> bool:
    """Return whether a token and its account open anything at a moment."""
    return (
        row["revoked_us"] is None
        and now < row["expires_us"]
        and row["state"] == AccountState.ACTIVE.value
    )


def _authorization(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the scheme, in small letters, and what follows it."""
    found = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    scheme, _, shown = found.partition(" ")
    if not scheme:
        raise CredentialsMissing
    if len(found) > _MAX_HEADER:
        raise CredentialsWrong
    return scheme.lower(), shown.strip()


def _name_and_password(shown: str) -> tuple[str, str]:
    """Return both parts of what follows `Basic` (RFC 7617, as UTF-8)."""
    try:
        name, colon, password = (
            base64.b64decode(shown, validate=True).decode("utf-8").partition(":")
        )
    except (binascii.Error, ValueError):
        raise CredentialsWrong from None
    if not colon:
        raise CredentialsWrong
    return name, password
