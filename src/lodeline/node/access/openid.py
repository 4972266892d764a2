"""People whom an issuer of identities vouches for (OpenID Connect Core 1.0).

A program shows a token of the issuer with each request; a person signs in with a browser: `begin`
sends it to the issuer, `finish` takes it back. Either way what the token says is checked first:
signature by a key of the issuer, issuer, audience, times and, for a sign-in, the nonce. Its groups
are roles here by the settings; an account is made for whoever comes the first time.

Not checked: whether the issuer has locked somebody out since it signed. Keep its tokens short, or
disable the account here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlencode

from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy import Connection, select, update

from lodeline.node.access.accounts import (
    Account,
    AccountState,
    Identity,
    NewAccount,
    Subject,
    made_account,
    read_account,
    roles_text,
)
from lodeline.node.access.callers import Caller, UserName, user_name
from lodeline.node.access.issuer import Issuer
from lodeline.node.access.openid_refusals import IdentityWithoutRole, SignInOver
from lodeline.node.access.openid_settings import ALGORITHMS, OpenIdSettings
from lodeline.node.access.refusals import AccessNameMalformed, CredentialsWrong
from lodeline.node.access.roles import Role
from lodeline.node.access.schema import ACCOUNTS
from lodeline.node.access.sign_ins import (
    SIGN_IN_SECONDS,
    SealedSignIn,
    is_taken,
    new_sign_in,
    seal,
    take,
    unseal,
)
from lodeline.node.access.trail import Act, Note, append
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore

__all__ = ["SIGN_IN_SECONDS", "OpenId", "SignIn"]

_LEEWAY_SECONDS: Final = 60
"""How far the clock of the issuer may differ."""
_MAX_AGE_SECONDS: Final = 86_400
"""How long ago a token may have been signed, whatever it says of its end."""
_MAX_SUBJECT: Final = 255
_SECOND: Final = 1_000_000
_ISSUER: Final = Who("openid")

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that begins."""

    url: str
    """Where the browser is sent."""
    state: str = field(repr=False)
    """What the issuer gives back."""
    kept: SealedSignIn = field(repr=False)
    """To be kept in the browser, in a cookie, and handed to `finish` from there."""


class OpenId:
    """Turns what an issuer says into callers and accounts.

    Args:
        settings: which issuer, and what its words mean.
        issuer: how it is asked.
        store: where accounts are.
    """

    def __init__(self, settings: OpenIdSettings, issuer: Issuer, store: EventStore) -> None:
        self.settings: Final = settings
        self._issuer = issuer
        self._store = store
        self._tenant = store.tenant(settings.tenant)

    # ------------------------------------------------------------------ requests

    def caller(self, token: str) -> Caller:
        """Return the caller that a token of the issuer speaks of.

        Raises:
            CredentialsWrong: it is not valid here and now, or the account is disabled.
            IdentityWithoutRole: nothing that it says gives a role.
            IssuerUnreachable, IssuerAnswerWrong: the issuer's keys cannot be had.
        """
        claims = self._checked(token, self.settings.audiences)
        owner = self._owner(claims)
        return Caller(self._tenant, owner.user, owner.roles, owner.scopes, owner.partner)

    # ------------------------------------------------------------------ signing in

    def begin(self) -> SignIn:
        """Begin a sign-in: with a nonce and a proof of possession (PKCE, RFC 7636) of its own.

        Raises:
            IssuerUnreachable, IssuerAnswerWrong: it cannot be asked where sign-ins begin.
        """
        where = self._issuer.endpoints().authorization
        begun = new_sign_in(self._store.clock.now())
        query = {
            "response_type": "code",
            "scope": "openid profile email",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _base64url(hashlib.sha256(begun.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        url = f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"
        return SignIn(url, begun.state, seal(self._store, begun))

    def finish(self, code: str, state: str, kept: str) -> Account:
        """Return the account of somebody whom the issuer sent back.

        A sign-in succeeds once; one that fails may be tried again in its time, and writes nothing.
        Hand the account to `Access.session_for`.

        Args:
            code: what the issuer gave, to be redeemed.
            state: what the issuer gave back.
            kept: what this browser kept since `begin`.

        Raises:
            SignInOver: not begun here, or elsewhere, or too long ago, or it succeeded already.
            CredentialsWrong: the identity token is not valid, or the account is disabled.
            IdentityWithoutRole: nothing that it says gives a role.
            IssuerUnreachable, IssuerAnswerWrong: the code was not redeemed.
        """
        begun = unseal(self._store, kept)
        if not _is_same(state, begun.state) or is_taken(self._store, begun):
            raise SignInOver
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect,
            "client_id": self.settings.client_id,
            "code_verifier": begun.verifier,
        }
        secret = self.settings.client_secret
        client = None if secret is None else (self.settings.client_id, secret)
        token = self._issuer.redeemed(form, client)
        claims = self._checked(token, frozenset({self.settings.client_id}))
        given = claims.get("nonce")
        if not isinstance(given, str) or not _is_same(given, begun.nonce):
            raise CredentialsWrong
        owner = self._owner(claims)
        take(self._store, begun)
        return owner

    # ------------------------------------------------------------------ tokens of the issuer

    def _checked(self, token: str, audiences: frozenset[str]) -> Claims:
        """Return what a token says, after every check (OpenID Connect Core 1.0, 3.1.3.7)."""
        claims = self._signed(token)
        is_for_us = bool(_texts(claims.get("aud")) & audiences)
        is_party = claims.get("azp", self.settings.client_id) == self.settings.client_id
        if claims.get("iss") != self._issuer.url or not is_for_us:
            raise CredentialsWrong
        if self.settings.client_id in audiences and not is_party:
            raise CredentialsWrong
        if not _is_now(claims, self._store.clock.now() / _SECOND):
            raise CredentialsWrong
        return claims

    def _signed(self, token: str) -> Claims:
        try:
            kid = jws.extract_compact(token.encode("ascii")).headers().get("kid")
            keys = self._issuer.keys(kid if isinstance(kid, str) else None)
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise CredentialsWrong from None

    # ------------------------------------------------------------------ accounts

    def _owner(self, claims: Claims) -> Account:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT or "\0" in subject:
            raise CredentialsWrong
        identity = Identity(self._issuer.url, Subject(subject))
        roles = self._roles(claims)
        with self._store.reading() as connection:
            found = _account_of(connection, identity)
        if found is None or found.roles != roles:
            found = self._store.write(lambda c: self._kept(c, identity, roles, claims))
        if found.state is not AccountState.ACTIVE or found.tenant_number != self._tenant.number:
            raise CredentialsWrong
        return found

    def _roles(self, claims: Claims) -> frozenset[Role]:
        said = _texts(claims.get(self.settings.role_claim))
        roles = (roles for name, roles in self.settings.roles.items() if name in said)
        found: frozenset[Role] = frozenset().union(*roles)
        if not found:
            raise IdentityWithoutRole(self.settings.role_claim)
        return found

    def _kept(
        self, connection: Connection, identity: Identity, roles: frozenset[Role], claims: Claims
    ) -> Account:
        """Return the account of an identity, made or brought to its present roles."""
        now = self._store.clock.now()
        found = _account_of(connection, identity)
        if found is None:
            name = _free_name(connection, claims, identity)
            title = str(claims.get("name", ""))[:200].replace("\0", "")
            new = NewAccount(name, roles, title, self.settings.partner, identity)
            return made_account(connection, self._tenant, new, _ISSUER, now)
        if found.roles == roles or found.tenant_number != self._tenant.number:
            return found
        change = update(ACCOUNTS).where(ACCOUNTS.c.name == found.user)
        connection.execute(change.values(roles=roles_text(roles), changed_us=now))
        note = Note(_ISSUER, Act.ACCOUNT_CHANGED, f"{found.user}: {roles_text(roles)}")
        append(connection, self._tenant, now, [note])
        changed = _account_of(connection, identity)
        return found if changed is None else changed


def _account_of(connection: Connection, identity: Identity) -> Account | None:
    query = select(ACCOUNTS).where(
        ACCOUNTS.c.issuer == identity.issuer, ACCOUNTS.c.subject == identity.subject
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read_account(row)


def _free_name(connection: Connection, claims: Claims, identity: Identity) -> UserName:
    """Return the name that the issuer proposes if nobody has it, else one that is nobody's."""
    for claim in ("preferred_username", "email"):
        try:
            name = user_name(str(claims.get(claim, "")))
        except AccessNameMalformed:
            continue
        if connection.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.name == name)).first():
            continue
        return name
    digest = hashlib.sha256(f"{identity.issuer}\n{identity.subject}".encode()).hexdigest()
    return user_name(f"id-{digest[:32]}")


def _is_now(claims: Claims, now: float) -> bool:
    """Return whether a token is in force; a time that is no number never is."""
    expires, signed, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    times = (expires, signed, begins)
    if not all(isinstance(time, (int, float)) and not isinstance(time, bool) for time in times):
        return False
    until, since, start = (cast(float, time) for time in times)
    return (
        until > now - _LEEWAY_SECONDS
        and now - _MAX_AGE_SECONDS <= since <= now + _LEEWAY_SECONDS
        and start <= now + _LEEWAY_SECONDS
    )


def _texts(value: object) -> frozenset[str]:
    """Return the texts of a claim that may be one text or a list of them."""
    listed = value if isinstance(value, list) else [value]
    return frozenset(item for item in listed if isinstance(item, str))


def _is_same(one: str, other: str) -> bool:
    """Return whether two texts are the same, without telling by time where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
