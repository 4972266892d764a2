"""Reports by HTTP: one POST to the address that was checked, signed, bounded, never redirected.

The signature stands in ``GS1-Signature``: a JSON Web Signature with the body as detached payload
(RFC 7515, appendix F; RFC 7797), HMAC with SHA-256 under the secret of whoever subscribed. Its
protected header has the destination (``aud``), the moment (``iat``) and the number of the report
(``jti``), so that a report is good for nothing elsewhere, and one that comes again is known.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final, NewType, Protocol

import httpx
import orjson

from lodeline.node.events.destinations import (
    Address,
    BoundedResolver,
    Destination,
    DestinationRules,
    Resolver,
    checked_address,
)
from lodeline.node.events.moments import Micros
from lodeline.node.events.subscription_refusals import (
    DestinationAnswered,
    DestinationTooSlow,
    DestinationUnreachable,
)
from lodeline.node.events.subscriptions import SignatureToken

__all__ = ["Message", "Poster", "ReportId", "Webhooks", "signature"]

ReportId = NewType("ReportId", str)
"""Names a report: the subscription and the places of its first and last event."""
_SECONDS: Final = 15
"""For a whole delivery, from the connection to the status of the answer."""
_MAX_WAIT: Final = 3_600
"""Seconds for which a destination can make itself be waited for."""
_CRITICAL: Final = ("b64",)


@dataclass(frozen=True, slots=True)
class Message:
    """A report as it is sent."""

    report_id: ReportId
    destination: Destination
    body: bytes
    moment: Micros
    """When it was made."""
    token: SignatureToken | None = None
    """Secret to sign with; nothing: it is not signed."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the standard wants beside."""


class Poster(Protocol):
    """Whoever sends reports."""

    def post(self, message: Message) -> None:
        """Send a report, and return once its destination has taken it.

        Raises:
            DeliveryRefusal: it did not; the class says why.
        """


def signature(message: Message, token: SignatureToken) -> str:
    """Return the value of ``GS1-Signature`` for a message."""
    header = {
        "alg": "HS256",
        "aud": message.destination.url,
        "b64": False,
        "crit": _CRITICAL,
        "iat": message.moment // 1_000_000,
        "jti": message.report_id,
    }
    protected = _base64url(orjson.dumps(header))
    signed = protected + b"." + message.body
    mac = hmac.digest(token.encode("ascii"), signed, hashlib.sha256)
    return f"{protected.decode()}..{_base64url(mac).decode()}"


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Webhooks:
    """Sends reports over HTTP.

    Args:
        rules: where reports may go beside public hosts.
        resolver: gives the addresses of a name; the machine's, with bounds, where none is given.
        trust: which certificates are believed; the usual authorities where nothing is said.
        seconds: for each delivery.
    """

    def __init__(
        self,
        rules: DestinationRules,
        resolver: Resolver | None = None,
        *,
        trust: ssl.SSLContext | None = None,
        seconds: int = _SECONDS,
    ) -> None:
        self._rules = rules
        self._resolver = resolver or BoundedResolver()
        self._trust = trust or httpx.create_ssl_context(trust_env=False)
        self._seconds = seconds

    def post(self, message: Message) -> None:
        """Send a report to an address that was looked at for this very connection.

        Raises:
            DestinationUnknown, DestinationForbidden, DestinationPlain: nothing was sent.
            DestinationUnreachable, DestinationTooSlow: it is not known whether it arrived.
            DestinationAnswered: the destination did not take it.
        """
        destination = message.destination
        address = checked_address(destination, self._rules, self._resolver)
        try:
            answer = asyncio.run(self._sent(message, address))
        except TimeoutError:
            raise DestinationTooSlow(destination.host, self._seconds) from None
        except (httpx.HTTPError, OSError) as failed:
            reason = type(failed.__cause__ or failed).__name__
            raise DestinationUnreachable(destination.host, reason) from failed
        if not answer.is_success:
            wait = _wait(answer.headers.get("retry-after", ""))
            raise DestinationAnswered(destination.host, answer.status_code, wait)

    async def _sent(self, message: Message, address: Address) -> httpx.Response:
        """Send a request and return its answer, whose body is never read."""
        destination = message.destination
        host = f"[{address}]" if address.version == 6 else str(address)
        url = f"{destination.scheme}://{host}:{destination.port}{destination.target}"
        # The name is what the certificate must have; the address is where the connection goes.
        named = {"sni_hostname": destination.host}
        async with (
            asyncio.timeout(self._seconds),
            httpx.AsyncClient(
                verify=self._trust, trust_env=False, follow_redirects=False, timeout=self._seconds
            ) as client,
            client.stream(
                "POST", url, content=message.body, headers=_headers(message), extensions=named
            ) as answer,
        ):
            return answer


def _headers(message: Message) -> dict[str, str]:
    headers = {
        **message.headers,
        "Host": message.destination.authority,
        "Content-Type": "application/json",
        "User-Agent": f"lodeline/{version('lodeline')}",
        "Idempotency-Key": f'"{message.report_id}"',
    }
    if message.token is not None:
        headers["GS1-Signature"] = signature(message, message.token)
    return headers


def _wait(text: str) -> int:
    """Seconds that a destination wants to be left alone; a date is not taken for one."""
    is_number = text.isascii() and text.isdigit()
    return min(int(text[:9]), _MAX_WAIT) if is_number else 0
