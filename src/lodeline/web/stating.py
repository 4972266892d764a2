"""States as the service tells them, and the parameters that say which are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lodeline.kernel.errors import Lang
from lodeline.node.events.moments import moment_text
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.query_refusals import ParameterTwice, ParameterUnknown
from lodeline.node.events.states import EventState, KnownState, Reason, WantedStates
from lodeline.web.operations import Parameter, Place

__all__ = ["DIRECTION", "SINCE", "STATE", "parameters_of", "state_members", "wanted_states"]

_ASCENDING: Final = "ASC"
_DIRECTIONS: Final = (_ASCENDING, "DESC")
_STATES: Final = tuple(state.value for state in EventState)

STATE: Final = Parameter(
    "state",
    Place.QUERY,
    "Any of these states.",
    {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(_STATES)}},
    is_list=True,
)
SINCE: Final = Parameter(
    "since",
    Place.QUERY,
    "Not what was in its state before, a time with its zone.",
    {"type": "string", "format": "date-time"},
)
DIRECTION: Final = Parameter(
    "orderDirection",
    Place.QUERY,
    "By when events came into their states: the latest first (DESC), or the oldest (ASC).",
    {"type": "string", "enum": list(_DIRECTIONS)},
)


def parameters_of(pairs: Iterable[tuple[str, str]], known: Iterable[str]) -> dict[str, str]:
    """Return the parameters of an address by name.

    Raises:
        ParameterTwice, ParameterUnknown: one is there twice, or is none of those that are known.
    """
    names, given = frozenset(known), dict[str, str]()
    for name, value in pairs:
        if name in given:
            raise ParameterTwice(name[:64])
        if name not in names:
            raise ParameterUnknown(name[:64])
        given[name] = value
    return given


def wanted_states(given: dict[str, str]) -> WantedStates:
    """Return which states are wanted, in which order.

    Raises:
        ParameterEmpty, ParameterNotWord, ParameterNotTime: a value is none of its parameter.
    """
    states = frozenset(EventState)
    if STATE.name in given:
        texts = [part for part in given[STATE.name].split("|") if part]
        words = Values(STATE.name, list(texts)).words(_STATES)
        states = frozenset(EventState(word) for word in words)
    since = None
    if SINCE.name in given:
        since = Values(SINCE.name, given[SINCE.name]).moment()
    oldest_first = False
    if DIRECTION.name in given:
        oldest_first = Values(DIRECTION.name, given[DIRECTION.name]).word(_DIRECTIONS) == _ASCENDING
    return WantedStates(states, since, oldest_first)


def state_members(known: KnownState, lang: Lang, *, everything: bool) -> dict[str, object]:
    """Return a state as the service tells it.

    Args:
        known: the state.
        lang: of the reason.
        everything: whether it is told why, too, and what became of the event.
    """
    at = known.at
    members: dict[str, object] = {
        "eventID": known.event_id,
        "state": at.state.value,
        "updatedAt": moment_text(at.updated),
    }
    if known.is_declaration:
        members["errorDeclaration"] = True
    if everything and at.reference is not None:
        members["entry"] = at.reference
    if everything and at.reason is not None:
        members["reason"] = _reason(at.reason, is_french=lang == "fr")
    return members


def _reason(reason: Reason, *, is_french: bool) -> dict[str, object]:
    return {
        "code": reason.code,
        "detail": reason.fr if is_french else reason.en,
        "advice": reason.advice_fr if is_french else reason.advice_en,
    }
