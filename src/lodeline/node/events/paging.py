"""Page tokens: where the next page of an answer begins, sealed, and good for an hour.

A token holds the query, the order and the last position, encrypted and authenticated
(ChaCha20-Poly1305, RFC 8439) under a key of this store: whoever has it learns nothing from it and
cannot make another. It is bound to the tenant and to the caller it was given to. It is an address
within an order, not a count of events to skip: pages stay whole while events are captured.

A query that is too long for a URL stays in the store, and the token has its digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import zlib
from dataclasses import dataclass
from typing import Final, NewType, cast

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection, delete, insert, select, update

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.moments import Micros, moment_text
from lodeline.node.events.query_refusals import PageTokenExpired, PageTokenWrong
from lodeline.node.events.schema import PAGE_TOKENS
from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "NOBODY",
    "TOKEN_LIFE_SECONDS",
    "Holder",
    "PageToken",
    "SealedPage",
    "keep_definition",
    "kept_definition",
    "open_token",
    "release_token",
    "seal_token",
]

PageToken = NewType("PageToken", str)
"""Base64url; opaque to everybody but this store."""
Holder = NewType("Holder", str)
"""To whom a token is given: whoever asks for the next page must be the same."""

NOBODY: Final = Holder("")
"""Where callers are not told apart."""
TOKEN_LIFE_SECONDS: Final = 3_600
_SECOND: Final = 1_000_000
_NONCE_BYTES: Final = 12
_MAX_TOKEN_CHARS: Final = 8_192
_SHORT_CHARS: Final = 1_024
"""Characters of a query that a token has within itself."""
_KEY_NAME: Final = "page-tokens"
_EXPIRES: Final = "expires"


@dataclass(frozen=True, slots=True)
class SealedPage:
    """A token and until when it is good."""

    token: PageToken
    expires: Micros


def seal_token(
    store: EventStore, tenant: Tenant, holder: Holder, content: JsonObject
) -> SealedPage:
    """Return a token of some content, good from now on for an hour."""
    expires = Micros(store.clock.now() + TOKEN_LIFE_SECONDS * _SECOND)
    data = zlib.compress(orjson.dumps({**content, _EXPIRES: expires}), 9)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(store).encrypt(nonce, data, _bound_to(tenant, holder))
    return SealedPage(_text(nonce + sealed), expires)


def open_token(store: EventStore, tenant: Tenant, holder: Holder, token: PageToken) -> JsonObject:
    """Return the content of a token.

    Raises:
        PageTokenWrong: it was not made here, was changed, is another's, or was released.
        PageTokenExpired: it is older than an hour.
    """
    data = _unsealed(store, tenant, holder, token)
    content = cast(JsonObject, orjson.loads(zlib.decompress(data)))
    expires = Micros(cast(int, content.pop(_EXPIRES)))
    if expires <= store.clock.now():
        raise PageTokenExpired(moment_text(expires))
    if _row(store, tenant, _released(token)) is not None:
        raise PageTokenWrong
    return content


def release_token(store: EventStore, tenant: Tenant, holder: Holder, token: PageToken) -> None:
    """Make a token good for nothing, before its time.

    Raises:
        PageTokenWrong, PageTokenExpired: it is good for nothing already.
    """
    open_token(store, tenant, holder, token)
    _put(store, tenant, _released(token), "")


def keep_definition(store: EventStore, tenant: Tenant, definition: str) -> JsonObject:
    """Return a query as a token has it: itself, or the digest under which it is kept."""
    if len(definition) <= _SHORT_CHARS:
        return {"query": definition}
    digest = hashlib.sha256(definition.encode("utf-8")).hexdigest()
    _put(store, tenant, _kept(tenant, digest), definition)
    return {"digest": digest}


def kept_definition(store: EventStore, tenant: Tenant, content: JsonObject) -> str:
    """Return the query of a token's content.

    Raises:
        PageTokenWrong: it is kept no more.
    """
    if "query" in content:
        return str(content["query"])
    found = _row(store, tenant, _kept(tenant, str(content["digest"])))
    if found is None:
        raise PageTokenWrong
    return found


def _unsealed(store: EventStore, tenant: Tenant, holder: Holder, token: PageToken) -> bytes:
    if len(token) > _MAX_TOKEN_CHARS:
        raise PageTokenWrong
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        # One content has one token: whoever releases it has released all of its spellings.
        if len(nonce) < _NONCE_BYTES or _text(sealed) != token:
            raise PageTokenWrong
        return _cipher(store).decrypt(nonce, rest, _bound_to(tenant, holder))
    except (binascii.Error, ValueError, InvalidTag):
        raise PageTokenWrong from None


def _text(sealed: bytes) -> PageToken:
    return PageToken(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii"))


def _cipher(store: EventStore) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(store.secret(_KEY_NAME))


def _bound_to(tenant: Tenant, holder: Holder) -> bytes:
    return f"{tenant.number}:{holder}".encode()


def _released(token: PageToken) -> str:
    return f"released:{hashlib.sha256(token.encode('utf-8')).hexdigest()}"


def _kept(tenant: Tenant, digest: str) -> str:
    return f"query:{tenant.number}:{digest}"


def _row(store: EventStore, tenant: Tenant, name: str) -> str | None:
    query = select(PAGE_TOKENS.c.query).where(
        PAGE_TOKENS.c.token == name, PAGE_TOKENS.c.tenant == tenant.number
    )
    with store.reading() as connection:
        return connection.execute(query).scalar()


def _put(store: EventStore, tenant: Tenant, name: str, text: str) -> None:
    """Keep a row for twice as long as any token; sweep those that nobody can ask for."""
    now = store.clock.now()
    expires = now + 2 * TOKEN_LIFE_SECONDS * _SECOND

    def work(connection: Connection) -> None:
        connection.execute(delete(PAGE_TOKENS).where(PAGE_TOKENS.c.expires_us < now))
        mine = PAGE_TOKENS.c.token == name
        done = connection.execute(update(PAGE_TOKENS).where(mine).values(expires_us=expires))
        if done.rowcount == 0:
            row = {"token": name, "tenant": tenant.number, "query": text, "position": ""}
            connection.execute(insert(PAGE_TOKENS).values(**row, expires_us=expires))

    if not _is_fresh(store, name, now + TOKEN_LIFE_SECONDS * _SECOND):
        store.write(work)


def _is_fresh(store: EventStore, name: str, until: int) -> bool:
    query = select(PAGE_TOKENS.c.expires_us).where(PAGE_TOKENS.c.token == name)
    with store.reading() as connection:
        found = connection.execute(query).scalar()
    return found is not None and found > until
