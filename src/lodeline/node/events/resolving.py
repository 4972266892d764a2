"""Conditions that master data completes: which places lie within others, which have an attribute.

Children of a place are those that its element lists, and theirs (EPCIS 2.0, section 6.5). Master
data may go round in circles; nobody is then visited twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import cast

import orjson

from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonObject, number_text
from lodeline.node.events.families import AttributeNeed, DescendantNeed, Need
from lodeline.node.events.master_data import MasterElement, VocabularyType, master_elements
from lodeline.node.events.parameters import Query
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.events.terms import TermValue, term_value

__all__ = ["resolved"]


def resolved(store: EventStore, tenant: Tenant, query: Query) -> Query:
    """Return a query whose conditions need no master data any more.

    What master data says now counts: a query that waits for events is resolved again each time.
    """
    if not query.needs:
        return query
    elements = master_elements(store, tenant)
    conditions = [need.completed(_found(elements, need)) for need in query.needs]
    return replace(query, conditions=(*query.conditions, *conditions), needs=())


def _found(elements: Sequence[MasterElement], need: Need) -> Iterator[TermValue]:
    if isinstance(need.wanted, DescendantNeed):
        return _within(elements, need.wanted)
    return _with_attribute(elements, need.wanted)


def _within(elements: Sequence[MasterElement], wanted: DescendantNeed) -> Iterator[TermValue]:
    """The roots, their children and the children of those, each once."""
    children = {
        term_value(element.element): [term_value(child) for child in element.children]
        for element in elements
        if element.vocabulary == VocabularyType(wanted.vocabulary)
    }
    seen: set[TermValue] = set()
    waiting = list(wanted.roots)
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            yield place
            waiting.extend(children.get(place, ()))


def _with_attribute(
    elements: Sequence[MasterElement], wanted: AttributeNeed
) -> Iterator[TermValue]:
    for element in elements:
        if any(_is_wanted(attribute, wanted) for attribute in _attributes(element, wanted)):
            yield term_value(element.element)


def _attributes(element: MasterElement, wanted: AttributeNeed) -> Iterator[JsonObject]:
    """Attributes of an element, numbers exact where values matter."""
    value = cast(JsonObject, orjson.loads(element.body))
    found = list(_listed(value))
    if wanted.values is None or not any(isinstance(each.get("attribute"), float) for each in found):
        return iter(found)
    return _listed(cast(JsonObject, parse_json(element.body.encode("utf-8"))))


def _listed(value: JsonObject) -> Iterator[JsonObject]:
    attributes = value.get("attributes")
    for attribute in attributes if isinstance(attributes, list) else ():
        if isinstance(attribute, dict):
            yield attribute


def _is_wanted(attribute: JsonObject, wanted: AttributeNeed) -> bool:
    if term_value(str(attribute.get("id"))) not in wanted.names:
        return False
    value = attribute.get("attribute")
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        value = number_text(value)
    return wanted.values is None or (isinstance(value, str) and term_value(value) in wanted.values)
