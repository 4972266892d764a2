"""Named queries: views on the events of a tenant, kept in the store (EPCIS 2.0, section 8.2.4).

A name is given once: a query does not change, it is deleted and made again, so that whoever has
subscribed to it keeps being told what was subscribed to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

from sqlalchemy import Connection, RowMapping, delete, insert, select

from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros
from lodeline.node.events.paging import (
    NOBODY,
    Holder,
    PageToken,
    SealedPage,
    open_token,
    seal_token,
)
from lodeline.node.events.parameters import MAX_PER_PAGE, PER_PAGE, Query, read_definition
from lodeline.node.events.query_refusals import (
    NamedQueryTaken,
    NamedQueryUnknown,
    PageTokenWrong,
    ParameterCountWrong,
    QueryNameWrong,
)
from lodeline.node.events.schema import NAMED_QUERIES, SUBSCRIPTIONS
from lodeline.node.events.store import EventStore, Tenant

__all__ = [
    "MAX_NAME_CHARS",
    "NamedQueries",
    "NamedQuery",
    "QueryName",
    "create_query",
    "delete_query",
    "list_queries",
    "named_query",
    "query_name",
]

QueryName = NewType("QueryName", str)
"""What stands in ``/queries/{queryName}``, made by `query_name`."""
MAX_NAME_CHARS: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LIST: Final = "queries"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query and what is known of it."""

    name: QueryName
    query: Query
    created: Micros
    created_by: Who


@dataclass(frozen=True, slots=True)
class NamedQueries:
    """One page of the list of queries."""

    members: tuple[NamedQuery, ...]
    next: SealedPage | None
    """Nothing on the last page."""


def query_name(text: str) -> QueryName:
    """Return the name that a text is.

    Raises:
        QueryNameWrong: it is empty, too long, or would have to be escaped in a path.
    """
    if len(text) > MAX_NAME_CHARS or _NAME.fullmatch(text) is None:
        raise QueryNameWrong(text[:MAX_NAME_CHARS], MAX_NAME_CHARS)
    return QueryName(text)


def create_query(
    store: EventStore, tenant: Tenant, name: QueryName, query: Query, who: Who
) -> NamedQuery:
    """Keep a query under a name; the same query again is known, not an error.

    Raises:
        NamedQueryTaken: another query has the name.
        StoreUnreachable: nothing was written.
    """
    made = NamedQuery(name, query, store.clock.now(), who)

    def work(connection: Connection) -> NamedQuery:
        row = _row(connection, tenant, name)
        if row is not None:
            if row["query"] != query.definition:
                raise NamedQueryTaken(name)
            return _named(row)
        connection.execute(
            insert(NAMED_QUERIES).values(
                tenant=tenant.number,
                name=name,
                query=query.definition,
                created_us=made.created,
                created_by=who,
            )
        )
        return made

    return store.write(work)


def named_query(store: EventStore, tenant: Tenant, name: QueryName) -> NamedQuery:
    """Return the query of a name.

    Raises:
        NamedQueryUnknown: there is none.
    """
    with store.reading() as connection:
        row = _row(connection, tenant, name)
    if row is None:
        raise NamedQueryUnknown(name)
    return _named(row)


def list_queries(
    store: EventStore,
    tenant: Tenant,
    token: PageToken | None = None,
    *,
    per_page: int = PER_PAGE,
    holder: Holder = NOBODY,
    of: Who | None = None,
) -> NamedQueries:
    """Return a page of all queries, in the order of their names; of one maker's where ``of`` is.

    Raises:
        ParameterCountWrong: a page of nothing is asked for.
        PageTokenWrong, PageTokenExpired: the token is not good for this list.
    """
    if per_page < 1:
        raise ParameterCountWrong("perPage", str(per_page), 1)
    size = min(per_page, MAX_PER_PAGE)
    after = ""
    if token is not None:
        content = open_token(store, tenant, holder, token)
        if content.get("of") != _LIST:
            raise PageTokenWrong
        after = str(content["after"])
    rows = _rows_after(store, tenant, after, size + 1, of)
    members = tuple(_named(row) for row in rows[:size])
    if len(rows) <= size:
        return NamedQueries(members, None)
    end: JsonObject = {"of": _LIST, "after": members[-1].name}
    return NamedQueries(members, seal_token(store, tenant, holder, end))


def delete_query(store: EventStore, tenant: Tenant, name: QueryName) -> None:
    """Forget a query, and with it every subscription to it, in one transaction.

    Not done: telling those whose connections are open; whoever serves them looks here.

    Raises:
        NamedQueryUnknown: there is none.
    """

    def work(connection: Connection) -> None:
        if _row(connection, tenant, name) is None:
            raise NamedQueryUnknown(name)
        connection.execute(
            delete(SUBSCRIPTIONS).where(
                SUBSCRIPTIONS.c.tenant == tenant.number, SUBSCRIPTIONS.c.query_name == name
            )
        )
        connection.execute(
            delete(NAMED_QUERIES).where(
                NAMED_QUERIES.c.tenant == tenant.number, NAMED_QUERIES.c.name == name
            )
        )

    store.write(work)


def _row(connection: Connection, tenant: Tenant, name: QueryName) -> RowMapping | None:
    query = select(NAMED_QUERIES).where(
        NAMED_QUERIES.c.tenant == tenant.number, NAMED_QUERIES.c.name == name
    )
    return connection.execute(query).mappings().one_or_none()


def _rows_after(
    store: EventStore, tenant: Tenant, after: str, size: int, of: Who | None
) -> Sequence[RowMapping]:
    query = (
        select(NAMED_QUERIES)
        .where(NAMED_QUERIES.c.tenant == tenant.number, NAMED_QUERIES.c.name > after)
        .order_by(NAMED_QUERIES.c.name)
        .limit(size)
    )
    if of is not None:
        query = query.where(NAMED_QUERIES.c.created_by == of)
    with store.reading() as connection:
        return connection.execute(query).mappings().all()


def _named(row: RowMapping) -> NamedQuery:
    return NamedQuery(
        QueryName(row["name"]),
        read_definition(row["query"]),
        Micros(row["created_us"]),
        Who(row["created_by"]),
    )
