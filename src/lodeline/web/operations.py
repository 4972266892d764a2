"""What the service does at each address, as one table: routes, OPTIONS and OpenAPI come of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lodeline.node.access.roles import Scope
from lodeline.web.asking import Handler, Stranger

__all__ = [
    "DOCUMENT",
    "EPCIS_MEDIA",
    "JSON_MEDIA",
    "Answer",
    "Open",
    "Operation",
    "Parameter",
    "Place",
    "Schema",
    "by_path",
]

Schema = Mapping[str, object]
"""A JSON Schema, or a reference to one of the OpenAPI document."""

JSON_MEDIA: Final = ("application/json", "application/ld+json")
EPCIS_MEDIA: Final = (*JSON_MEDIA, "application/xml", "text/xml")
DOCUMENT: Final[Schema] = {"$ref": "#/components/schemas/Document"}
_TEXT: Final[Schema] = {"type": "string"}


class Place(StrEnum):
    """Where a parameter stands."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the OpenAPI document describes it."""

    name: str
    place: Place
    about: str
    schema: Schema = field(default_factory=lambda: _TEXT)
    is_list: bool = False
    """Whether values are separated by ``|``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that an operation has, beside refusals that every operation has."""

    status: int
    about: str
    schema: Schema | None = None
    """Of the body; nothing for an answer without one."""
    headers: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    """Of the body, where they are not the operation's."""


@dataclass(frozen=True, slots=True)
class _Described:
    method: str
    path: str
    """Template: ``/events/{eventID}``."""
    summary: str
    answers: tuple[Answer, ...]
    gives: tuple[str, ...] = JSON_MEDIA
    """Forms of the answer, the preferred one first; none: the handler looks for itself."""
    takes: tuple[str, ...] = ()
    """Forms of the body; empty where there is none."""
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = ()
    """Statuses of refusals beside those that every operation has."""

    @property
    def path_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that stand in the path."""
        return tuple(each for each in self.parameters if each.place is Place.PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(_Described):
    """Something that callers can ask for."""

    handler: Handler
    scope: Scope | None
    """What a caller must be allowed; nothing: being known is enough."""
    max_body: int = 128 * 1024
    """Bytes of the body."""
    body: Schema | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(_Described):
    """Something that anybody can ask for."""

    handler: Stranger


def by_path(
    operations: Iterable[Operation | Open],
) -> Mapping[str, Sequence[Operation | Open]]:
    """Return the operations of each path, in their order.

    Raises:
        ValueError: two of them have the same method.
    """
    found: dict[str, list[Operation | Open]] = {}
    for operation in operations:
        beside = found.setdefault(operation.path, [])
        if any(other.method == operation.method for other in beside):
            message = f"{operation.method} {operation.path} is there twice"
            raise ValueError(message)
        beside.append(operation)
    return found
