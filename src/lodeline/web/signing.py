"""Signing in and out: a session for a password, or for whom an issuer of identities vouches.

A session is a token that a browser or a person's tool shows from then on. The two halves of a
sign-in at an issuer are tied to one browser by a cookie that scripts cannot read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from lodeline.node.access.accounts import account
from lodeline.node.access.openid import OpenId
from lodeline.node.access.tokens import IssuedToken
from lodeline.node.events.moments import moment_text
from lodeline.web.asking import Asked, Outsider
from lodeline.web.operations import Answer, Open, Operation, Parameter, Place
from lodeline.web.refusals import PathUnknown, SessionNeedsPassword

__all__ = ["OPERATIONS"]

_COOKIE: Final = "lodeline_sign_in"
_PATH: Final = "/sign-in"
_SECONDS: Final = 600
_JSON: Final = ("application/json",)


def _begin_session(asked: Asked) -> Response:
    """Give a session to whoever showed a password, and not to whoever showed a token."""
    scheme = asked.request.headers.get("authorization", "").partition(" ")[0]
    if scheme.lower() != "basic":
        raise SessionNeedsPassword(asked.caller.user)
    owner = account(asked.store, asked.tenant, asked.caller.user)
    return _session(asked.service.access.session_for(owner, "password"))


def _end_session(asked: Asked) -> Response:
    """Make the token that was shown good for nothing."""
    asked.service.access.sign_out(asked.caller)
    return Response(status_code=204)


def _session(issued: IssuedToken) -> Response:
    value = {
        "token": issued.bearer,
        "user": issued.user,
        "scopes": sorted(issued.scopes),
        "expiresAt": moment_text(issued.expires),
    }
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(value), 201, headers, "application/json")


# ------------------------------------------------------------------ at an issuer


def _issuer(asked: Outsider) -> OpenId:
    found = asked.service.access.foreign
    if not isinstance(found, OpenId):
        raise PathUnknown(_PATH)
    return found


def _lead_to_issuer(asked: Outsider) -> Response:
    """Send a browser to the issuer of identities."""
    begun = _issuer(asked).begin()
    headers = {"Location": begun.url, "Cache-Control": "no-store"}
    answer = Response(status_code=303, headers=headers)
    answer.set_cookie(
        _COOKIE,
        begun.kept,
        max_age=_SECONDS,
        path=_PATH,
        secure=_is_secure(asked.request, asked.service.settings.public_url),
        httponly=True,
        samesite="lax",
    )
    return answer


def _back_from_issuer(asked: Outsider) -> Response:
    """Give a session to whom the issuer vouches for."""
    issuer = _issuer(asked)
    given = asked.request.query_params
    cookie = asked.request.cookies.get(_COOKIE, "")
    access = asked.service.access
    with access.guarded(asked.source):
        owner = issuer.finish(given.get("code", ""), given.get("state", ""), cookie)
    answer = _session(access.session_for(owner, "openid"))
    answer.delete_cookie(_COOKIE, path=_PATH, httponly=True, samesite="lax")
    return answer


def _is_secure(request: Request, public_url: str) -> bool:
    return (public_url or str(request.base_url)).startswith("https://")


_SESSION: Final = {
    "type": "object",
    "required": ["token", "user", "scopes", "expiresAt"],
    "properties": {
        "token": {"type": "string"},
        "user": {"type": "string"},
        "scopes": {"type": "array", "items": {"type": "string"}},
        "expiresAt": {"type": "string", "format": "date-time"},
    },
}

OPERATIONS: Final[Sequence[Operation | Open]] = (
    Operation(
        method="POST",
        path="/session",
        summary="Begin a session with the name and password of an account.",
        handler=_begin_session,
        scope=None,
        gives=_JSON,
        answers=(Answer(201, "The session's token.", _SESSION),),
    ),
    Operation(
        method="DELETE",
        path="/session",
        summary="End the session, or revoke the token, that is shown.",
        handler=_end_session,
        scope=None,
        gives=_JSON,
        answers=(Answer(204, "It is over."),),
    ),
    Open(
        method="GET",
        path=_PATH,
        summary="Sign in at the issuer of identities of this node.",
        handler=_lead_to_issuer,
        gives=(),
        answers=(Answer(303, "The issuer.", None, ("Location",)),),
        refusals=(404,),
    ),
    Open(
        method="GET",
        path=f"{_PATH}/return",
        summary="Come back from the issuer of identities.",
        handler=_back_from_issuer,
        gives=(),
        parameters=(
            Parameter("code", Place.QUERY, "From the issuer."),
            Parameter("state", Place.QUERY, "From the issuer."),
        ),
        answers=(Answer(201, "The session's token.", _SESSION, forms=_JSON),),
        refusals=(401, 403, 404, 429),
    ),
)
