"""Lists that are asked for in pages, whose tokens say after which member the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, cast

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.value import JsonObject, JsonValue
from lodeline.node.events.paging import PageToken, open_token, seal_token
from lodeline.node.events.parameter_values import Values
from lodeline.node.events.parameters import MAX_PER_PAGE, PER_PAGE
from lodeline.node.events.query_refusals import PageTokenWrong
from lodeline.web import parameters
from lodeline.web.asking import Asked
from lodeline.web.documents import holder_of, page_headers
from lodeline.web.stating import parameters_of

__all__ = ["JSON", "LINKED", "PAGE", "Key", "json_answer", "list_answer", "listed_after"]

T = TypeVar("T")
Key: TypeAlias = "tuple[str | int, ...]"
"""By what a list is in order; unique within it."""

JSON: Final = ("application/json",)
PAGE: Final = (parameters.PER_PAGE, parameters.PAGE_TOKEN)
_NONE: Final[Mapping[str, str]] = {}
LINKED: Final = ("Link", "GS1-Next-Page-Token-Expires")


def json_answer(told: object, status: int = 200, headers: Mapping[str, str] = _NONE) -> Response:
    """Return an answer that nobody between here and the client keeps."""
    kept = {"Cache-Control": "no-store", **headers}
    return Response(orjson.dumps(told), status, kept, "application/json")


def listed_after(
    asked: Asked, of: str, known: Iterable[str] = ()
) -> tuple[dict[str, str], int, Key | None]:
    """Return what an address says: its parameters, how many members, and after which one.

    Args:
        asked: the request.
        of: names the list; a token of another one is refused.
        known: parameters beside those of pages.

    Raises:
        ParameterTwice, ParameterUnknown, ParameterCountWrong: the address says something else.
        PageTokenWrong, PageTokenExpired: the token is not good for this.
    """
    names = (*known, *(parameter.name for parameter in PAGE))
    given = parameters_of(asked.request.query_params.multi_items(), names)
    size, token = given.pop(PAGE[0].name, None), given.pop(PAGE[1].name, None)
    wanted = PER_PAGE
    if size is not None:
        wanted = min(Values(PAGE[0].name, size).count(least=1), MAX_PER_PAGE)
    if token is None:
        return given, wanted, None
    content = open_token(asked.store, asked.tenant, holder_of(asked), PageToken(token))
    if content.get("of") != _named(of, given):
        raise PageTokenWrong
    return given, wanted, cast(Key, tuple(cast("list[JsonValue]", content["after"])))


def list_answer(
    asked: Asked,
    of: str,
    found: Sequence[tuple[Key, T]],
    members: Callable[[T], object],
    known: Iterable[str] = (),
) -> Response:
    """Answer a page of a list.

    Args:
        asked: the request.
        of: as for `listed_after`.
        found: the whole list, or the part after the page's beginning, each with its key.
        members: a member as it is told.
        known: as for `listed_after`.

    Raises:
        QueryParameterException, PageTokenWrong, PageTokenExpired: as for `listed_after`.
    """
    given, size, after = listed_after(asked, of, known)
    rest = [(key, one) for key, one in found if after is None or key > after]
    page, headers = rest[:size], dict[str, str]()
    if len(rest) > size:
        content: JsonObject = {"of": _named(of, given), "after": list(page[-1][0])}
        following = seal_token(asked.store, asked.tenant, holder_of(asked), content)
        headers = page_headers(asked, following)
    return json_answer([members(one) for _, one in page], headers=headers)


def _named(of: str, given: dict[str, str]) -> str:
    return " ".join((of, *(f"{name}={value}" for name, value in sorted(given.items()))))
