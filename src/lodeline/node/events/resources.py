"""The lists at the top of the interface: which kinds of event, things, steps and places there are.

A list is of what events speak of, in canonical spelling (`terms.term_value`), in the order of that
spelling; a page costs the same wherever it lies. What nobody speaks of any more, since retention
has removed the events, is not listed. The lists are of all events of a tenant: whoever may see only
some of them must not be given a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select

from lodeline.exchange.epcis.context import Namespaces
from lodeline.exchange.epcis.fields import EVENT_TYPES
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.exchange.epcis.vocabulary import BIZ_STEP, DISPOSITION, Vocabulary
from lodeline.node.events.candidates import Index
from lodeline.node.events.paging import (
    NOBODY,
    Holder,
    PageToken,
    SealedPage,
    open_token,
    seal_token,
)
from lodeline.node.events.parameters import MAX_PER_PAGE, PER_PAGE
from lodeline.node.events.predicates import read_event
from lodeline.node.events.query_refusals import (
    PageTokenWrong,
    ParameterCountWrong,
    ResourceUnknown,
)
from lodeline.node.events.schema import EVENT_TERMS, EVENTS
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.events.terms import TermKind, TermValue, term_value

__all__ = ["Listed", "Resource", "check_resource", "list_resource", "resource_query"]

_SHORTENED: Final = "#sha-256;"
"""Stands in values of the index that are not whole."""


class Resource(StrEnum):
    """A list, by its path."""

    EVENT_TYPES = "eventTypes"
    EPCS = "epcs"
    BIZ_STEPS = "bizSteps"
    BIZ_LOCATIONS = "bizLocations"
    READ_POINTS = "readPoints"
    DISPOSITIONS = "dispositions"


@dataclass(frozen=True, slots=True)
class _Shape:
    parameter: str
    kinds: tuple[TermKind, ...]
    words: Vocabulary | None = None


_SHAPES: Final = {
    Resource.EVENT_TYPES: _Shape("eventType", (TermKind.TYPE,)),
    Resource.EPCS: _Shape(
        "MATCH_anyEPC",
        (TermKind.EPC, TermKind.PARENT, TermKind.INPUT_EPC, TermKind.OUTPUT_EPC),
    ),
    Resource.BIZ_STEPS: _Shape("EQ_bizStep", (TermKind.BIZ_STEP,), BIZ_STEP),
    Resource.BIZ_LOCATIONS: _Shape("EQ_bizLocation", (TermKind.BIZ_LOCATION,)),
    Resource.READ_POINTS: _Shape("EQ_readPoint", (TermKind.READ_POINT,)),
    Resource.DISPOSITIONS: _Shape("EQ_disposition", (TermKind.DISPOSITION,), DISPOSITION),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list."""

    members: tuple[str, ...]
    next: SealedPage | None
    """Nothing on the last page."""


def list_resource(
    store: EventStore,
    tenant: Tenant,
    resource: Resource,
    token: PageToken | None = None,
    *,
    per_page: int = PER_PAGE,
    holder: Holder = NOBODY,
) -> Listed:
    """Return a page of a list; kinds of event begin with the five of the standard.

    Raises:
        ParameterCountWrong: a page of nothing is asked for.
        PageTokenWrong, PageTokenExpired: the token is not good for this list.
        StoreUnreachable: the database does not answer.
    """
    if per_page < 1:
        raise ParameterCountWrong("perPage", str(per_page), 1)
    size = min(per_page, MAX_PER_PAGE)
    after = "" if token is None else _after(store, tenant, holder, resource, token)
    with store.reading() as connection:
        index = Index(connection, tenant)
        found = _page(index, resource, after, size + 1)
        members = tuple(_whole(index, resource, value) for value in found[:size])
    if len(found) <= size:
        return Listed(members, None)
    content: JsonObject = {"of": resource.value, "after": found[size - 1]}
    return Listed(members, seal_token(store, tenant, holder, content))


def check_resource(
    store: EventStore,
    tenant: Tenant,
    resource: Resource,
    value: str,
    namespaces: Namespaces | None = None,
) -> None:
    """Refuse a member of a list that no event speaks of.

    Raises:
        ResourceUnknown: there is none.
    """
    shape = _SHAPES[resource]
    if resource is Resource.EVENT_TYPES and value in EVENT_TYPES:
        return
    bare = value if shape.words is None else shape.words.bare(value)
    term = term_value(bare, namespaces) if namespaces else term_value(bare)
    with store.reading() as connection:
        if not _is_spoken_of(Index(connection, tenant), shape.kinds, term):
            raise ResourceUnknown(resource.value, value)


def resource_query(resource: Resource, value: str) -> JsonObject:
    """Return the parameter that asks for the events of a member, as JSON for `parse_query`."""
    return {_SHAPES[resource].parameter: [value]}


def _after(
    store: EventStore, tenant: Tenant, holder: Holder, resource: Resource, token: PageToken
) -> str:
    content = open_token(store, tenant, holder, token)
    if content.get("of") != resource.value:
        raise PageTokenWrong
    return str(content["after"])


def _page(index: Index, resource: Resource, after: str, size: int) -> list[TermValue]:
    """The next values of a list that some event still speaks of."""
    kinds = _SHAPES[resource].kinds
    standard = (
        [TermValue(name) for name in sorted(EVENT_TYPES)]
        if resource is Resource.EVENT_TYPES
        else []
    )
    found = [name for name in standard if name > after]
    for value in _values(index, kinds, after):
        if len(found) >= size and value > found[size - 1]:
            break
        if value not in standard and _is_spoken_of(index, kinds, value):
            found.append(value)
            found.sort()
    return found[:size]


def _values(index: Index, kinds: tuple[TermKind, ...], after: str) -> Iterator[TermValue]:
    """Every value after one, over some kinds, in order: each is one look-up from the last."""
    heads = {kind: _next_value(index, kind, after) for kind in kinds}
    while values := [value for value in heads.values() if value is not None]:
        least = min(values)
        yield least
        for kind, value in heads.items():
            if value == least:
                heads[kind] = _next_value(index, kind, least)


def _next_value(index: Index, kind: TermKind, after: str) -> TermValue | None:
    terms = EVENT_TERMS.c
    query = select(func.min(terms.value)).where(
        terms.tenant == index.tenant.number, terms.kind == kind, terms.value > after
    )
    found = index.connection.execute(query).scalar()
    return None if found is None else TermValue(found)


def _is_spoken_of(index: Index, kinds: tuple[TermKind, ...], value: TermValue) -> bool:
    return _body(index, kinds, value) is not None


def _body(index: Index, kinds: tuple[TermKind, ...], value: TermValue) -> str | None:
    """An event that speaks of a value; terms may outlive their events."""
    terms = EVENT_TERMS.c
    query = (
        select(EVENTS.c.body)
        .join(EVENT_TERMS, terms.seq == EVENTS.c.seq)
        .where(terms.tenant == index.tenant.number, terms.kind.in_(kinds), terms.value == value)
        .where(EVENTS.c.tenant == index.tenant.number)
        .limit(1)
    )
    found = index.connection.execute(query).scalar()
    return None if found is None else str(found)


def _whole(index: Index, resource: Resource, value: TermValue) -> str:
    """A value as it is listed: where the index has it shortened, as an event has it."""
    if _SHORTENED not in value:
        return value
    kinds = _SHAPES[resource].kinds
    body = _body(index, kinds, value)
    if body is None:
        return value
    event = read_event(body, exact=False)
    return next((text for text in _texts(event.value) if event.term(text) == value), value)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
