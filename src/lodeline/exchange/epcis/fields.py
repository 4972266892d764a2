"""Fields of the standard that need more than a copy, by where they stand (EPCIS 2.0, section 7.3).

`normal` reads these tables to bring an event into its stored form, the XML reader and writer to
know which elements are lists, and the hash ids to know the order.
"""

from lodeline.exchange.epcis.vocabulary import (
    ALERT,
    BIZ_STEP,
    COMPONENT,
    DISPOSITION,
    ERROR_REASON,
    MEASUREMENT,
    SOURCE_DESTINATION,
    TRANSACTION,
    Vocabulary,
)

__all__ = [
    "EPC_LISTS",
    "EVENT_FIELDS",
    "EVENT_TYPES",
    "EXTENDED",
    "MEMBERS",
    "NUMBERS",
    "QUANTITY_LISTS",
    "TIMES",
    "TYPED_LISTS",
    "WORDS",
]

EVENT_TYPES = (
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
)

WORDS: dict[tuple[str, str], Vocabulary] = {
    ("event", "bizStep"): BIZ_STEP,
    ("event", "disposition"): DISPOSITION,
    ("persistentDisposition", "set"): DISPOSITION,
    ("persistentDisposition", "unset"): DISPOSITION,
    ("bizTransactionList", "type"): TRANSACTION,
    ("sourceList", "type"): SOURCE_DESTINATION,
    ("destinationList", "type"): SOURCE_DESTINATION,
    ("errorDeclaration", "reason"): ERROR_REASON,
    ("sensorReport", "type"): MEASUREMENT,
    ("sensorReport", "exception"): ALERT,
    ("sensorReport", "component"): COMPONENT,
}
"""Vocabulary of a field, by the object it stands in and its name."""

TIMES = frozenset({"eventTime", "recordTime", "declarationTime", "time", "startTime", "endTime"})

EPC_LISTS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
QUANTITY_LISTS = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
TYPED_LISTS = {
    "bizTransactionList": "bizTransaction",
    "sourceList": "source",
    "destinationList": "destination",
}
"""Lists whose members have a value and a type, and the name of the value."""

EVENT_FIELDS = (
    "eventTime",
    "recordTime",
    "eventTimeZoneOffset",
    "eventID",
    "errorDeclaration",
    "certificationInfo",
    "epcList",
    "parentID",
    "childEPCs",
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "action",
    "transformationID",
    "bizStep",
    "disposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "quantityList",
    "childQuantityList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "persistentDisposition",
    "ilmd",
)
"""Fields of any event, in the order in which the XML writer puts them."""

MEMBERS: dict[str, tuple[str, ...]] = {
    "errorDeclaration": ("declarationTime", "reason", "correctiveEventIDs"),
    "persistentDisposition": ("set", "unset"),
    "readPoint": ("id",),
    "bizLocation": ("id",),
    "bizTransactionList": ("type", "bizTransaction"),
    "sourceList": ("type", "source"),
    "destinationList": ("type", "destination"),
    **dict.fromkeys(QUANTITY_LISTS, ("epcClass", "quantity", "uom")),
    "sensorElementList": ("sensorMetadata", "sensorReport"),
    "sensorMetadata": (
        "time",
        "startTime",
        "endTime",
        "deviceID",
        "deviceMetadata",
        "rawData",
        "dataProcessingMethod",
        "bizRules",
    ),
    "sensorReport": (
        "type",
        "exception",
        "deviceID",
        "deviceMetadata",
        "rawData",
        "dataProcessingMethod",
        "bizRules",
        "time",
        "microorganism",
        "chemicalSubstance",
        "value",
        "component",
        "stringValue",
        "booleanValue",
        "hexBinaryValue",
        "uriValue",
        "minValue",
        "maxValue",
        "meanValue",
        "sDev",
        "percRank",
        "percValue",
        "uom",
        "coordinateReferenceSystem",
    ),
    "ilmd": (),
}
"""Standard members of each standard object, in the order of hash ids (CBV 2.0, table in 8.9.2)."""

EXTENDED = frozenset(
    {"errorDeclaration", "readPoint", "bizLocation", "sensorElementList", "sensorMetadata"}
    | {"sensorReport", "ilmd"}
)
"""Standard objects that may hold extensions."""

NUMBERS = frozenset(
    {"quantity", "value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"}
)
"""Standard members that are numbers."""
