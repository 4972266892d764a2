"""How a refusal is said: one class for each reason, with the values that disagreed.

A refusal has a stable `code`, a message and an advice in English and French, and the values that
led to it as typed fields. Callers match on the class and read the fields; people read the text.

    class MassNotBalanced(LodelineError):
        \"\"\"The outputs weigh more than the inputs.\"\"\"

        code: ClassVar[str] = "mass-not-balanced"
        en: ClassVar[str] = "the outputs hold {outputs} mg, the inputs only {inputs} mg"
        fr: ClassVar[str] = "les sorties font {outputs} mg, les entrées seulement {inputs}"
        advice_en: ClassVar[str] = "weigh again, or name the missing input"
        advice_fr: ClassVar[str] = "pesez à nouveau, ou nommez l'entrée manquante"

        inputs: Milligrams
        outputs: Milligrams

A subclass without a `code` of its own is a family: it groups reasons for `except` and cannot be
raised itself. Errors are mistakes of data and people; misuse of an API by a programmer stays a
`TypeError` or `ValueError`.
"""

import dataclasses
import re
import string
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, Literal, cast, dataclass_transform

Lang = Literal["en", "fr"]
"""The languages in which a refusal can explain itself."""

SHORT_HEX = 12
"""Hex characters of an id that a message shows."""

_SCALES = {"kg": 6, "percent": 4}
"""Digits by which a field is shifted: ``{mass:kg}`` of milligrams, ``{share:percent}`` of ppm."""
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TEXTS = ("en", "fr", "advice_en", "advice_fr")
_RESERVED = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "args"}  # RFC 9457, Exception
    | {"advice", "explain", "fields", "message", "problem"}  # methods below
)
_registry: dict[str, "type[LodelineError]"] = {}


class _Words(string.Formatter):
    """Formats a field for a reader: ids short, lists comma-separated, enums by value."""

    def __init__(self, lang: Lang) -> None:
        self._none = "none" if lang == "en" else "aucun"
        self._point = "." if lang == "en" else ","

    # Any: the signature that string.Formatter fixes.
    def format_field(self, value: Any, format_spec: str) -> Any:
        if format_spec in _SCALES:
            number = f"{Decimal(value).scaleb(-_SCALES[format_spec]).normalize():f}"
            return number.replace(".", self._point)
        if format_spec:
            return super().format_field(value, format_spec)
        return self._plain(value)

    def _plain(self, value: object) -> str:
        if value is None:
            return self._none
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).hex()[:SHORT_HEX]
        if isinstance(value, Enum):
            return str(value.value)
        if isinstance(value, (frozenset, set)):
            return self._plain(tuple(sorted(value, key=repr)))
        if isinstance(value, (tuple, list)):
            return ", ".join(self._plain(item) for item in value) or self._none
        return str(value)


@dataclass_transform(eq_default=False, frozen_default=True)
class LodelineError(Exception):
    """Base of every refusal in the project.

    Subclasses are dataclasses without a decorator: annotated fields become constructor parameters
    (positional or keyword), and are read-only by contract. They are not frozen at run time, because
    Python itself writes `__traceback__` and `__context__` while an exception travels.
    """

    code: ClassVar[str]
    en: ClassVar[str]
    fr: ClassVar[str]
    advice_en: ClassVar[str]
    advice_fr: ClassVar[str]
    status: ClassVar[int] = 422

    # Any: the signature that object fixes.
    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the class a dataclass and, when it has a code, check its texts and register it."""
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(eq=False, repr=True)(cls)
        if "code" in cls.__dict__:
            _register(cls)

    def __new__(cls, *args: object, **kwargs: object) -> "LodelineError":
        """Refuse to build a family: only a reason can be raised."""
        del kwargs  # taken by __init__, which dataclasses writes
        if "code" not in cls.__dict__:
            message = f"{cls.__qualname__} is a family of errors; raise one of its reasons"
            raise TypeError(message)
        return super().__new__(cls, *args)

    def __str__(self) -> str:
        return self.explain("en")

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process boundary by field names, however the error was constructed."""
        return _rebuild, (type(self), self.fields())

    def fields(self) -> dict[str, object]:
        """The values that disagreed, by name, in the order of declaration."""
        return {name: getattr(self, name) for name in _names(type(self))}

    def message(self, lang: Lang) -> str:
        """What was refused and why, in one sentence without a closing full stop."""
        return _fill(self.en if lang == "en" else self.fr, self.fields(), lang)

    def advice(self, lang: Lang) -> str:
        """What the caller can do about it, in one sentence without a closing full stop."""
        return _fill(self.advice_en if lang == "en" else self.advice_fr, self.fields(), lang)

    def explain(self, lang: Lang) -> str:
        """Message and advice together, for a terminal or a page."""
        colon = ":" if lang == "en" else " :"
        label = "what to do" if lang == "en" else "que faire"
        return f"{self.message(lang)} ({label}{colon} {self.advice(lang)})"

    def problem(self, lang: Lang) -> dict[str, object]:
        """The error as a problem details object (RFC 9457), ready for JSON.

        Fields are extension members: bytes in hexadecimal, numbers and anything else as text, so
        that no reader rounds an amount. The type never changes once a code is published.
        """
        return {
            "type": f"urn:lodeline:problem:{self.code}",
            "title": self.code.replace("-", " "),
            "status": self.status,
            "detail": self.message(lang),
            "advice": self.advice(lang),
            **{name: _as_json(value) for name, value in self.fields().items()},
        }


def all_errors() -> Mapping[str, type[LodelineError]]:
    """Every reason defined so far, by code, sorted; only imported modules are seen."""
    return dict(sorted(_registry.items()))


def _rebuild(cls: type[LodelineError], fields: dict[str, object]) -> LodelineError:
    return cls(**fields)


def _names(cls: type[LodelineError]) -> tuple[str, ...]:
    # The subclass is a dataclass by __init_subclass__, which no type checker can see.
    return tuple(field.name for field in dataclasses.fields(cast(Any, cls)))


def _fill(template: str, fields: Mapping[str, object], lang: Lang) -> str:
    return _Words(lang).vformat(template, (), fields)


def _as_json(value: object) -> object:
    """Text of one field; lists stay lists."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (frozenset, set)):
        return [_as_json(item) for item in sorted(value, key=repr)]
    if isinstance(value, (tuple, list)):
        return [_as_json(item) for item in value]
    return str(value)


def _placeholders(template: str) -> set[str]:
    parsed = string.Formatter().parse(template)
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in parsed if name is not None}


def _register(cls: type[LodelineError]) -> None:
    """Refuse a class whose texts cannot be shown, at import, where its author sees it."""
    where = f"{cls.__module__}.{cls.__qualname__}"
    if not _CODE.fullmatch(cls.code):
        message = f"{where}: the code {cls.code!r} is not in kebab-case"
        raise TypeError(message)
    names = set(_names(cls))
    if names & _RESERVED:
        message = f"{where}: reserved field names {sorted(names & _RESERVED)}"
        raise TypeError(message)
    for text in _TEXTS:
        template = getattr(cls, text, "")
        if not template or not _placeholders(template) <= names:
            message = f"{where}: {text} is empty or names something that is not a field"
            raise TypeError(message)
    known = _registry.setdefault(cls.code, cls)
    if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        message = f"{where}: the code {cls.code!r} belongs to {known.__qualname__}"
        raise TypeError(message)
    _registry[cls.code] = cls
