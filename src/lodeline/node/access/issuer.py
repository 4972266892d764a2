"""An issuer of identities over HTTP: its discovery document and its keys, fetched with bounds.

Both are kept for an hour. A token with a key that is not known has them fetched again, at most once
a minute, so that made-up tokens cannot make this node hammer the issuer. Where the issuer does not
answer, what is known from before is used for a day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol, cast

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from lodeline.node.access.accounts import IssuerUrl
from lodeline.node.access.openid_refusals import IssuerAnswerWrong, IssuerUnreachable
from lodeline.node.access.openid_settings import is_safe_url
from lodeline.node.events.moments import MicroClock, Micros

__all__ = ["MAX_ANSWER_BYTES", "Endpoints", "Fetch", "HttpFetch", "Issuer"]

MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_KEYS: Final = 64
_MIN_MODULUS: Final = 342
"""Characters of base64url that 2,048 bits have (RFC 7518, 3.3)."""
_SECONDS: Final = 5.0
_SECOND: Final = 1_000_000
_FRESH: Final = 3_600 * _SECOND
_STALE: Final = 86_400 * _SECOND
_NOT_BEFORE: Final = 60 * _SECOND


class Fetch(Protocol):
    """How an issuer is asked."""

    def get(self, url: str) -> bytes:
        """Return what an address answers.

        Raises:
            IssuerUnreachable: nothing, too much, too late, or another status than 200.
        """

    def post(self, url: str, form: Mapping[str, str], secret: tuple[str, str] | None) -> bytes:
        """Return what an address answers to a form.

        Args:
            url: the address.
            form: fields of the form.
            secret: client id and secret, where the client has one.

        Raises:
            IssuerUnreachable: nothing, too much, too late, or another status than 200.
        """


class HttpFetch:
    """Asks over HTTP: no redirects, no proxies of the environment, bounded time and size."""

    def __init__(self, issuer: IssuerUrl, transport: httpx.BaseTransport | None = None) -> None:
        self._issuer = issuer
        self._client = httpx.Client(
            timeout=_SECONDS, follow_redirects=False, trust_env=False, transport=transport
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str) -> bytes:
        """Return what an address answers."""
        return self._answer(self._client.build_request("GET", url), None)

    def post(self, url: str, form: Mapping[str, str], secret: tuple[str, str] | None) -> bytes:
        """Return what an address answers to a form."""
        return self._answer(self._client.build_request("POST", url, data=dict(form)), secret)

    def _answer(self, request: httpx.Request, secret: tuple[str, str] | None) -> bytes:
        auth = None if secret is None else httpx.BasicAuth(*secret)
        request.headers["Accept"] = "application/json"
        try:
            response = self._client.send(request, auth=auth, stream=True)
            try:
                return self._bounded(response)
            finally:
                response.close()
        except httpx.HTTPError as failed:
            raise IssuerUnreachable(self._issuer, type(failed).__name__) from failed

    def _bounded(self, response: httpx.Response) -> bytes:
        if response.status_code != httpx.codes.OK:
            raise IssuerUnreachable(self._issuer, f"HTTP {response.status_code}")
        data = bytearray()
        for piece in response.iter_bytes():
            data += piece
            if len(data) > MAX_ANSWER_BYTES:
                raise IssuerUnreachable(self._issuer, f"more than {MAX_ANSWER_BYTES} bytes")
        return bytes(data)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a discovery document says that is used here (OpenID Connect Discovery 1.0, 3)."""

    authorization: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class _Known:
    endpoints: Endpoints
    keys: KeySet
    fetched: Micros


class Issuer:
    """One issuer, asked when needed and remembered for a while.

    Args:
        url: what names it.
        fetch: how it is asked.
        clock: the time of day.
    """

    def __init__(self, url: IssuerUrl, fetch: Fetch, clock: MicroClock) -> None:
        self.url: Final = url
        self._fetch = fetch
        self._clock = clock
        self._fetching = Lock()
        self._known: _Known | None = None
        self._tried: Micros | None = None

    def endpoints(self) -> Endpoints:
        """Return where the issuer takes sign-ins.

        Raises:
            IssuerUnreachable: it does not answer, and nothing is known from before.
            IssuerAnswerWrong: its answer is not that of this issuer.
        """
        return self._current(_FRESH).endpoints

    def keys(self, kid: str | None) -> KeySet:
        """Return the keys that sign for the issuer.

        Args:
            kid: the key that is looked for; where it is not known, keys are fetched again.

        Raises:
            IssuerUnreachable: it does not answer, and nothing is known from before.
            IssuerAnswerWrong: its answer is not that of this issuer.
        """
        known = self._current(_FRESH)
        if kid is None or any(key.kid == kid for key in known.keys.keys):
            return known.keys
        return self._current(_NOT_BEFORE).keys

    def redeemed(self, form: Mapping[str, str], secret: tuple[str, str] | None) -> str:
        """Return the identity token that the issuer gives for the code of a sign-in.

        Raises:
            IssuerUnreachable: it does not answer.
            IssuerAnswerWrong: there is none in the answer.
        """
        tree = self._json(self._fetch.post(self.endpoints().token, form, secret), "token")
        return self._text(tree, "id_token")

    def _current(self, fresh: int) -> _Known:
        """What is known if it is younger than that; else what is fetched now, if it may be.

        While one fetches, others go on with what is known; they wait only where that is nothing.
        """
        now = self._clock.now()
        known = self._known
        if known is not None and now - known.fetched < fresh:
            return known
        if self._fetching.acquire(blocking=known is None):
            try:
                known = self._renewed(now)
            finally:
                self._fetching.release()
        if known is None or now - known.fetched > _STALE:
            raise IssuerUnreachable(self.url, "it failed a moment ago")
        return known

    def _renewed(self, now: Micros) -> _Known | None:
        if self._tried is None or now - self._tried >= _NOT_BEFORE:
            self._tried = now
            self._known = self._fetched(now)
        return self._known

    def _fetched(self, now: Micros) -> _Known:
        """What the issuer says now, or what it said before where it does not answer."""
        try:
            found = self._discovered()
            keys = self._key_set(self._json(self._fetch.get(found.keys), "jwks"))
        except (IssuerUnreachable, IssuerAnswerWrong):
            if self._known is None:
                raise
            return self._known
        return _Known(found, keys, now)

    def _discovered(self) -> Endpoints:
        where = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        tree = self._json(self._fetch.get(where), "configuration")
        if tree.get("issuer") != self.url:
            raise IssuerAnswerWrong(self.url, "issuer")
        return Endpoints(
            self._safe(tree, "authorization_endpoint"),
            self._safe(tree, "token_endpoint"),
            self._safe(tree, "jwks_uri"),
        )

    def _key_set(self, tree: Mapping[str, object]) -> KeySet:
        listed = tree.get("keys")
        if not isinstance(listed, list) or not 0 < len(listed) <= _MAX_KEYS:
            raise IssuerAnswerWrong(self.url, "keys")
        signing = [key for item in listed if (key := _signing_key(item)) is not None]
        if not signing:
            raise IssuerAnswerWrong(self.url, "keys")
        return KeySet(signing)

    def _safe(self, tree: Mapping[str, object], name: str) -> str:
        url = self._text(tree, name)
        if not is_safe_url(url):
            raise IssuerAnswerWrong(self.url, name)
        return url

    def _text(self, tree: Mapping[str, object], name: str) -> str:
        value = tree.get(name)
        if not isinstance(value, str):
            raise IssuerAnswerWrong(self.url, name)
        return value

    def _json(self, data: bytes, name: str) -> Mapping[str, object]:
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            raise IssuerAnswerWrong(self.url, name) from None
        if not isinstance(tree, dict):
            raise IssuerAnswerWrong(self.url, name)
        return cast(Mapping[str, object], tree)


def _signing_key(item: object) -> Key | None:
    """Return a key of a set; nothing where it is not understood or no key to verify with.

    What is not understood is passed over, so that an issuer can bring in new kinds of keys (RFC
    7517, section 5). Keys that are shared, private, short or for encryption verify nothing.
    """
    if not isinstance(item, dict) or item.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    is_short = item["kty"] == "RSA" and len(str(item.get("n", ""))) < _MIN_MODULUS
    if is_short or "d" in item or item.get("use", "sig") != "sig":
        return None
    try:
        return import_key(cast(dict[str, str | list[str]], item))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
