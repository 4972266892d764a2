"""The board: a page for people, where tables are brought in and where it shows what became of them.

The page is a client of the service like any other. It comes with a policy that lets it run its own
script and speak to its own host alone (Content Security Policy Level 3), and puts what the service
tells into the page as text, never as markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.datastructures import URLPath
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from lodeline.web.asking import Outsider
from lodeline.web.documents import is_known
from lodeline.web.operations import Answer, Open

__all__ = ["BOARD", "OPERATIONS", "FrontDoor"]

BOARD: Final = "/board"
_FILES: Final = {
    BOARD: ("board.html", "text/html"),
    f"{BOARD}/style.css": ("style.css", "text/css"),
    f"{BOARD}/script.js": ("script.js", "text/javascript"),
    f"{BOARD}/texts.json": ("texts.json", "application/json"),
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def _page(asked: Outsider) -> Response:
    """Give out one file of the page, or say that the browser has it already."""
    path = f"/{'/'.join(part for part in asked.request.url.path.split('/') if part)}"
    name, media = _FILES[path[path.index(BOARD) :]]
    body, tag = _file(name)
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
    }
    if is_known(asked, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media)


@cache
def _file(name: str) -> tuple[bytes, str]:
    body = (files("lodeline.web") / "pages" / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


OPERATIONS: Final[Sequence[Open]] = tuple(
    Open(
        method="GET",
        path=path,
        summary="A page for people: bring tables in, and see what became of them.",
        handler=_page,
        gives=(media,),
        answers=(
            Answer(
                200,
                "A part of the page.",
                {"type": "object" if media == "application/json" else "string"},
                ("ETag",),
            ),
            Answer(304, "The browser has it."),
        ),
        refusals=(406,),
    )
    for path, (_, media) in _FILES.items()
)


class FrontDoor(BaseRoute):
    """Leads a browser that asks for the root to the board; programs get the list of resources."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a page is wanted of the root."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            return Match.NONE, {}
        root = str(scope.get("root_path", ""))
        is_root = scope["path"].removeprefix(root) in {"", "/"}
        accepts = b",".join(value for name, value in scope["headers"] if name == b"accept")
        return (Match.FULL if is_root and b"text/html" in accepts else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Refuse: nothing refers to it by a name."""
        raise NoMatchFound(name, dict(path_params))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead on."""
        root = str(scope.get("root_path", ""))
        await RedirectResponse(f"{root}{BOARD}", 303, {"Vary": "Accept"})(scope, receive, send)
