"""The families of query parameters: of each name, where it looks and what must hold.

Source: EPCIS 2.0, section 8.2.7.1, and ``query-schema.json``. Where the two spell a name in two
ways, both are taken (``GE_errorDeclarationTime``, ``GE_errorDeclaration_Time``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from lodeline.exchange.epcis.fields import QUANTITY_LISTS
from lodeline.exchange.epcis.vocabulary import (
    BIZ_STEP,
    DISPOSITION,
    ERROR_REASON,
    MEASUREMENT,
    SOURCE_DESTINATION,
    TRANSACTION,
    Vocabulary,
)
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.patterns import is_pattern, read_pattern
from lodeline.node.events.predicates import (
    ComparesTo,
    Comparison,
    Condition,
    Extensions,
    HasValue,
    IsTyped,
    Lookup,
    Matches,
    MeasureIs,
    MomentIs,
    NumberIs,
    Place,
    SameText,
    Source,
    qualified,
)
from lodeline.node.events.query_refusals import ParameterPrefixUnknown, ParameterUnknown
from lodeline.node.events.terms import TermKind, TermValue, term_value
from lodeline.node.events.units import UnitCode

__all__ = [
    "FIXED",
    "AttributeNeed",
    "Built",
    "DescendantNeed",
    "Need",
    "extension_source",
    "open_family",
]

Path: TypeAlias = tuple[str, ...]
_ELEMENTS: Final = "sensorElementList"
_METADATA: Final[Path] = (_ELEMENTS, "sensorMetadata")
_REPORT: Final[Path] = (_ELEMENTS, "sensorReport")
_SENSORS: Final = (_METADATA, _REPORT)
_ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")


@dataclass(frozen=True, slots=True)
class DescendantNeed:
    """Master data says which places lie within others."""

    roots: tuple[TermValue, ...]
    vocabulary: str


@dataclass(frozen=True, slots=True)
class AttributeNeed:
    """Master data says which identifiers have an attribute, perhaps of some values."""

    names: frozenset[TermValue]
    values: frozenset[TermValue] | None


@dataclass(frozen=True, slots=True)
class Need:
    """A condition whose identifiers come from master data."""

    parameter: str
    source: Source
    kinds: tuple[TermKind, ...]
    wanted: DescendantNeed | AttributeNeed

    def completed(self, terms: Iterable[TermValue]) -> Condition:
        """Return the condition, once the identifiers are known."""
        found = frozenset(terms)
        lookup = Lookup(self.kinds, tuple(sorted(found))) if self.kinds else None
        return Condition(self.parameter, self.source, Matches(found), lookup)


Built: TypeAlias = Condition | Need | None
"""What a parameter becomes; nothing where its value says that it does not matter."""
_Builder: TypeAlias = Callable[[Values], Built]


# ------------------------------------------------------------------ builders


def _terms(
    paths: tuple[Path, ...], kinds: tuple[TermKind, ...] = (), words: Vocabulary | None = None
) -> _Builder:
    """Identifiers or words, in any spelling."""

    def build(values: Values) -> Condition:
        terms = _term_values(values, words)
        lookup = Lookup(kinds, terms) if kinds else None
        return Condition(values.parameter, Place(paths), Matches(frozenset(terms)), lookup)

    return build


def _term_values(values: Values, words: Vocabulary | None) -> tuple[TermValue, ...]:
    texts = values.texts()
    bare = texts if words is None else tuple(words.bare(text) for text in texts)
    return tuple(sorted({term_value(text, values.namespaces) for text in bare}))


def _match(paths: tuple[Path, ...], kinds: tuple[TermKind, ...]) -> _Builder:
    """Identifiers in any spelling, or patterns of them."""

    def build(values: Values) -> Condition:
        texts = values.texts()
        patterns = tuple(read_pattern(values.parameter, text) for text in texts if is_pattern(text))
        terms = {term_value(text, values.namespaces) for text in texts if not is_pattern(text)}
        beginnings = sorted({each for pattern in patterns for each in pattern.beginnings})
        return Condition(
            values.parameter,
            Place(paths),
            Matches(frozenset(terms), patterns),
            Lookup(kinds, tuple(sorted(terms)), tuple(beginnings), not patterns),
        )

    return build


def _moment(comparison: Comparison, *paths: Path, by_column: bool = False) -> _Builder:
    def build(values: Values) -> Condition:
        test = MomentIs(comparison, values.moment())
        return Condition(values.parameter, Place(paths), test, by_column=by_column)

    return build


def _numbers(comparison: Comparison, *paths: Path) -> _Builder:
    def build(values: Values) -> Condition:
        numbers = values.numbers() if comparison is Comparison.EQ else (values.number(),)
        return Condition(values.parameter, Place(paths), NumberIs(comparison, numbers))

    return build


def _texts(*paths: Path) -> _Builder:
    def build(values: Values) -> Condition:
        return Condition(values.parameter, Place(paths), SameText(frozenset(values.texts())))

    return build


def _hexadecimal(values: Values) -> Condition:
    """Equal bytes: digits in either case."""
    texts = {case for text in values.texts() for case in (text.upper(), text.lower(), text)}
    paths = ((*_REPORT, "hexBinaryValue"),)
    return Condition(values.parameter, Place(paths), SameText(frozenset(texts)))


def _flag(values: Values) -> Condition:
    texts = frozenset({"true" if values.truth() else "false"})
    return Condition(values.parameter, Place(((*_REPORT, "booleanValue"),)), SameText(texts))


def _action(values: Values) -> Condition:
    test = SameText(frozenset(values.words(_ACTIONS)))
    return Condition(values.parameter, Place((("action",),)), test, by_column=True)


def _event_id(values: Values) -> Condition:
    test = SameText(frozenset(values.texts()))
    return Condition(values.parameter, Place((("eventID",),)), test, by_column=True)


def _exists(source: Source) -> _Builder:
    def build(values: Values) -> Condition | None:
        return Condition(values.parameter, source, HasValue()) if values.flag() else None

    return build


def _within(path: Path, kind: TermKind, vocabulary: str) -> _Builder:
    def build(values: Values) -> Need:
        wanted = DescendantNeed(_term_values(values, None), vocabulary)
        return Need(values.parameter, Place((path,)), (kind,), wanted)

    return build


# ------------------------------------------------------------------ fixed names

_EPC: Final[tuple[Path, ...]] = (("epcList",), ("childEPCs",))
_PARENT: Final[tuple[Path, ...]] = (("parentID",),)
_INPUTS: Final[tuple[Path, ...]] = (("inputEPCList",),)
_OUTPUTS: Final[tuple[Path, ...]] = (("outputEPCList",),)
_CLASSES: Final[tuple[Path, ...]] = (
    ("quantityList", "epcClass"),
    ("childQuantityList", "epcClass"),
)
_INPUT_CLASSES: Final[tuple[Path, ...]] = (("inputQuantityList", "epcClass"),)
_OUTPUT_CLASSES: Final[tuple[Path, ...]] = (("outputQuantityList", "epcClass"),)
_PLACE_TYPES: Final = {
    "readPoint": (TermKind.READ_POINT, "urn:epcglobal:epcis:vtype:ReadPoint"),
    "bizLocation": (TermKind.BIZ_LOCATION, "urn:epcglobal:epcis:vtype:BusinessLocation"),
}
_DECLARATION: Final[Path] = ("errorDeclaration",)
_TIMES: Final[dict[str, tuple[Path, ...]]] = {
    "eventTime": (("eventTime",),),
    "recordTime": (("recordTime",),),
    "errorDeclarationTime": ((*_DECLARATION, "declarationTime"),),
    "errorDeclaration_Time": ((*_DECLARATION, "declarationTime"),),
    "time": ((*_METADATA, "time"), (*_REPORT, "time")),
    "startTime": ((*_METADATA, "startTime"),),
    "endTime": ((*_METADATA, "endTime"),),
}
_COLUMNS: Final = frozenset(
    {"eventTime", "recordTime", "errorDeclarationTime", "errorDeclaration_Time"}
)
_PLAIN_NUMBERS: Final[dict[str, tuple[Path, ...]]] = {
    "quantity": tuple((name, "quantity") for name in QUANTITY_LISTS),
    "percRank": ((*_REPORT, "percRank"),),
}
_T = TermKind

FIXED: Final[dict[str, _Builder]] = {
    "eventType": _terms((("type",),), (_T.TYPE,)),
    "EQ_action": _action,
    "EQ_bizStep": _terms((("bizStep",),), (_T.BIZ_STEP,), BIZ_STEP),
    "EQ_disposition": _terms((("disposition",),), (_T.DISPOSITION,), DISPOSITION),
    "EQ_persistentDisposition_set": _terms(
        (("persistentDisposition", "set"),), (_T.DISPOSITION_SET,), DISPOSITION
    ),
    "EQ_persistentDisposition_unset": _terms(
        (("persistentDisposition", "unset"),), (_T.DISPOSITION_UNSET,), DISPOSITION
    ),
    "EQ_transformationID": _terms((("transformationID",),), (_T.TRANSFORMATION,)),
    "MATCH_epc": _match(_EPC, (_T.EPC,)),
    "MATCH_parentID": _match(_PARENT, (_T.PARENT,)),
    "MATCH_inputEPC": _match(_INPUTS, (_T.INPUT_EPC,)),
    "MATCH_outputEPC": _match(_OUTPUTS, (_T.OUTPUT_EPC,)),
    "MATCH_anyEPC": _match(
        (*_EPC, *_PARENT, *_INPUTS, *_OUTPUTS),
        (_T.EPC, _T.PARENT, _T.INPUT_EPC, _T.OUTPUT_EPC),
    ),
    "MATCH_epcClass": _match(_CLASSES, (_T.EPC_CLASS,)),
    "MATCH_inputEPCClass": _match(_INPUT_CLASSES, (_T.INPUT_CLASS,)),
    "MATCH_outputEPCClass": _match(_OUTPUT_CLASSES, (_T.OUTPUT_CLASS,)),
    "MATCH_anyEPCClass": _match(
        (*_CLASSES, *_INPUT_CLASSES, *_OUTPUT_CLASSES),
        (_T.EPC_CLASS, _T.INPUT_CLASS, _T.OUTPUT_CLASS),
    ),
    "EQ_eventID": _event_id,
    "EXISTS_errorDeclaration": _exists(Place((_DECLARATION,))),
    "EQ_errorReason": _terms(((*_DECLARATION, "reason"),), (_T.ERROR_REASON,), ERROR_REASON),
    "EQ_correctiveEventID": _terms(
        ((*_DECLARATION, "correctiveEventIDs"),), (_T.CORRECTIVE_EVENT,)
    ),
    "EXISTS_sensorElementList": _exists(Place(((_ELEMENTS,),))),
    "EQ_type": _terms(((*_REPORT, "type"),), (_T.SENSOR_TYPE,), MEASUREMENT),
    "EQ_deviceID": _terms(tuple((*path, "deviceID") for path in _SENSORS), (_T.DEVICE,)),
    "EQ_dataProcessingMethod": _terms(tuple((*path, "dataProcessingMethod") for path in _SENSORS)),
    "EQ_bizRules": _terms(tuple((*path, "bizRules") for path in _SENSORS)),
    "EQ_microorganism": _terms(((*_REPORT, "microorganism"),), (_T.MICROORGANISM,)),
    "EQ_chemicalSubstance": _terms(((*_REPORT, "chemicalSubstance"),), (_T.CHEMICAL,)),
    "EQ_stringValue": _texts((*_REPORT, "stringValue")),
    "EQ_booleanValue": _flag,
    "EQ_hexBinaryValue": _hexadecimal,
    "EQ_uriValue": _terms(((*_REPORT, "uriValue"),)),
    **{f"EQ_{name}": _terms(((name, "id"),), (kind,)) for name, (kind, _) in _PLACE_TYPES.items()},
    **{
        f"WD_{name}": _within((name, "id"), kind, vocabulary)
        for name, (kind, vocabulary) in _PLACE_TYPES.items()
    },
    **{
        f"{comparison}_{name}": _moment(comparison, *paths, by_column=name in _COLUMNS)
        for name, paths in _TIMES.items()
        for comparison in (Comparison.GE, Comparison.LT)
    },
    **{
        f"{comparison}_{name}": _numbers(comparison, *paths)
        for name, paths in _PLAIN_NUMBERS.items()
        for comparison in Comparison
    },
}
"""What each parameter becomes whose name says everything."""


# ------------------------------------------------------------------ open families

_TYPED: Final = {
    "bizTransaction": ("bizTransactionList", TermKind.BIZ_TRANSACTION, TRANSACTION),
    "source": ("sourceList", TermKind.SOURCE, SOURCE_DESTINATION),
    "destination": ("destinationList", TermKind.DESTINATION, SOURCE_DESTINATION),
}
_MEASURE: Final = re.compile(
    r"(quantity|value|minValue|maxValue|meanValue|sDev|percValue)_([A-Z0-9]{2,4})"
)
_SCOPES: Final[dict[str, Path]] = {
    "ILMD_": ("ilmd",),
    "ERROR_DECLARATION_": _DECLARATION,
    "SENSORELEMENT_": (_ELEMENTS,),
    "SENSORMETADATA_": _METADATA,
    "SENSORREPORT_": _REPORT,
    "readPoint_": ("readPoint",),
    "bizLocation_": ("bizLocation",),
}
_ATTRIBUTED: Final[dict[str, tuple[tuple[Path, ...], tuple[TermKind, ...]]]] = {
    "readPoint": ((("readPoint", "id"),), (TermKind.READ_POINT,)),
    "bizLocation": ((("bizLocation", "id"),), (TermKind.BIZ_LOCATION,)),
    "bizStep": ((("bizStep",),), (TermKind.BIZ_STEP,)),
    "disposition": ((("disposition",),), (TermKind.DISPOSITION,)),
    "parentID": (_PARENT, (TermKind.PARENT,)),
    "transformationID": ((("transformationID",),), (TermKind.TRANSFORMATION,)),
    "bizTransaction": (
        (("bizTransactionList", "bizTransaction"),),
        (TermKind.BIZ_TRANSACTION,),
    ),
    "source": ((("sourceList", "source"),), (TermKind.SOURCE,)),
    "destination": ((("destinationList", "destination"),), (TermKind.DESTINATION,)),
    "epcClass": (
        (*_CLASSES, *_INPUT_CLASSES, *_OUTPUT_CLASSES),
        (TermKind.EPC_CLASS, TermKind.INPUT_CLASS, TermKind.OUTPUT_CLASS),
    ),
}
"""Fields of the standard whose values master data may describe."""


def open_family(values: Values) -> Built:
    """Return what a parameter becomes whose name holds a type, a unit or an extension.

    Raises:
        ParameterUnknown: it is of no family.
        ParameterPrefixUnknown: its extension has a prefix that is not declared.
        QueryParameterException: its value is not of the family.
    """
    name = values.parameter
    for head in ("EQ_ATTR_", "EQATTR_"):
        if name.startswith(head):
            return _with_attribute(values, name.removeprefix(head))
    family, _, rest = name.partition("_")
    if family == "HASATTR":
        names = frozenset(_term_values(values, None))
        return _attributed(values, rest, AttributeNeed(names, None))
    if family == "EXISTS":
        return _exists(extension_source(values, rest))(values)
    if family not in Comparison.__members__:
        raise ParameterUnknown(name)
    comparison = Comparison(family)
    measure = _MEASURE.fullmatch(rest)
    if measure is not None:
        return _measure(values, comparison, measure[1], UnitCode(measure[2]))
    head, _, kind = rest.partition("_")
    if head in _TYPED and kind and comparison is Comparison.EQ:
        return _typed(values, head, kind)
    return _extension(values, comparison, rest)


def extension_source(values: Values, name: str) -> Extensions:
    """Return where an extension stands.

    Args:
        values: of the parameter that names it.
        name: in a query, with what stands before it: ``INNER_ILMD_example:colour``.

    Raises:
        ParameterUnknown: it is no name of an extension.
        ParameterPrefixUnknown: its prefix is not declared.
    """
    inner = name.startswith("INNER_")
    rest = name.removeprefix("INNER_")
    scope: Path = ()
    for head, path in _SCOPES.items():
        if rest.startswith(head):
            rest, scope = rest.removeprefix(head), path
            break
    prefix, colon, _ = rest.partition(":")
    if not colon:
        raise ParameterUnknown(values.parameter)
    found = qualified(rest, values.namespaces)
    if found is None:
        raise ParameterPrefixUnknown(values.parameter, prefix)
    return Extensions((scope,), found, inner)


def _extension(values: Values, comparison: Comparison, name: str) -> Condition:
    source = extension_source(values, name)
    wanted = values.comparables() if comparison is Comparison.EQ else (values.ordered(),)
    return Condition(values.parameter, source, ComparesTo(comparison, wanted))


def _typed(values: Values, head: str, kind: str) -> Condition:
    """A member of a list of pairs: ``EQ_bizTransaction_po``."""
    where, term_kind, words = _TYPED[head]
    terms = _term_values(values, None)
    wanted = term_value(words.bare(kind), values.namespaces)
    return Condition(
        values.parameter,
        Place(((where,),)),
        IsTyped(head, wanted, frozenset(terms)),
        Lookup((term_kind,), terms, is_exact=False),
    )


def _measure(values: Values, comparison: Comparison, member: str, unit: UnitCode) -> Condition:
    """So much of a unit: ``GE_value_CEL``, ``LT_quantity_KGM``."""
    numbers = values.numbers() if comparison is Comparison.EQ else (values.number(),)
    is_quantity = member == "quantity"
    paths: tuple[Path, ...] = (
        tuple((name,) for name in QUANTITY_LISTS) if is_quantity else (_REPORT,)
    )
    test = MeasureIs(member, comparison, numbers, unit, spread=member == "sDev")
    return Condition(values.parameter, Place(paths), test)


def _with_attribute(values: Values, rest: str) -> Need:
    """Master data has an attribute of a value: ``EQATTR_bizLocation_cbvmda:city``."""
    field, _, attribute = rest.partition("_")
    if not attribute:
        raise ParameterUnknown(values.parameter)
    names = frozenset({term_value(attribute, values.namespaces)})
    wanted = frozenset(term_value(text, values.namespaces) for text in values.written())
    return _attributed(values, field, AttributeNeed(names, wanted))


def _attributed(values: Values, field: str, wanted: AttributeNeed) -> Need:
    if field in _ATTRIBUTED:
        paths, kinds = _ATTRIBUTED[field]
        return Need(values.parameter, Place(paths), kinds, wanted)
    return Need(values.parameter, extension_source(values, field), (), wanted)
