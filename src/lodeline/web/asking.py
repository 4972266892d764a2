"""One request, after it is known who asks: what a handler gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from lodeline.kernel.errors import Lang
from lodeline.node.access.authenticating import LOCAL
from lodeline.node.access.callers import Caller
from lodeline.node.access.guessing import Source, source_of
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore, Tenant
from lodeline.web.negotiation import (
    CBV_VERSION,
    EPCIS_VERSION,
    Media,
    extensions_of,
    preferred_language,
)
from lodeline.web.service import Service

__all__ = ["Asked", "Handler", "Outsider", "Stranger", "epcis_headers", "segment"]


@dataclass(frozen=True, slots=True)
class Outsider:
    """A request of somebody who need not say who they are."""

    service: Service
    request: Request
    values: Mapping[str, str]
    """Parts of the path by name, unescaped."""
    media: Media
    """Form in which the answer is wanted."""

    @property
    def source(self) -> Source:
        """Where the request comes from."""
        client = self.request.client
        return LOCAL if client is None else source_of(client.host)

    @property
    def lang(self) -> Lang:
        """The language that is preferred."""
        return preferred_language(self.request.headers.get("accept-language", ""))

    def url(self, path: str) -> str:
        """Return the address of a path of this service, as the client reaches it."""
        root = self.service.settings.public_url or str(self.request.scope.get("root_path", ""))
        return f"{root}{path}"


@dataclass(frozen=True, slots=True)
class Asked(Outsider):
    """A request of a caller who may do what it asks for."""

    caller: Caller
    body: bytes = b""

    @property
    def store(self) -> EventStore:
        """The store of the node."""
        return self.service.store

    @property
    def tenant(self) -> Tenant:
        """Whose data is meant."""
        return self.caller.tenant

    @property
    def who(self) -> Who:
        """On whose behalf something is done."""
        return Who(self.caller.user)

    @property
    def extensions(self) -> dict[str, str]:
        """Namespaces that ``GS1-Extensions`` declares.

        Raises:
            ExtensionsMalformed: it declares something else.
        """
        return extensions_of(self.request.headers.getlist("gs1-extensions"))

    def prefers(self, preference: str) -> bool:
        """Return whether ``Prefer`` has a preference, such as ``return=minimal`` (RFC 7240)."""
        found = ",".join(self.request.headers.getlist("prefer"))
        wanted = preference.replace('"', "").lower()
        return wanted in {
            item.partition(";")[0].replace('"', "").replace(" ", "").lower()
            for item in found.split(",")
        }


Handler = Callable[[Asked], Response]
"""Answers a request of a known caller; runs in a thread."""
Stranger = Callable[[Outsider], Response]
"""Answers a request of anybody; runs in a thread."""


def segment(value: str) -> str:
    """Return a value as one part of a path."""
    return quote(value, safe="")


def epcis_headers() -> dict[str, str]:
    """Return the headers of every answer that holds EPCIS data."""
    return {"GS1-EPCIS-Version": EPCIS_VERSION, "GS1-CBV-Version": CBV_VERSION}
