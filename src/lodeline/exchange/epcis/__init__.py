"""EPCIS 2.0 documents and events: JSON and XML in and out, and the hash ids of events."""

from lodeline.exchange.epcis.document import Document, DocumentKind, Event, EventId, EventKind
from lodeline.exchange.epcis.hashing import event_hash_id, pre_hash
from lodeline.exchange.epcis.json_in import read_json
from lodeline.exchange.epcis.json_out import event_bytes, write_json
from lodeline.exchange.epcis.xml_in import read_xml
from lodeline.exchange.epcis.xml_out import write_xml

__all__ = [
    "Document",
    "DocumentKind",
    "Event",
    "EventId",
    "EventKind",
    "event_bytes",
    "event_hash_id",
    "pre_hash",
    "read_json",
    "read_xml",
    "write_json",
    "write_xml",
]
