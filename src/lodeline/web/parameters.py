"""Parameters of the HTTP binding, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Final

from lodeline.node.events.resources import Resource
from lodeline.web.negotiation import CbvFormat, EpcFormat
from lodeline.web.operations import Parameter, Place

__all__ = [
    "BEHAVIOUR",
    "CAPTURE_ID",
    "CBV_FORMAT",
    "EPC_FORMAT",
    "EVENT_ID",
    "EXTENSIONS",
    "IF_NONE_MATCH",
    "MEMBERS",
    "PAGE_TOKEN",
    "PER_PAGE",
    "PREFER",
    "QUERY_NAME",
    "TOKEN",
    "VERSIONS",
    "query_parameters",
]

_VERSION: Final = {"type": "string", "pattern": "^2\\.0(\\.[0-9]+)?$"}

BEHAVIOUR: Final = Parameter(
    "GS1-Capture-Error-Behaviour",
    Place.HEADER,
    "What becomes of good events beside bad ones: nothing (rollback) or all of them (proceed).",
    {"type": "string", "enum": ["rollback", "proceed"]},
)
CAPTURE_ID: Final = Parameter("captureID", Place.PATH, "From the Location of a capture.")
PREFER: Final = Parameter(
    "Prefer", Place.HEADER, "return=minimal for an answer without a body (RFC 7240)."
)
IF_NONE_MATCH: Final = Parameter(
    "If-None-Match", Place.HEADER, "Tags of answers that are known, or *."
)
EXTENSIONS: Final = Parameter(
    "GS1-Extensions", Place.HEADER, "Prefixes of extensions: ex=https://example.com/epcis/"
)
EPC_FORMAT: Final = Parameter(
    "GS1-EPC-Format",
    Place.HEADER,
    "Spelling of identifiers in the answer.",
    {"type": "string", "enum": [word.value for word in EpcFormat]},
)
CBV_FORMAT: Final = Parameter(
    "GS1-CBV-XML-Format",
    Place.HEADER,
    "Spelling of words of the Core Business Vocabulary in XML.",
    {"type": "string", "enum": [word.value for word in CbvFormat]},
)
PER_PAGE: Final = Parameter(
    "perPage", Place.QUERY, "Members of one page.", {"type": "integer", "minimum": 1}
)
PAGE_TOKEN: Final = Parameter(
    "nextPageToken", Place.QUERY, "From the Link of the page before; valid for its query alone."
)
VERSIONS: Final = tuple(
    Parameter(f"GS1-{name}-{suffix}", Place.HEADER, f"Version of {name}.", _VERSION)
    for name in ("EPCIS", "CBV")
    for suffix in ("Version", "Min", "Max")
)
"""Versions that a request speaks and accepts; every operation takes them."""
EVENT_ID: Final = Parameter(
    "eventID", Place.PATH, "Id of an event: its own, or its hash id, escaped."
)
TOKEN: Final = Parameter("token", Place.PATH, "A page token.")
QUERY_NAME: Final = Parameter("queryName", Place.PATH, "Name of a query.")
MEMBERS: Final = {
    Resource.EVENT_TYPES: Parameter("eventType", Place.PATH, "A kind of event."),
    Resource.EPCS: Parameter("epc", Place.PATH, "An identifier of a thing, escaped."),
    Resource.BIZ_STEPS: Parameter("bizStep", Place.PATH, "A step of business."),
    Resource.BIZ_LOCATIONS: Parameter("bizLocation", Place.PATH, "A place, escaped."),
    Resource.READ_POINTS: Parameter("readPoint", Place.PATH, "A place, escaped."),
    Resource.DISPOSITIONS: Parameter("disposition", Place.PATH, "A disposition."),
}
"""The part of the path that names a member of each list."""

_LISTS: Final = (
    "eventType",
    "EQ_action",
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_persistentDisposition_set",
    "EQ_persistentDisposition_unset",
    "EQ_readPoint",
    "WD_readPoint",
    "EQ_bizLocation",
    "WD_bizLocation",
    "EQ_transformationID",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
    "MATCH_epcClass",
    "MATCH_inputEPCClass",
    "MATCH_outputEPCClass",
    "MATCH_anyEPCClass",
    "EQ_eventID",
    "EQ_errorReason",
    "EQ_correctiveEventID",
    "EQ_type",
    "EQ_deviceID",
    "EQ_dataProcessingMethod",
    "EQ_microorganism",
    "EQ_chemicalSubstance",
    "EQ_bizRules",
    "EQ_stringValue",
    "EQ_hexBinaryValue",
    "EQ_uriValue",
)
_TIMES: Final = (
    "GE_eventTime",
    "LT_eventTime",
    "GE_recordTime",
    "LT_recordTime",
    "GE_errorDeclarationTime",
    "LT_errorDeclarationTime",
    "GE_startTime",
    "LT_startTime",
    "GE_endTime",
    "LT_endTime",
)
_NUMBERS: Final = ["EQ_quantity", "GT_quantity", "GE_quantity", "LT_quantity", "LE_quantity"]
_FLAGS: Final = ("EXISTS_errorDeclaration", "EQ_booleanValue")
_COUNTS: Final = (("eventCountLimit", 1), ("maxEventCount", 0))
_TAKEN: Final = {
    Resource.EVENT_TYPES: "eventType",
    Resource.EPCS: "MATCH_anyEPC",
    Resource.BIZ_STEPS: "EQ_bizStep",
    Resource.BIZ_LOCATIONS: "EQ_bizLocation",
    Resource.READ_POINTS: "EQ_readPoint",
    Resource.DISPOSITIONS: "EQ_disposition",
}
"""Parameter that the path stands for."""


def query_parameters(resource: Resource | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of the event query that have fixed names.

    Args:
        resource: the list whose member the path names; that parameter is not there twice.
    """
    texts = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
    moment = {"type": "string", "format": "date-time"}
    found = [
        *(Parameter(name, Place.QUERY, "Any of these.", texts, is_list=True) for name in _LISTS),
        *(Parameter(name, Place.QUERY, "A time with its zone.", moment) for name in _TIMES),
        *(Parameter(name, Place.QUERY, "A number.", {"type": "number"}) for name in _NUMBERS),
        *(Parameter(name, Place.QUERY, "true or false.", {"type": "boolean"}) for name in _FLAGS),
        *(
            Parameter(name, Place.QUERY, "A count.", {"type": "integer", "minimum": least})
            for name, least in _COUNTS
        ),
        Parameter("orderBy", Place.QUERY, "eventTime, recordTime, or the name of an extension."),
        Parameter("orderDirection", Place.QUERY, "", {"type": "string", "enum": ["ASC", "DESC"]}),
    ]
    taken = None if resource is None else _TAKEN[resource]
    return tuple(parameter for parameter in found if parameter.name != taken)
