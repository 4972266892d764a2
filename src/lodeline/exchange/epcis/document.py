"""Events and documents as values: a checked JSON value with thin typed access.

An `Event` is only ever made by a reader, which has brought it into its stored form and checked it
against the schema. The value inside is read, never changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType, cast

from lodeline.exchange.epcis.fields import EPC_LISTS, QUANTITY_LISTS
from lodeline.exchange.epcis.value import ExactNumber, JsonObject, JsonValue

__all__ = [
    "SCHEMA_VERSION",
    "Document",
    "DocumentKind",
    "EpcisUri",
    "Event",
    "EventId",
    "EventKind",
    "Quantity",
    "Word",
]

EventId = NewType("EventId", str)
"""A URI that names one event: a UUID URN, a hash id, or a partner's own."""
EpcisUri = NewType("EpcisUri", str)
"""An identifier in an event as it was written: EPC URI, Digital Link, or any other URI."""
Word = NewType("Word", str)
"""A bare word of the Core Business Vocabulary, or a URI or CURIE of a partner's."""


SCHEMA_VERSION: Final = "2.0"
"""What documents written here say of themselves."""


class EventKind(StrEnum):
    """The five kinds of event of the standard."""

    OBJECT = "ObjectEvent"
    AGGREGATION = "AggregationEvent"
    TRANSACTION = "TransactionEvent"
    TRANSFORMATION = "TransformationEvent"
    ASSOCIATION = "AssociationEvent"


class DocumentKind(StrEnum):
    """What an event came in."""

    DOCUMENT = "EPCISDocument"
    QUERY = "EPCISQueryDocument"
    BARE = "bare"
    """One event, or a list, with no document around it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """So much of a class of things."""

    epc_class: EpcisUri
    quantity: ExactNumber | None
    """Nothing where the event leaves it open."""
    uom: str | None
    """Unit, UN/ECE Recommendation 20; nothing for a count of things."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event in its stored form, see `lodeline.exchange.epcis.normal`."""

    value: JsonObject

    @property
    def type(self) -> str:
        """The kind of event; one of `EventKind`, or a partner's own as a URI."""
        return cast(str, self.value["type"])

    @property
    def event_time(self) -> str:
        """When it happened, as written, with its zone (RFC 3339)."""
        return cast(str, self.value["eventTime"])

    @property
    def time_zone_offset(self) -> str:
        """Offset that was in force where it happened, ``+02:00``."""
        return cast(str, self.value["eventTimeZoneOffset"])

    @property
    def event_id(self) -> EventId | None:
        """The id that the event came with."""
        return cast(EventId | None, self.value.get("eventID"))

    @property
    def action(self) -> str | None:
        """ADD, OBSERVE or DELETE; a transformation has none."""
        return cast(str | None, self.value.get("action"))

    @property
    def biz_step(self) -> Word | None:
        """The step of the business."""
        return cast(Word | None, self.value.get("bizStep"))

    @property
    def disposition(self) -> Word | None:
        """The state that things are in afterwards."""
        return cast(Word | None, self.value.get("disposition"))

    @property
    def read_point(self) -> EpcisUri | None:
        """Where it happened."""
        return self._place("readPoint")

    @property
    def biz_location(self) -> EpcisUri | None:
        """Where things are afterwards."""
        return self._place("bizLocation")

    @property
    def parent_id(self) -> EpcisUri | None:
        """What contains or groups the rest."""
        return cast(EpcisUri | None, self.value.get("parentID"))

    @property
    def namespaces(self) -> dict[str, str]:
        """Namespaces of the extensions that the event uses, by prefix."""
        return cast(dict[str, str], self.value.get("@context", {}))

    @property
    def is_error_declaration(self) -> bool:
        """Whether the event says of an earlier one that it was wrong."""
        return "errorDeclaration" in self.value

    def epcs(self) -> Iterator[tuple[str, EpcisUri]]:
        """Every thing told apart by a serial number: the list it stands in, and its id."""
        for name in EPC_LISTS:
            for epc in cast(list[EpcisUri], self.value.get(name, [])):
                yield name, epc

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every quantity of a class of things: the list it stands in, and the quantity."""
        for name in QUANTITY_LISTS:
            for member in cast(list[JsonObject], self.value.get(name, [])):
                yield (
                    name,
                    Quantity(
                        cast(EpcisUri, member["epcClass"]),
                        cast(ExactNumber | None, member.get("quantity")),
                        cast(str | None, member.get("uom")),
                    ),
                )

    def extension(self, name: str) -> JsonValue:
        """An extension by its name in this event, ``prefix:name``; nothing where it has none."""
        return self.value.get(name) if ":" in name else None

    def _place(self, name: str) -> EpcisUri | None:
        place = cast(JsonObject | None, self.value.get(name))
        return None if place is None else cast(EpcisUri, place["id"])


@dataclass(frozen=True, slots=True)
class Document:
    """Events and what stood around them."""

    kind: DocumentKind
    events: tuple[Event, ...]
    head: JsonObject = field(default_factory=dict)
    """The document without context and events; empty for bare events."""
    namespaces: dict[str, str] = field(default_factory=dict)
    """Namespaces of extensions that the head itself has, by prefix; events have their own."""

    @classmethod
    def capture(cls, events: Iterable[Event], created: str) -> "Document":
        """Return an EPCIS document around events.

        Args:
            events: in the order in which they are to be captured.
            created: when the document was made (RFC 3339, with zone); not checked here.
        """
        head: JsonObject = {
            "type": DocumentKind.DOCUMENT.value,
            "schemaVersion": SCHEMA_VERSION,
            "creationDate": created,
            "epcisBody": {"eventList": []},
        }
        return cls(DocumentKind.DOCUMENT, tuple(events), head)

    @classmethod
    def query_result(
        cls, events: Iterable[Event], created: str, query: str, subscription: str | None = None
    ) -> "Document":
        """Return the result of a query.

        Args:
            events: what the query found, in its order.
            created: when the result was made (RFC 3339, with zone); not checked here.
            query: name of the query.
            subscription: the subscription that asked, where one did.
        """
        results: JsonObject = {"queryName": query, "resultsBody": {"eventList": []}}
        if subscription is not None:
            results["subscriptionID"] = subscription
        head: JsonObject = {
            "type": DocumentKind.QUERY.value,
            "schemaVersion": SCHEMA_VERSION,
            "creationDate": created,
            "epcisBody": {"queryResults": results},
        }
        return cls(DocumentKind.QUERY, tuple(events), head)

    @property
    def master_data(self) -> JsonValue:
        """The vocabulary list of the header, as it came; nothing where there is none."""
        header = self.head.get("epcisHeader")
        if not isinstance(header, dict):
            return None
        return header.get("epcisMasterData")
