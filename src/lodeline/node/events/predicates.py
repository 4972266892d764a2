"""Conditions of a query as pure values: what of an event is looked at, and what must hold of it.

Every parameter of the standard says the same: of the values in some place of the event, at least
one fulfils a test (EPCIS 2.0, section 8.2.7.1). So a `Condition` is a place and a test; all
conditions of a query must hold. What the index of terms knows of a condition is its `lookup`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Final, Protocol, cast

import orjson

from lodeline.exchange.epcis.context import BUILT_IN
from lodeline.exchange.epcis.errors import EpcisRefused
from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.normal import RDF_VALUE
from lodeline.exchange.epcis.value import ExactNumber, JsonObject, JsonValue, parse_number
from lodeline.node.events.moments import Micros, micros
from lodeline.node.events.patterns import EpcPattern
from lodeline.node.events.terms import TermKind, TermValue, expand_curie, term_value
from lodeline.node.events.units import UnitCode, base_quantity, comparable_units

__all__ = [
    "Check",
    "Comparable",
    "ComparesTo",
    "Comparison",
    "Condition",
    "EventView",
    "Extensions",
    "HasValue",
    "IsTyped",
    "Lookup",
    "Matches",
    "MeasureIs",
    "MomentIs",
    "NumberIs",
    "Place",
    "QualifiedName",
    "SameText",
    "Source",
    "comparable",
    "qualified",
    "read_event",
]


class Comparison(StrEnum):
    """How a value is compared with that of the query."""

    EQ = "EQ"
    GT = "GT"
    GE = "GE"
    LT = "LT"
    LE = "LE"

    def holds(self, found: Fraction | int, wanted: Fraction | int) -> bool:
        """Whether the comparison holds between what an event has and what is wanted."""
        return _HOLDS[self](found, wanted)


_HOLDS: Final[dict[Comparison, Callable[[Fraction | int, Fraction | int], bool]]] = {
    Comparison.EQ: lambda found, wanted: found == wanted,
    Comparison.GT: lambda found, wanted: found > wanted,
    Comparison.GE: lambda found, wanted: found >= wanted,
    Comparison.LT: lambda found, wanted: found < wanted,
    Comparison.LE: lambda found, wanted: found <= wanted,
}


@dataclass(frozen=True, slots=True)
class QualifiedName:
    """Name of an extension: its namespace without a last separator, and the name in it."""

    namespace: str
    local: str


def qualified(name: str, namespaces: Mapping[str, str]) -> QualifiedName | None:
    """Return the name that a CURIE or a whole IRI stands for; nothing where it is neither.

    XML and JSON write namespaces with and without a last separator: it does not count.
    """
    prefix, colon, local = name.partition(":")
    if not colon:
        return None
    if prefix in namespaces and not local.startswith("//"):
        return QualifiedName(namespaces[prefix].rstrip("/#:"), local)
    for separator in "#/:":
        namespace, found, local = name.rpartition(separator)
        if found and ":" in namespace.rstrip("/#:") and local:
            return QualifiedName(namespace.rstrip("/#:"), local)
    return None


class EventView:
    """An event as conditions see it: the stored value and its namespaces."""

    def __init__(self, value: JsonObject) -> None:
        self.value: Final = value

    @cached_property
    def namespaces(self) -> Mapping[str, str]:
        """Namespaces in force, by prefix."""
        declared = cast(dict[str, str], self.value.get("@context"))
        return {**BUILT_IN, **declared} if declared else BUILT_IN

    def term(self, text: str) -> TermValue:
        """Return the spelling under which a text of this event stands in the index."""
        return term_value(text, self.namespaces)


def read_event(body: str, *, exact: bool) -> EventView:
    """Return a stored event; with exact numbers where they are looked at, which takes longer."""
    data = body.encode("utf-8")
    return EventView(cast(JsonObject, parse_json(data) if exact else orjson.loads(data)))


# ------------------------------------------------------------------ where a condition looks


class Source(Protocol):
    """A place in events."""

    def values(self, event: EventView) -> Iterator[JsonValue]:
        """Every value of an event in this place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Members of the standard, by paths; lists on the way are gone through."""

    paths: tuple[tuple[str, ...], ...]

    def values(self, event: EventView) -> Iterator[JsonValue]:
        """Every value at the end of a path."""
        for path in self.paths:
            yield from _walk(event.value, path)


@dataclass(frozen=True, slots=True)
class Extensions:
    """Extensions of a name: within some objects, at their top or anywhere below it."""

    scopes: tuple[tuple[str, ...], ...]
    name: QualifiedName
    inner: bool

    def values(self, event: EventView) -> Iterator[JsonValue]:
        """Every value of such an extension; members of a list one by one."""
        for scope in self.scopes:
            for found in _walk(event.value, scope):
                if isinstance(found, dict):
                    yield from self._within(found, event)

    def _within(self, scope: JsonObject, event: EventView) -> Iterator[JsonValue]:
        for name, value in scope.items():
            if ":" not in name:
                continue  # a member of the standard
            if self.inner:
                yield from self._below(value, event)
            elif qualified(name, event.namespaces) == self.name:
                yield from _members(value)

    def _below(self, value: JsonValue, event: EventView) -> Iterator[JsonValue]:
        if isinstance(value, list):
            for member in value:
                yield from self._below(member, event)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if qualified(name, event.namespaces) == self.name:
                    yield from _members(inner)
                yield from self._below(inner, event)


def _walk(value: JsonValue, path: tuple[str, ...]) -> Iterator[JsonValue]:
    if isinstance(value, list):
        for member in value:
            yield from _walk(member, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _walk(value[path[0]], path[1:])


def _members(value: JsonValue) -> Iterator[JsonValue]:
    """The values of an extension; of an XML element that has attributes too, its text."""
    for member in value if isinstance(value, list) else [value]:
        yield member[RDF_VALUE] if isinstance(member, dict) and RDF_VALUE in member else member


# ------------------------------------------------------------------ what must hold


class Check(Protocol):
    """What must hold of a value."""

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it holds of a value of an event."""


@dataclass(frozen=True, slots=True)
class HasValue:
    """There is a value at all."""

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether there is one."""
        del event
        return value is not None


@dataclass(frozen=True, slots=True)
class SameText:
    """The value is one of some texts, to the letter."""

    texts: frozenset[str]

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it is one of them."""
        del event
        return value in self.texts if isinstance(value, str) else _flag(value) in self.texts


@dataclass(frozen=True, slots=True)
class Matches:
    """The value is one of some identifiers or words, in any spelling, or matches a pattern."""

    terms: frozenset[TermValue]
    patterns: tuple[EpcPattern, ...] = ()

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it is, or does."""
        if not isinstance(value, str):
            return False
        if event.term(value) in self.terms:
            return True
        return bool(self.patterns) and any(
            pattern.matches(expand_curie(value, event.namespaces)) for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class IsTyped:
    """A member of a list has a type, and one of some identifiers."""

    member: str
    type: TermValue
    terms: frozenset[TermValue]

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it has both."""
        if not isinstance(value, dict):
            return False
        kind, name = value.get("type"), value.get(self.member)
        return (
            isinstance(kind, str)
            and isinstance(name, str)
            and event.term(kind) == self.type
            and event.term(name) in self.terms
        )


@dataclass(frozen=True, slots=True)
class MomentIs:
    """The value is a moment before, at or after another."""

    comparison: Comparison
    moment: Micros

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it is."""
        del event
        found = _moment(value)
        return found is not None and self.comparison.holds(found, self.moment)


@dataclass(frozen=True, slots=True)
class NumberIs:
    """The value is a number that compares with one of some others."""

    comparison: Comparison
    numbers: tuple[ExactNumber, ...]

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it compares."""
        del event
        found = _number(value)
        return found is not None and any(
            self.comparison.holds(Fraction(found), Fraction(wanted)) for wanted in self.numbers
        )


@dataclass(frozen=True, slots=True)
class MeasureIs:
    """A member of an object is so much of a unit, whichever unit the event has it in."""

    member: str
    comparison: Comparison
    numbers: tuple[ExactNumber, ...]
    unit: UnitCode
    spread: bool = False
    """The member is a difference, such as a standard deviation."""

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it is."""
        del event
        if not isinstance(value, dict):
            return False
        number, unit = value.get(self.member), value.get("uom")
        found = _number(number)
        if found is None or not isinstance(unit, str):
            return False
        if not comparable_units(UnitCode(unit), self.unit):
            return False
        based = base_quantity(found, UnitCode(unit), spread=self.spread)
        return any(
            self.comparison.holds(based, base_quantity(wanted, self.unit, spread=self.spread))
            for wanted in self.numbers
        )


@dataclass(frozen=True, slots=True)
class Comparable:
    """A value of a query for an extension, whose type the query does not say."""

    term: TermValue | None
    """As a text; nothing for a number of JSON."""
    number: ExactNumber | None
    moment: Micros | None


@dataclass(frozen=True, slots=True)
class ComparesTo:
    """An extension compares with one of some values: as numbers, as moments, else as texts.

    A number of the event is compared as a number, and so is a text of it with a number of JSON. Two
    texts that both are times are compared as moments, any others to the letter: ``007`` is not 7.
    """

    comparison: Comparison
    wanted: tuple[Comparable, ...]

    def holds(self, value: JsonValue, event: EventView) -> bool:
        """Whether it compares."""
        return any(self._compares(value, wanted, event) for wanted in self.wanted)

    def _compares(self, value: JsonValue, wanted: Comparable, event: EventView) -> bool:
        is_text = isinstance(value, str)
        if self.comparison is Comparison.EQ and is_text and wanted.term is not None:
            if event.term(cast(str, value)) == wanted.term:
                return True
        elif wanted.number is not None:
            found = _number(value) if not is_text else _number_of(cast(str, value))
            return found is not None and self.comparison.holds(
                Fraction(found), Fraction(wanted.number)
            )
        if isinstance(value, bool):
            return self.comparison is Comparison.EQ and _flag(value) == wanted.term
        if wanted.moment is None:
            return False
        moment = _moment(value)
        return moment is not None and self.comparison.holds(moment, wanted.moment)


def comparable(value: JsonValue, namespaces: Mapping[str, str]) -> Comparable | None:
    """Return a value of a query for an extension; nothing where it cannot be one."""
    if isinstance(value, bool):
        return Comparable(TermValue(_flag(value) or ""), None, None)
    if isinstance(value, str):
        return Comparable(term_value(value, namespaces), _number_of(value), _moment(value))
    found = _number(value)
    return None if found is None else Comparable(None, found, None)


def _flag(value: JsonValue) -> str | None:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else None


def _number(value: JsonValue) -> ExactNumber | None:
    if isinstance(value, bool) or value is None or isinstance(value, (str, list, dict)):
        return None
    return value


def _number_of(text: str) -> ExactNumber | None:
    try:
        return parse_number(text)
    except EpcisRefused:
        return None


def _moment(value: JsonValue) -> Micros | None:
    if not isinstance(value, str) or len(value) < 20:  # no shorter text is a time with its zone
        return None
    try:
        return micros("", value)
    except EpcisRefused:
        return None


# ------------------------------------------------------------------ conditions


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the index of terms knows of a condition.

    It finds the events that have one of the terms in one of the kinds, or one that begins so.
    """

    kinds: tuple[TermKind, ...]
    terms: tuple[TermValue, ...]
    beginnings: tuple[str, ...] = ()
    is_exact: bool = True
    """Whether those are the events for which the condition holds; else they are candidates."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter of a query."""

    parameter: str
    source: Source
    check: Check
    lookup: Lookup | None = None
    by_column: bool = False
    """Whether columns of the store decide it."""

    def holds(self, event: EventView) -> bool:
        """Whether some value in the place of the condition fulfils its test."""
        return any(self.check.holds(value, event) for value in self.source.values(event))

    @property
    def is_exact(self) -> bool:
        """Whether numbers are looked at."""
        return isinstance(self.check, (NumberIs, MeasureIs, ComparesTo))
