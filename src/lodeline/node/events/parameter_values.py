"""Values of query parameters, read as what a parameter wants: texts, moments, numbers, flags.

A list from a URL and a list from JSON are read alike; a single value is a list of one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from lodeline.exchange.epcis.context import BUILT_IN, Namespaces
from lodeline.exchange.epcis.errors import EpcisRefused
from lodeline.exchange.epcis.value import ExactNumber, JsonValue, number_text, parse_number
from lodeline.node.events.moments import Micros, micros
from lodeline.node.events.predicates import Comparable, comparable
from lodeline.node.events.query_refusals import (
    ParameterCountWrong,
    ParameterEmpty,
    ParameterNotFlag,
    ParameterNotNumber,
    ParameterNotText,
    ParameterNotTime,
    ParameterNotWord,
)

__all__ = ["Values"]

_COUNT: Final = re.compile(r"[0-9]{1,9}")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_SHOWN: Final = 60


class Values:
    """What stands beside the name of one parameter.

    Args:
        parameter: its name, for refusals.
        value: a value of JSON, or a list of them.
        namespaces: prefixes that the query declares.
    """

    def __init__(self, parameter: str, value: JsonValue, namespaces: Namespaces = BUILT_IN) -> None:
        self.parameter: Final = parameter
        self.namespaces: Final = namespaces
        self._members: Final = value if isinstance(value, list) else [value]

    def texts(self) -> tuple[str, ...]:
        """Return at least one text.

        Raises:
            ParameterEmpty: there is none, or it is empty.
            ParameterNotText: a value is no text.
        """
        if not self._members:
            raise ParameterEmpty(self.parameter)
        return tuple(self._text(member) for member in self._members)

    def text(self) -> str:
        """Return the only text.

        Raises:
            ParameterEmpty: there is none, or it is empty.
            ParameterNotText: it is no text, or there are several.
        """
        return self._text(self._only())

    def word(self, words: tuple[str, ...]) -> str:
        """Return the only text, which must be one of some words.

        Raises:
            ParameterNotWord: it is none of them.
        """
        return self._word(self.text(), words)

    def words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return texts that must all be of some words.

        Raises:
            ParameterNotWord: one is none of them.
        """
        return tuple(self._word(text, words) for text in self.texts())

    def moment(self) -> Micros:
        """Return the only moment.

        Raises:
            ParameterEmpty: there is none.
            ParameterNotTime: it is no time with its zone, or there are several.
        """
        member = self._only()
        try:
            return micros(self.parameter, self._text(member))
        except (EpcisRefused, ParameterNotText):
            raise ParameterNotTime(self.parameter, _shown(member)) from None

    def numbers(self) -> tuple[ExactNumber, ...]:
        """Return at least one number.

        Raises:
            ParameterEmpty: there is none.
            ParameterNotNumber: a value is none.
        """
        if not self._members:
            raise ParameterEmpty(self.parameter)
        return tuple(self._number(member) for member in self._members)

    def number(self) -> ExactNumber:
        """Return the only number.

        Raises:
            ParameterEmpty: there is none.
            ParameterNotNumber: it is none.
            ParameterNotText: there are several.
        """
        return self._number(self._only())

    def count(self, *, least: int) -> int:
        """Return the only whole number, below a thousand million.

        Raises:
            ParameterCountWrong: it is none, or below the least.
        """
        found = str(self._only())
        if _COUNT.fullmatch(found) is None or int(found) < least:
            raise ParameterCountWrong(self.parameter, found[:_SHOWN], least)
        return int(found)

    def flag(self) -> bool:
        """Return true or false; a parameter without a value is true.

        Raises:
            ParameterNotFlag: it is neither.
        """
        return self._members in ([], [None], [""]) or self.truth()

    def truth(self) -> bool:
        """Return true or false, which must be said.

        Raises:
            ParameterEmpty: there is none.
            ParameterNotFlag: it is neither.
        """
        member = self._only()
        if member == "":
            raise ParameterEmpty(self.parameter)
        found = _FLAGS.get(str(member).lower())
        if found is None:
            raise ParameterNotFlag(self.parameter, _shown(member))
        return found

    def written(self) -> tuple[str, ...]:
        """Return at least one text; a number is a text of its one form.

        Raises:
            ParameterEmpty: there is none, or it is empty.
            ParameterNotText: a value is neither.
        """
        if not self._members:
            raise ParameterEmpty(self.parameter)
        return tuple(
            number_text(member)
            if isinstance(member, (int, Decimal)) and not isinstance(member, bool)
            else self._text(member)
            for member in self._members
        )

    def comparables(self) -> tuple[Comparable, ...]:
        """Return at least one value for an extension, whatever its type.

        Raises:
            ParameterEmpty: there is none.
            ParameterNotText: one is an object or nothing.
        """
        if not self._members:
            raise ParameterEmpty(self.parameter)
        return tuple(self._comparable(member) for member in self._members)

    def ordered(self) -> Comparable:
        """Return the only number or moment.

        Raises:
            ParameterNotNumber: it is neither.
        """
        member = self._only()
        found = self._comparable(member)
        if found.number is None and found.moment is None:
            raise ParameterNotNumber(self.parameter, _shown(member))
        return found

    def _only(self) -> JsonValue:
        if not self._members:
            raise ParameterEmpty(self.parameter)
        if len(self._members) > 1:
            raise ParameterNotText(self.parameter, str(self._members)[:_SHOWN])
        return self._members[0]

    def _text(self, member: JsonValue) -> str:
        if not isinstance(member, str):
            raise ParameterNotText(self.parameter, _shown(member))
        if not member:
            raise ParameterEmpty(self.parameter)
        return member

    def _word(self, text: str, words: tuple[str, ...]) -> str:
        if text not in words:
            raise ParameterNotWord(self.parameter, text[:_SHOWN], words)
        return text

    def _number(self, member: JsonValue) -> ExactNumber:
        if isinstance(member, (int, Decimal)) and not isinstance(member, bool):
            return member
        try:
            return parse_number(self._text(member))
        except (EpcisRefused, ParameterNotText):
            raise ParameterNotNumber(self.parameter, _shown(member)) from None

    def _comparable(self, member: JsonValue) -> Comparable:
        if member == "":
            raise ParameterEmpty(self.parameter)
        found = comparable(member, self.namespaces)
        if found is None:
            raise ParameterNotText(self.parameter, _shown(member))
        return found


def _shown(value: JsonValue) -> str:
    return str(value)[:_SHOWN]
