"""An event store on each kind of database, a clock that is set, and passwords that are cheap."""

from dataclasses import dataclass

import pytest
from tests.node.events.conftest import (  # noqa: F401 - fixtures
    SetClock,
    clock,
    database,
    miner,
    postgres,
    refiner,
    sqlite_store,
    store,
)

from lodeline.node.access.accounts import NewAccount, add_account, set_password
from lodeline.node.access.authenticating import Access
from lodeline.node.access.callers import PartnerName, UserName
from lodeline.node.access.passwords import Cost, new_password
from lodeline.node.access.roles import Role
from lodeline.node.access.tokens import BearerToken, issue_token
from lodeline.node.events.jobs import Who
from lodeline.node.events.store import EventStore, Tenant, TenantName

CHEAP = Cost(passes=1, lanes=1, kibibytes=8)
PASSWORD = "copper wire and a lantern"
ADMIN = Who("root")


@dataclass
class House:
    """A company with accounts, and who decides about access to it."""

    store: EventStore
    access: Access
    tenant: Tenant

    def account(
        self, name: str, *roles: Role, partner: str | None = None, password: str | None = None
    ) -> UserName:
        whose = None if partner is None else PartnerName(partner)
        user = UserName(name)
        add_account(
            self.store, self.tenant, NewAccount(user, frozenset(roles), partner=whose), ADMIN
        )
        if password is not None:
            set_password(
                self.store, self.tenant, user, new_password(password), by=ADMIN, cost=CHEAP
            )
        return user

    def token(self, name: str, *roles: Role, partner: str | None = None) -> BearerToken:
        user = self.account(name, *roles, partner=partner)
        return issue_token(self.store, self.tenant, user, by=ADMIN, days=30).bearer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def house(store: EventStore) -> House:  # noqa: F811 - the fixture
    return House(store, Access(store, cost=CHEAP), store.tenant(TenantName("miner")))


@pytest.fixture
def small_house(sqlite_store: EventStore) -> House:  # noqa: F811 - the fixture
    """The same on SQLite alone, for what does not depend on the database."""
    tenant = sqlite_store.tenant(TenantName("miner"))
    return House(sqlite_store, Access(sqlite_store, cost=CHEAP), tenant)
