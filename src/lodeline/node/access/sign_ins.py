"""Sign-ins that are under way: kept by the browser, sealed, so that beginning one writes nothing.

Whoever asks to sign in is a stranger. What is needed to finish goes into a cookie, encrypted and
authenticated (ChaCha20-Poly1305, RFC 8439) under a key of this store; the store has a row only of
a sign-in that succeeded, until its time is over, so that it succeeds once.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from typing import Final, NewType

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection, delete, insert, select

from lodeline.node.access.openid_refusals import SignInOver
from lodeline.node.access.schema import SIGN_INS
from lodeline.node.events.moments import Micros
from lodeline.node.events.store import EventStore

__all__ = [
    "SIGN_IN_SECONDS",
    "Begun",
    "SealedSignIn",
    "is_taken",
    "new_sign_in",
    "seal",
    "take",
    "unseal",
]

SealedSignIn = NewType("SealedSignIn", str)
"""A sign-in as the browser keeps it: base64url, opaque to everybody but this store."""

SIGN_IN_SECONDS: Final = 600
"""How long somebody has for signing in."""
_SECOND: Final = 1_000_000
_NONCE_BYTES: Final = 12
_MAX_CHARS: Final = 1_024
_KEY_NAME: Final = "sign-ins"
_LABEL: Final = b"lodeline/sign-in/v1"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun."""

    state: str
    """Goes to the issuer and back; ties the two halves together."""
    nonce: str = field(repr=False)
    """What the identity token must have."""
    verifier: str = field(repr=False)
    """Shows that whoever redeems the code began here (PKCE, RFC 7636)."""
    expires: Micros


def new_sign_in(now: Micros) -> Begun:
    """Return a sign-in of its own randomness."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Begun(state, nonce, verifier, Micros(now + SIGN_IN_SECONDS * _SECOND))


def seal(store: EventStore, begun: Begun) -> SealedSignIn:
    """Return a sign-in for the browser to keep."""
    data = orjson.dumps([begun.state, begun.nonce, begun.verifier, begun.expires])
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = ChaCha20Poly1305(store.secret(_KEY_NAME)).encrypt(nonce, data, _LABEL)
    return SealedSignIn(base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii"))


def unseal(store: EventStore, kept: str) -> Begun:
    """Return the sign-in that a browser kept; whether it succeeded already is for `take` to say.

    Raises:
        SignInOver: it was not begun here, was changed, or too long ago.
    """
    if len(kept) > _MAX_CHARS:
        raise SignInOver
    try:
        data = base64.b64decode(kept + "=" * (-len(kept) % 4), altchars=b"-_", validate=True)
        cipher = ChaCha20Poly1305(store.secret(_KEY_NAME))
        found = orjson.loads(cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _LABEL))
    except (binascii.Error, ValueError, InvalidTag):
        raise SignInOver from None
    begun = Begun(*found)
    if store.clock.now() >= begun.expires:
        raise SignInOver
    return begun


def is_taken(store: EventStore, begun: Begun) -> bool:
    """Return whether a sign-in has succeeded already."""
    with store.reading() as connection:
        return _is_there(connection, begun)


def take(store: EventStore, begun: Begun) -> None:
    """Let a sign-in succeed, once; forget those whose time is over anyway.

    Raises:
        SignInOver: it has succeeded already.
    """
    now = store.clock.now()

    def work(connection: Connection) -> None:
        connection.execute(delete(SIGN_INS).where(SIGN_INS.c.expires_us <= now))
        if _is_there(connection, begun):
            raise SignInOver
        values = {"state": begun.state, "nonce": "", "verifier": "", "expires_us": begun.expires}
        connection.execute(insert(SIGN_INS).values(values))

    store.write(work)


def _is_there(connection: Connection, begun: Begun) -> bool:
    query = select(SIGN_INS.c.state).where(SIGN_INS.c.state == begun.state)
    return connection.execute(query).first() is not None
