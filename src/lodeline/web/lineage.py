"""Where lots came from and what they went into, over HTTP: by lot, or by goods of events.

The graph of lots and steps is public to members, so that whoever works for the company and may read
lots is told all of it. What lots hold and stood for, which the vault knows, and which events told
of a step are told to those who see everything of the company. An answer is bounded and says so:
what is nearest is in it, and how much there is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from starlette.responses import Response

from lodeline.kernel.ids import LotId
from lodeline.lineage.csr import Bounds
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import Act, Note, record
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.exceptions import ValidationException
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.resources import Resource
from lodeline.node.lineage_desk import Asker, LineageDesk, LineageNotHere, Told, Way
from lodeline.node.tracing import traced_data
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.listing import JSON, json_answer
from lodeline.web.operations import Answer, Operation, Parameter, Place
from lodeline.web.parameters import MEMBERS
from lodeline.web.refusals import ListNotShared
from lodeline.web.stating import parameters_of

__all__ = ["MOST", "OPERATIONS", "LotNumberMalformed"]

MOST: Final = 5_000
"""Lots, and steps, of one answer at most."""
_USUAL: Final = 1_000
_DEEPEST: Final = 1_000_000
_LOT: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_DEPTH: Final = Parameter(
    "depth",
    Place.QUERY,
    "Steps from the lot, at most; as far as there are any otherwise.",
    {"type": "integer", "minimum": 0},
)
_LIMIT: Final = Parameter(
    "limit",
    Place.QUERY,
    f"Lots, and steps, in the answer at most, the nearest: {_USUAL:,}, or up to {MOST:,}.",
    {"type": "integer", "minimum": 1},
)
_NUMBER: Final = Parameter(
    "lot",
    Place.PATH,
    "Number of a lot: 64 hexadecimal digits.",
    {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"},
)


class LotNumberMalformed(ValidationException):
    """What stands in the place of a lot's number is none."""

    code: ClassVar[str] = "web-lot-number-malformed"
    en: ClassVar[str] = "“{found}” is no number of a lot"
    fr: ClassVar[str] = "« {found} » n'est pas un numéro de lot"
    advice_en: ClassVar[str] = "write all of its 64 hexadecimal digits"
    advice_fr: ClassVar[str] = "écrivez ses 64 chiffres hexadécimaux en entier"

    found: str


class _OfLot:
    """Answers about a lot."""

    def __init__(self, *, is_upstream: bool) -> None:
        self._is_upstream = is_upstream

    def __call__(self, asked: Asked) -> Response:
        """Answer one request."""
        found = asked.values["lot"]
        if _LOT.fullmatch(found) is None:
            raise LotNumberMalformed(found[:80])
        lot = LotId(bytes.fromhex(found))
        way = _way(asked, is_upstream=self._is_upstream)
        return _answer(asked, _desk(asked).of_lot(lot, way, _asker(asked)), f"lot {lot.hex()}")


class _OfGoods:
    """Answers about goods of the company's events; for who sees all of these."""

    def __init__(self, *, is_upstream: bool) -> None:
        self._is_upstream = is_upstream

    def __call__(self, asked: Asked) -> Response:
        """Answer one request."""
        asked.caller.require(Scope.EVENTS_READ)
        asker = _asker(asked)
        if not asker.sees_events:
            raise ListNotShared(asked.caller.user, Resource.EPCS.value)
        epc = asked.values[MEMBERS[Resource.EPCS].name]
        way = _way(asked, is_upstream=self._is_upstream)
        return _answer(asked, _desk(asked).of_goods(epc, way, asker), epc)


def _desk(asked: Asked) -> LineageDesk:
    if asked.service.lineage is None:
        raise LineageNotHere
    return asked.service.lineage


def _asker(asked: Asked) -> Asker:
    everything = visible_to(asked.store, asked.caller).everything
    return Asker(asked.tenant, everything, everything and asked.caller.may(Scope.EVENTS_READ))


def _way(asked: Asked, *, is_upstream: bool) -> Way:
    given = parameters_of(asked.request.query_params.multi_items(), (_DEPTH.name, _LIMIT.name))
    most = _count(given, _LIMIT, 1)
    depth = _count(given, _DEPTH, 0)
    wanted = Bounds(
        _USUAL if most is None else min(most, MOST), None if depth is None else min(depth, _DEEPEST)
    )
    return Way(wanted, is_upstream)


def _count(given: dict[str, str], parameter: Parameter, least: int) -> int | None:
    text = given.get(parameter.name)
    return None if text is None else Values(parameter.name, text).count(least=least)


def _answer(asked: Asked, told: Told, about: str) -> Response:
    data = traced_data(told.traced)
    if told.events:
        data["events"] = {step.hex(): list(each) for step, each in told.events.items()}
    if told.goods:
        data["goods"] = {lot.hex(): list(each) for lot, each in told.goods.items()}
    data["exact"] = told.is_exact
    data["log"] = {"size": told.size, "entries": told.log_size}
    direction = "trace" if told.traced.lineage.upstream else "impact"
    note = Note(asked.who, Act.READ, f"{direction} of {about}", told.seqs)
    record(asked.store, asked.tenant, [note])
    return json_answer(data, headers=epcis_headers())


_TEXT: Final = {"type": "string"}
_HEX: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_HEXES: Final = {"type": "array", "items": _HEX}
_COUNT: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_MAYBE: Final = {"type": ["string", "null"]}


def _object(**members: object) -> dict[str, object]:
    """The schema of an object that has all of some members."""
    return {"type": "object", "required": list(members), "properties": members}


def _by_id(value: object) -> dict[str, object]:
    return {"type": "object", "propertyNames": _HEX, "additionalProperties": value}


_SCHEMA: Final = _object(
    direction={"enum": ["upstream", "downstream"]},
    roots=_HEXES,
    lots={
        "type": "array",
        "items": _object(lot=_HEX, form=_TEXT, made_by=_HEX, unspent=_FLAG, recalled=_FLAG),
    },
    steps={
        "type": "array",
        "items": _object(
            step=_HEX,
            kind={"enum": ["transform", "reversal", "regrant"]},
            recipe=_MAYBE,
            site=_MAYBE,
            time={"type": "string", "format": "date-time"},
            entry=_COUNT,
            signers={"type": "array", "items": _TEXT},
            inputs=_HEXES,
            outputs=_HEXES,
            reversed=_FLAG,
        ),
    },
    sites={"type": "array", "items": _TEXT},
    ends=_HEXES,
    known=_by_id({"type": "object"}),
    complete=_FLAG,
    cut=_HEXES,
    total=_object(lots=_COUNT, steps=_COUNT),
    exact=_FLAG,
    log=_object(size=_COUNT, entries=_COUNT),
)
_ANSWERS: Final = (Answer(200, "The lineage, as far as it was asked for.", _SCHEMA),)


def _operation(
    path: str, summary: str, part: Parameter, handler: Callable[[Asked], Response]
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        summary=summary,
        handler=handler,
        scope=Scope.LOTS_READ,
        gives=JSON,
        parameters=(part, _DEPTH, _LIMIT),
        answers=_ANSWERS,
        refusals=(404,),
    )


_EPC: Final = MEMBERS[Resource.EPCS]
OPERATIONS: Final[Sequence[Operation]] = (
    _operation(
        "/lots/{lot}/trace", "Show what a lot came from.", _NUMBER, _OfLot(is_upstream=True)
    ),
    _operation(
        "/lots/{lot}/impact", "Show what a lot went into.", _NUMBER, _OfLot(is_upstream=False)
    ),
    _operation(
        "/epcs/{epc}/trace",
        "Show what the lots that goods stand for came from.",
        _EPC,
        _OfGoods(is_upstream=True),
    ),
    _operation(
        "/epcs/{epc}/impact",
        "Show what the lots that goods stand for went into.",
        _EPC,
        _OfGoods(is_upstream=False),
    ),
)
