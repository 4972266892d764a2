"""Bodies of small requests: a JSON object whose fields are known, each of one kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, TypeVar

from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonValue
from lodeline.node.events.exceptions import ValidationException
from lodeline.node.events.moments import Micros, micros

__all__ = ["MAX_LISTED", "MAX_TEXT", "Body", "BodyFieldUnknown", "BodyFieldWrong", "BodyNotObject"]

T = TypeVar("T")

MAX_TEXT: Final = 1_024
"""Characters of a text."""
MAX_LISTED: Final = 256
"""Texts of a list."""


class BodyNotObject(ValidationException):
    """A body that is no JSON object."""

    code: ClassVar[str] = "web-body-not-object"
    en: ClassVar[str] = "the body is JSON, but no object"
    fr: ClassVar[str] = "le corps est du JSON, mais pas un objet"
    advice_en: ClassVar[str] = "send an object with the fields that /openapi.json names"
    advice_fr: ClassVar[str] = "envoyez un objet avec les champs que /openapi.json nomme"


class BodyFieldUnknown(ValidationException):
    """A body has a field that nothing is done with."""

    code: ClassVar[str] = "web-body-field-unknown"
    en: ClassVar[str] = "there is no field “{field}” here, only {known}"
    fr: ClassVar[str] = "il n'y a pas ici de champ « {field} », seulement {known}"
    advice_en: ClassVar[str] = "check its spelling, or leave it out"
    advice_fr: ClassVar[str] = "vérifiez l'orthographe, ou omettez-le"

    field: str
    known: tuple[str, ...]


class BodyFieldWrong(ValidationException):
    """A field of a body is missing, or is not what it has to be."""

    code: ClassVar[str] = "web-body-field-wrong"
    en: ClassVar[str] = "the field “{field}” is missing, or is not what it has to be"
    fr: ClassVar[str] = "le champ « {field} » manque, ou n'est pas ce qu'il doit être"
    advice_en: ClassVar[str] = "/openapi.json says what it has to be"
    advice_fr: ClassVar[str] = "/openapi.json dit ce qu'il doit être"

    field: str


class Body:
    """The fields of a body. Each is asked for once, with what it is where it is left out.

    Args:
        data: the body.
        known: names of the fields.

    Raises:
        BodyNotObject, BodyFieldUnknown: it is no object with these fields alone.
        EpcisRefused: it is no JSON.
    """

    def __init__(self, data: bytes, known: Iterable[str]) -> None:
        value, names = parse_json(data), tuple(known)
        if not isinstance(value, dict):
            raise BodyNotObject
        for name in value:
            if name not in names:
                raise BodyFieldUnknown(name[:64], names)
        self._fields: Final = value

    def text(self, field: str, default: str | None = None) -> str:
        """Return a text without control characters, of at most `MAX_TEXT` characters.

        Raises:
            BodyFieldWrong: it is none, or is missing without a default.
        """
        return self._text(field, self._fields.get(field, default))

    def maybe_text(self, field: str) -> str | None:
        """Return a text, or nothing where it is left out.

        Raises:
            BodyFieldWrong: it is there and no text.
        """
        return self.text(field) if field in self._fields else None

    def texts(self, field: str, *, least: int = 0) -> tuple[str, ...]:
        """Return a list of texts; an empty one where it is left out.

        Raises:
            BodyFieldWrong: it is none, too short, or of more than `MAX_LISTED`.
        """
        found = self._fields.get(field, [])
        if not isinstance(found, list) or not least <= len(found) <= MAX_LISTED:
            raise BodyFieldWrong(field)
        return tuple(self._text(field, member) for member in found)

    def maybe_texts(self, field: str) -> tuple[str, ...] | None:
        """Return a list of at least one text, or nothing where it is left out.

        Raises:
            BodyFieldWrong: it is there and no such list.
        """
        return self.texts(field, least=1) if field in self._fields else None

    def number(self, field: str, default: int | None = None) -> int:
        """Return a whole number.

        Raises:
            BodyFieldWrong: it is none, or is missing without a default.
        """
        found = self._fields.get(field, default)
        if isinstance(found, bool) or not isinstance(found, int):
            raise BodyFieldWrong(field)
        return found

    def flag(self, field: str) -> bool:
        """Return true or false; false where it is left out.

        Raises:
            BodyFieldWrong: it is neither.
        """
        found = self._fields.get(field, False)
        if not isinstance(found, bool):
            raise BodyFieldWrong(field)
        return found

    def moment(self, field: str) -> Micros | None:
        """Return a moment, or nothing where it is left out.

        Raises:
            BodyFieldWrong: it is no text.
            TimeWithoutZone, TimeWrong: it is no time with its zone.
        """
        return micros(field, self.text(field)) if field in self._fields else None

    @staticmethod
    def _text(field: str, value: JsonValue) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise BodyFieldWrong(field)
        return value
