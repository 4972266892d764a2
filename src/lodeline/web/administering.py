"""Accounts and tokens over HTTP, for whoever keeps them: `lodeline account` and `lodeline token`.

Whoever may do this may make anybody anything in their company, themselves too: it is in the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from lodeline.node.access.accounts import (
    Account,
    AccountState,
    NewAccount,
    account,
    accounts,
    add_account,
    read_roles,
    set_password,
    set_roles,
    set_state,
)
from lodeline.node.access.callers import TokenId, UserName, partner_name, user_name
from lodeline.node.access.passwords import new_password
from lodeline.node.access.roles import Role, Scope
from lodeline.node.access.tokens import (
    MAX_TOKEN_DAYS,
    IssuedToken,
    TokenInfo,
    issue_token,
    read_scopes,
    revoke_token,
    tokens,
)
from lodeline.node.events.moments import Micros, moment_text
from lodeline.web.asking import Asked, segment
from lodeline.web.fields import MAX_LISTED, MAX_TEXT, Body, BodyFieldWrong
from lodeline.web.listing import JSON, LINKED, PAGE, json_answer, list_answer
from lodeline.web.operations import Answer, Operation, Parameter, Place

__all__ = ["OPERATIONS"]

_MAX_BODY: Final = 16 * 1024
_USUAL_DAYS: Final = 90

# ------------------------------------------------------------------ accounts


def _accounts(asked: Asked) -> Response:
    """List accounts by name."""
    found = accounts(asked.store, asked.tenant)
    return list_answer(asked, "accounts", [((one.user,), one) for one in found], _account)


def _add(asked: Asked) -> Response:
    """Make an account."""
    body = Body(asked.body, ("user", "roles", "title", "partner"))
    partner = body.maybe_text("partner")
    new = NewAccount(
        user_name(body.text("user")),
        read_roles(body.texts("roles", least=1)),
        body.text("title", ""),
        None if partner is None else partner_name(partner),
    )
    made = add_account(asked.store, asked.tenant, new, asked.who)
    path = f"/accounts/{segment(made.user)}"
    return json_answer(_account(made), 201, {"Location": asked.url(path)})


def _show(asked: Asked) -> Response:
    """Show an account."""
    return json_answer(_account(account(asked.store, asked.tenant, _user(asked))))


def _set_roles(asked: Asked) -> Response:
    """Give an account other roles."""
    roles = read_roles(Body(asked.body, ("roles",)).texts("roles", least=1))
    return json_answer(
        _account(set_roles(asked.store, asked.tenant, _user(asked), roles, asked.who))
    )


def _set_state(asked: Asked) -> Response:
    """Disable an account, or let it be used again."""
    word = Body(asked.body, ("state",)).text("state")
    if word not in tuple(AccountState):
        raise BodyFieldWrong("state")
    state = AccountState(word)
    return json_answer(
        _account(set_state(asked.store, asked.tenant, _user(asked), state, asked.who))
    )


def _set_password(asked: Asked) -> Response:
    """Give an account a new password."""
    typed = new_password(Body(asked.body, ("password",)).text("password"))
    user = _user(asked)
    return json_answer(_account(set_password(asked.store, asked.tenant, user, typed, by=asked.who)))


def _user(asked: Asked) -> UserName:
    return user_name(asked.values["user"])


def _account(one: Account) -> dict[str, object]:
    members: dict[str, object] = {
        "user": one.user,
        "title": one.title,
        "roles": sorted(one.roles),
        "scopes": sorted(one.scopes),
        "state": one.state.value,
        "hasPassword": one.has_password,
        "createdAt": moment_text(one.created),
        "changedAt": moment_text(one.changed),
    }
    if one.partner is not None:
        members["partner"] = one.partner
    if one.identity is not None:
        members["issuer"] = one.identity.issuer
    return members


# ------------------------------------------------------------------ tokens


def _issue(asked: Asked) -> Response:
    """Make a token for a program; it is shown this one time."""
    body = Body(asked.body, ("days", "scopes", "note"))
    scopes = body.maybe_texts("scopes")
    made = issue_token(
        asked.store,
        asked.tenant,
        _user(asked),
        by=asked.who,
        days=body.number("days", _USUAL_DAYS),
        scopes=None if scopes is None else read_scopes(scopes),
        note=body.text("note", ""),
    )
    return json_answer(_issued(made), 201)


def _issued(made: IssuedToken) -> dict[str, object]:
    return {
        "tokenID": made.token,
        "token": made.bearer,
        "user": made.user,
        "scopes": sorted(made.scopes),
        "expiresAt": moment_text(made.expires),
    }


def _tokens(asked: Asked) -> Response:
    """List tokens by account and time, without their secrets."""
    now = asked.store.clock.now()
    found = tokens(asked.store, asked.tenant)
    keyed = [((one.user, one.created, one.token), one) for one in found]
    return list_answer(asked, "tokens", keyed, lambda one: _token(one, now))


def _token(one: TokenInfo, now: Micros) -> dict[str, object]:
    members: dict[str, object] = {
        "tokenID": one.token,
        "user": one.user,
        "kind": one.kind.value,
        "scopes": sorted(one.scopes),
        "note": one.note,
        "createdAt": moment_text(one.created),
        "expiresAt": moment_text(one.expires),
        "isValid": one.revoked is None and now < one.expires,
    }
    if one.revoked is not None:
        members["revokedAt"] = moment_text(one.revoked)
    if one.used is not None:
        members["lastUsedAt"] = moment_text(one.used)
    return members


def _revoke(asked: Asked) -> Response:
    """Take a token back, at once."""
    revoke_token(asked.store, asked.tenant, TokenId(asked.values["tokenID"]), asked.who)
    return Response(status_code=204)


# ------------------------------------------------------------------ descriptions

_TEXT: Final = {"type": "string"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_NAME: Final = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"}
_PLAIN: Final = {"type": "string", "maxLength": MAX_TEXT}
_ROLES: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_LISTED,
    "items": {"enum": [role.value for role in Role]},
}
_SCOPES: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_LISTED,
    "items": {"enum": [scope.value for scope in Scope]},
}
_ACCOUNT: Final = {
    "type": "object",
    "required": ["user", "title", "roles", "scopes", "state", "hasPassword", "createdAt"],
    "properties": {
        "user": _NAME,
        "title": _TEXT,
        "roles": {"type": "array", "items": _TEXT},
        "scopes": {"type": "array", "items": _TEXT},
        "partner": _NAME,
        "issuer": _TEXT,
        "state": {"enum": [state.value for state in AccountState]},
        "hasPassword": {"type": "boolean"},
        "createdAt": _MOMENT,
        "changedAt": _MOMENT,
    },
}
_TOKEN: Final = {
    "type": "object",
    "required": ["tokenID", "user", "kind", "scopes", "createdAt", "expiresAt", "isValid"],
    "properties": {
        "tokenID": _TEXT,
        "user": _NAME,
        "kind": {"enum": ["api", "session"]},
        "scopes": {"type": "array", "items": _TEXT},
        "note": _TEXT,
        "createdAt": _MOMENT,
        "expiresAt": _MOMENT,
        "isValid": {"type": "boolean"},
        "revokedAt": _MOMENT,
        "lastUsedAt": _MOMENT,
    },
}
_ISSUED: Final = {
    "type": "object",
    "required": ["tokenID", "token", "user", "scopes", "expiresAt"],
    "properties": {
        "tokenID": _TEXT,
        "token": _TEXT,
        "user": _NAME,
        "scopes": {"type": "array", "items": _TEXT},
        "expiresAt": _MOMENT,
    },
}
_USER: Final = Parameter("user", Place.PATH, "Name of an account.", _NAME)
_TOKEN_ID: Final = Parameter("tokenID", Place.PATH, "Public half of a token.")
_EACH: Final = "/accounts/{user}"


def _object(required: Sequence[str], properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _put(what: str, summary: str, body: dict[str, object]) -> Operation:
    handlers = {"roles": _set_roles, "state": _set_state, "password": _set_password}
    return Operation(
        method="PUT",
        path=f"{_EACH}/{what}",
        summary=summary,
        handler=handlers[what],
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        takes=JSON,
        body=_object([what], {what: body}),
        max_body=_MAX_BODY,
        parameters=(_USER,),
        answers=(Answer(200, "The account, without its password.", _ACCOUNT),),
        refusals=(400, 404, 413, 415),
    )


OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/accounts",
        summary="List the accounts of a company.",
        handler=_accounts,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        parameters=PAGE,
        answers=(Answer(200, "Accounts.", {"type": "array", "items": _ACCOUNT}, LINKED),),
        refusals=(400,),
    ),
    Operation(
        method="POST",
        path="/accounts",
        summary="Make an account; it opens nothing until it has a password or a token.",
        handler=_add,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        takes=JSON,
        body=_object(
            ["user", "roles"],
            {"user": _NAME, "roles": _ROLES, "title": _PLAIN, "partner": _NAME},
        ),
        max_body=_MAX_BODY,
        answers=(Answer(201, "The account.", _ACCOUNT, ("Location",)),),
        refusals=(400, 409, 413, 415),
    ),
    Operation(
        method="GET",
        path=_EACH,
        summary="Show an account.",
        handler=_show,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        parameters=(_USER,),
        answers=(Answer(200, "The account.", _ACCOUNT),),
        refusals=(400, 404),
    ),
    _put("roles", "Give an account other roles; its tokens may do no more than these.", {**_ROLES}),
    _put(
        "state",
        "Disable an account with everything it has, or let it be used again.",
        {"enum": [state.value for state in AccountState]},
    ),
    _put(
        "password",
        "Give an account a new password; whoever is signed in with the old one is signed out.",
        {"type": "string", "minLength": 12, "maxLength": MAX_TEXT},
    ),
    Operation(
        method="POST",
        path=f"{_EACH}/tokens",
        summary="Make a token for a program; it is shown this one time.",
        handler=_issue,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        takes=JSON,
        body=_object(
            [],
            {
                "days": {"type": "integer", "minimum": 1, "maximum": MAX_TOKEN_DAYS},
                "scopes": _SCOPES,
                "note": _PLAIN,
            },
        ),
        max_body=_MAX_BODY,
        parameters=(_USER,),
        answers=(Answer(201, "The token.", _ISSUED),),
        refusals=(400, 404, 413, 415),
    ),
    Operation(
        method="GET",
        path="/tokens",
        summary="List the tokens of a company, without their secrets.",
        handler=_tokens,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        parameters=PAGE,
        answers=(Answer(200, "Tokens.", {"type": "array", "items": _TOKEN}, LINKED),),
        refusals=(400,),
    ),
    Operation(
        method="DELETE",
        path="/tokens/{tokenID}",
        summary="Take a token back, at once.",
        handler=_revoke,
        scope=Scope.ACCOUNTS_WRITE,
        gives=JSON,
        parameters=(_TOKEN_ID,),
        answers=(Answer(204, "It is good for nothing."),),
        refusals=(400, 404),
    ),
)
