"""Queries, read: parameters of a URL or of JSON in, a `Query` or a named refusal out.

Every family of the simple event query is known (EPCIS 2.0, section 8.2.7.1): under the names of the
REST binding, where an extension is ``prefix:name``, and under those of SOAP, where it is
``namespace#name``. A value that is a list in JSON is separated by ``|`` in a URL. An unknown
parameter is refused, never passed over: the answer would be another than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NewType

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces, read_context
from lodeline.exchange.epcis.document import Event
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.json_out import event_bytes
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.families import FIXED, Built, Need, extension_source, open_family
from lodeline.node.events.moments import Micros
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.predicates import Condition, EventView, Source
from lodeline.node.events.query_refusals import (
    ParameterNeeds,
    ParametersExclude,
    ParameterTwice,
    ParameterUnknown,
    QueryNotObject,
    QueryTooLong,
    QueryTooManyValues,
)

__all__ = [
    "EVENT_TIME",
    "EVERY_MOMENT",
    "MAX_PER_PAGE",
    "MAX_QUERY_BYTES",
    "MAX_VALUES",
    "PER_PAGE",
    "RECORD_TIME",
    "Asked",
    "Order",
    "OrderField",
    "Query",
    "Window",
    "parse_pairs",
    "parse_query",
    "read_definition",
]

PER_PAGE: Final = 30
"""Events of one page where nobody says how many."""
MAX_PER_PAGE: Final = 1_000
"""Events of one page at most; whoever asks for more gets these."""
MAX_VALUES: Final = 1_000
"""Parameters and values of one query."""
MAX_QUERY_BYTES: Final = 128 * 1024
_NO_EXTENSIONS: Final[Namespaces] = {}
_CONTEXT: Final = "@context"
_ORDERING: Final = ("orderBy", "orderDirection", "eventCountLimit", "maxEventCount")


OrderField = NewType("OrderField", str)
"""Whose order the events come in: ``eventTime``, ``recordTime`` or an extension's name."""

EVENT_TIME: Final = OrderField("eventTime")
RECORD_TIME: Final = OrderField("recordTime")


@dataclass(frozen=True, slots=True)
class Order:
    """In which order events come."""

    field: OrderField
    is_falling: bool
    source: Source | None = None
    """Where the value is that an extension orders by."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, open at either end."""

    since: Micros | None = None
    """Not before."""
    until: Micros | None = None
    """Before."""

    @property
    def is_open(self) -> bool:
        """Whether every moment lies in it."""
        return self.since is None and self.until is None


EVERY_MOMENT: Final = Window()


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for, apart from the page. Only this module makes one."""

    conditions: tuple[Condition, ...]
    """All of them, those included that columns of the store decide."""
    needs: tuple[Need, ...]
    """Conditions that master data must complete."""
    event_time: Window
    record_time: Window
    declared: Window
    actions: tuple[str, ...]
    """Empty where any will do."""
    event_ids: tuple[str, ...]
    """Empty where any will do."""
    order: Order | None
    limit: int | None
    """``eventCountLimit``: no more than these, of all pages together."""
    most: int | None
    """``maxEventCount``: a refusal where there are more."""
    definition: str
    """The query as canonical JSON, by which it is stored and compared."""

    def matches(self, event: EventView) -> bool:
        """Whether every condition holds; those that need master data must have been completed.

        Raises:
            ValueError: master data is needed; see `resolving.resolved`.
        """
        if self.needs:
            message = f"{self.needs[0].parameter} was not completed with master data"
            raise ValueError(message)
        return all(condition.holds(event) for condition in self.conditions)

    @property
    def is_exact(self) -> bool:
        """Whether a condition looks at numbers."""
        return any(condition.is_exact for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and which page of its answer is wanted."""

    query: Query
    per_page: int
    token: str | None


def parse_pairs(pairs: Iterable[tuple[str, str]], extensions: Namespaces = _NO_EXTENSIONS) -> Asked:
    """Return what a query string asks for.

    Args:
        pairs: names and values in their order, unescaped.
        extensions: prefixes that are declared outside (``GS1-Extensions``).

    Raises:
        QueryParameterException, QueryTooComplexException: the class says why.
        ContextRefused: a declared prefix is not taken.
    """
    found: dict[str, JsonValue] = {}
    for name, value in pairs:
        if name in found:
            raise ParameterTwice(name)
        parts: list[JsonValue] = [part for part in value.split("|") if part]
        found[name] = parts
    token = found.pop("nextPageToken", None)
    per_page = found.pop("perPage", None)
    return Asked(
        parse_query(found, extensions),
        PER_PAGE
        if per_page is None
        else min(Values("perPage", per_page).count(least=1), MAX_PER_PAGE),
        None if token is None else Values("nextPageToken", token).text(),
    )


def parse_query(value: JsonValue, extensions: Namespaces = _NO_EXTENSIONS) -> Query:
    """Return the query that a JSON object of parameters is (``query-schema.json``).

    Numbers must be exact, as `lodeline.exchange.epcis.json_in.parse_json` gives them.

    Raises:
        QueryNotObject: it is no object.
        QueryParameterException, QueryTooComplexException: the class says why.
        ContextRefused: a declared prefix is not taken.
    """
    if not isinstance(value, dict):
        raise QueryNotObject(type(value).__name__)
    namespaces = read_context(dict(extensions), BUILT_IN)
    if _CONTEXT in value:
        namespaces = read_context(value[_CONTEXT], namespaces)
    parameters = {name: value[name] for name in sorted(value) if name != _CONTEXT}
    _check_size(parameters)
    built = [
        _built(name, inner, namespaces)
        for name, inner in parameters.items()
        if name not in _ORDERING
    ]
    order, limit, most = _ordering(parameters, namespaces)
    return Query(
        tuple(each for each in built if isinstance(each, Condition)),
        tuple(each for each in built if isinstance(each, Need)),
        _window(parameters, "eventTime"),
        _window(parameters, "recordTime"),
        _declared(parameters),
        _texts(parameters, "EQ_action"),
        _texts(parameters, "EQ_eventID"),
        order,
        limit,
        most,
        _definition(parameters, namespaces),
    )


def read_definition(definition: str) -> Query:
    """Return the query of a definition that a query gave."""
    return parse_query(parse_json(definition.encode("utf-8")))


def _built(name: str, value: JsonValue, namespaces: Namespaces) -> Built:
    values = Values(name, value, namespaces)
    fixed = FIXED.get(name)
    return fixed(values) if fixed is not None else open_family(values)


def _check_size(parameters: Mapping[str, JsonValue]) -> None:
    count = sum(len(value) if isinstance(value, list) else 1 for value in parameters.values())
    if count > MAX_VALUES:
        raise QueryTooManyValues(count, MAX_VALUES)


def _definition(parameters: JsonObject, namespaces: Namespaces) -> str:
    declared: JsonObject = {
        prefix: iri for prefix, iri in namespaces.items() if prefix not in BUILT_IN
    }
    context: JsonObject = {_CONTEXT: declared} if declared else {}
    data = event_bytes(Event({**parameters, **context}))
    if len(data) > MAX_QUERY_BYTES:
        raise QueryTooLong(len(data), MAX_QUERY_BYTES)
    return data.decode("utf-8")


def _window(parameters: Mapping[str, JsonValue], field: str) -> Window:
    since, until = f"GE_{field}", f"LT_{field}"
    return Window(
        Values(since, parameters[since]).moment() if since in parameters else None,
        Values(until, parameters[until]).moment() if until in parameters else None,
    )


def _declared(parameters: Mapping[str, JsonValue]) -> Window:
    """The window of error declarations, under either spelling of its parameters."""
    one = _window(parameters, "errorDeclarationTime")
    other = _window(parameters, "errorDeclaration_Time")
    since = [moment for moment in (one.since, other.since) if moment is not None]
    until = [moment for moment in (one.until, other.until) if moment is not None]
    return Window(max(since, default=None), min(until, default=None))


def _texts(parameters: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    return Values(name, parameters[name]).texts() if name in parameters else ()


def _ordering(
    parameters: Mapping[str, JsonValue], namespaces: Namespaces
) -> tuple[Order | None, int | None, int | None]:
    """Order and bounds of the answer, checked against one another."""
    given = {
        name: Values(name, parameters[name], namespaces) for name in _ORDERING if name in parameters
    }
    direction = given.get("orderDirection")
    falls = direction is None or direction.word(("ASC", "DESC")) == "DESC"
    order = _order(given["orderBy"], is_falling=falls) if "orderBy" in given else None
    limit, most = given.get("eventCountLimit"), given.get("maxEventCount")
    if limit is not None and most is not None:
        raise ParametersExclude("eventCountLimit", "maxEventCount")
    if limit is not None and order is None:
        raise ParameterNeeds("eventCountLimit", "orderBy")
    return (
        order,
        None if limit is None else limit.count(least=1),
        None if most is None else most.count(least=0),
    )


def _order(values: Values, *, is_falling: bool) -> Order:
    name = values.text()
    if name in {EVENT_TIME, RECORD_TIME}:
        return Order(OrderField(name), is_falling)
    if re.search(r"[:#]", name) is None:
        raise ParameterUnknown(name)
    return Order(OrderField(name), is_falling, extension_source(values, name))
