"""Master data that comes in the headers of documents (EPCIS 2.0, section 9.4; CBV 2.0, section 10).

Of each element the last captured version counts: an element is replaced as a whole. A hierarchy of
places, by which queries find descendants, is made of the elements' children.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NewType

import orjson
from sqlalchemy import Connection, delete, insert, select

from lodeline.exchange.epcis.document import EpcisUri, Event
from lodeline.exchange.epcis.json_out import event_bytes
from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.moments import Micros
from lodeline.node.events.schema import MASTER_DATA
from lodeline.node.events.store import EventStore, Tenant
from lodeline.node.events.terms import TermValue, term_value

__all__ = ["MasterElement", "VocabularyType", "master_elements", "put_master_data"]

VocabularyType = NewType("VocabularyType", str)
"""Kind of a vocabulary: ``urn:epcglobal:epcis:vtype:BusinessLocation`` and others."""


@dataclass(frozen=True, slots=True)
class MasterElement:
    """One element of a vocabulary, as it was captured last."""

    vocabulary: VocabularyType
    element: EpcisUri
    children: tuple[EpcisUri, ...]
    body: str
    """JSON of the element: id, attributes, children."""


def put_master_data(
    connection: Connection, tenant: Tenant, master_data: JsonValue, when: Micros
) -> None:
    """Write the vocabularies of a header, in the transaction of its document."""
    rows: dict[tuple[str, TermValue], dict[str, object]] = {}
    for vocabulary, element in _elements(master_data):
        name = term_value(str(element["id"]))
        rows[vocabulary, name] = {
            "tenant": tenant.number,
            "vocabulary": vocabulary,
            "element": name,
            "body": event_bytes(Event(element)).decode("utf-8"),
            "updated_us": when,
        }
    for vocabulary, name in rows:
        connection.execute(
            delete(MASTER_DATA).where(
                MASTER_DATA.c.tenant == tenant.number,
                MASTER_DATA.c.vocabulary == vocabulary,
                MASTER_DATA.c.element == name,
            )
        )
    if rows:
        connection.execute(insert(MASTER_DATA), list(rows.values()))


def master_elements(
    store: EventStore, tenant: Tenant, vocabulary: VocabularyType | None = None
) -> Sequence[MasterElement]:
    """Return the elements of one vocabulary or of all, in the order of their names."""
    query = select(MASTER_DATA.c.vocabulary, MASTER_DATA.c.body).where(
        MASTER_DATA.c.tenant == tenant.number
    )
    if vocabulary is not None:
        query = query.where(MASTER_DATA.c.vocabulary == vocabulary)
    query = query.order_by(MASTER_DATA.c.vocabulary, MASTER_DATA.c.element)
    with store.reading() as connection:
        return [_element(name, body) for name, body in connection.execute(query)]


def _element(vocabulary: str, body: str) -> MasterElement:
    value = orjson.loads(body)
    children = tuple(EpcisUri(child) for child in value.get("children", ()))
    return MasterElement(VocabularyType(vocabulary), EpcisUri(value["id"]), children, body)


def _elements(master_data: JsonValue) -> Iterator[tuple[str, JsonObject]]:
    """Every element of a header that the schema has passed, with the type of its vocabulary."""
    vocabularies = master_data.get("vocabularyList") if isinstance(master_data, dict) else None
    for vocabulary in vocabularies if isinstance(vocabularies, list) else ():
        if not isinstance(vocabulary, dict):
            continue
        elements = vocabulary.get("vocabularyElementList", [])
        for element in elements if isinstance(elements, list) else ():
            if isinstance(element, dict):
                yield str(vocabulary["type"]), element
