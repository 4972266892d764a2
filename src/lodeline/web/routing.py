"""Routes that are matched on the path as it was sent, part by part, before escapes are undone.

Identifiers in a path are URIs with slashes of their own: ``/epcs/https%3A%2F%2Fid.gs1.org%2F…``
has two parts, whatever the second one holds once it is unescaped.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from lodeline.web.refusals import PathMalformed

__all__ = ["TEMPLATE", "VALUES", "SegmentRoute", "values_of"]

TEMPLATE: Final = "lodeline.template"
"""Where a scope has the template of the route that it took."""
VALUES: Final = "lodeline.values"


class SegmentRoute(BaseRoute):
    """One path template and the application that answers there, whatever the method.

    Args:
        template: parts of the path; ``{name}`` stands for one part that is not empty.
        app: finds the template and the values of its parts in the scope.
    """

    def __init__(self, template: str, app: ASGIApp) -> None:
        self.template = template
        self._parts = template.split("/")[1:]
        self._app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this path."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = _raw_parts(scope)
        if len(found) != len(self._parts):
            return Match.NONE, {}
        values: dict[str, str] = {}
        for part, sent in zip(self._parts, found, strict=True):
            if part.startswith("{"):
                if not sent:
                    return Match.NONE, {}
                values[part[1:-1]] = sent
            elif part != sent:
                return Match.NONE, {}
        return Match.FULL, {TEMPLATE: self.template, VALUES: values}

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Refuse: addresses are written by `asking.segment`."""
        raise NoMatchFound(name, dict(path_params))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        await self._app(scope, receive, send)


def values_of(scope: Scope) -> dict[str, str]:
    """Return the variable parts of the path, unescaped.

    Raises:
        PathMalformed: one of them is no UTF-8 text.
    """
    found: dict[str, str] = {}
    for name, sent in scope[VALUES].items():
        try:
            found[name] = unquote(sent, errors="strict")
        except UnicodeDecodeError:
            raise PathMalformed(sent[:128]) from None
    return found


def _raw_parts(scope: Scope) -> list[str]:
    """Parts of the path as they were sent, without the path that the service lies under."""
    raw = scope.get("raw_path")
    sent = raw.decode("latin-1") if raw else quote(scope["path"])
    path = sent.partition("?")[0]
    root = str(scope.get("root_path", "")).rstrip("/")
    if root and path.startswith(f"{root}/"):
        path = path.removeprefix(root)
    return path.split("/")[1:]
