"""A node with two companies, served in this process."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from tests.node.access.conftest import CHEAP, House, bearer
from tests.node.events.conftest import SetClock, clock, sqlite_store  # noqa: F401 - fixtures

from lodeline.node.access.authenticating import Access
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import BearerToken
from lodeline.node.events.store import EventStore, TenantName
from lodeline.web.app import build
from lodeline.web.service import Service
from lodeline.web.settings import WebSettings

EVERYTHING = (Role.REFINER, Role.COMPLIANCE, Role.ADMINISTRATOR)


class Client:
    """Requests to an application in this process, one after another."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self._runner = asyncio.Runner()

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> httpx.Response:
        return self._runner.run(self._request(method, path, headers, body))

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
            return await client.request(method, path, headers=dict(headers), content=body)

    def close(self) -> None:
        self._runner.close()


@dataclass
class Site:
    """A served node: its service, and requests on behalf of somebody."""

    service: Service
    house: House
    client: Client
    tokens: dict[str, BearerToken] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, who: str, headers: Mapping[str, str], body: bytes | None
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        whose = bearer(self.tokens[who]) if who else {}
        return self.client.request(method, path, {**whose, **named}, body)

    def get(self, path: str, who: str = "ada", **headers: str) -> httpx.Response:
        return self.ask("GET", path, who, headers, None)

    def options(self, path: str, who: str = "ada", **headers: str) -> httpx.Response:
        return self.ask("OPTIONS", path, who, headers, None)

    def delete(self, path: str, who: str = "ada", **headers: str) -> httpx.Response:
        return self.ask("DELETE", path, who, headers, None)

    def post(
        self,
        path: str,
        body: bytes,
        media: str = "application/json",
        who: str = "ada",
        **headers: str,
    ) -> httpx.Response:
        return self.ask("POST", path, who, {"Content-Type": media, **headers}, body)


def site_of(store: EventStore, settings: WebSettings) -> Site:
    """A site of which ada is in the miner's company, and bob in the refiner's."""
    access = Access(store, cost=CHEAP)
    miner = House(store, access, store.tenant(TenantName("miner")))
    refiner = House(store, access, store.tenant(TenantName("refiner")))
    service = Service(store, access, settings)
    client = Client(build(service))
    site = Site(service, miner, client)
    site.tokens["ada"] = miner.token("ada", *EVERYTHING)
    site.tokens["bob"] = refiner.token("bob", *EVERYTHING)
    return site


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings()


@pytest.fixture
def site(sqlite_store: EventStore, settings: WebSettings) -> Iterator[Site]:  # noqa: F811
    site = site_of(sqlite_store, settings)
    yield site
    site.client.close()
