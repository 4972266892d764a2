"""Subscriptions over HTTP: made, listed, shown and deleted (EPCIS 2.0, section 12.6.6).

The people of a company see all its subscriptions; whoever works for a partner sees their own. No
answer holds the secret of a subscription.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import orjson
from starlette.responses import Response

from lodeline.exchange.epcis.json_in import parse_json
from lodeline.exchange.epcis.value import JsonObject
from lodeline.node.access.roles import Scope
from lodeline.node.events.dead_letters import (
    DeadLetter,
    DeadLetterNumber,
    begin_again,
    dead_letters,
    forget_dead_letter,
)
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import moment_text
from lodeline.node.events.named import QueryName, query_name
from lodeline.node.events.paging import PageToken, open_token, seal_token
from lodeline.node.events.query_refusals import PageTokenWrong
from lodeline.node.events.schedules import SCHEDULE_FIELDS
from lodeline.node.events.subscriptions import (
    SpellingName,
    Subscription,
    SubscriptionId,
    parse_controls,
    subscribe,
    subscription,
    subscriptions,
    unsubscribe,
)
from lodeline.web import parameters
from lodeline.web.asking import Asked, epcis_headers
from lodeline.web.collections import paging_of
from lodeline.web.documents import holder_of, page_headers, spelling_of
from lodeline.web.operations import JSON_MEDIA, Answer, Operation, Parameter, Place

__all__ = ["OPERATIONS"]

_LIST: Final = "subscriptions"
_LETTERS: Final = "dead-letters"
_MAX_DIGITS: Final = 15
_MAX_BODY: Final = 16 * 1024


def _subscribe(asked: Asked) -> Response:
    """Make a subscription."""
    spelling = spelling_of(asked).epcs.value if "gs1-epc-format" in asked.request.headers else ""
    rules = asked.service.settings.destinations
    controls = parse_controls(parse_json(asked.body), rules, SpellingName(spelling))
    made = subscribe(asked.store, asked.tenant, _query_of(asked), controls, asked.who)
    path = f"/queries/{made.query_name}/subscriptions/{made.subscription_id}"
    headers = {**epcis_headers(), "Location": asked.url(path)}
    return Response(orjson.dumps(_members(made)), 201, headers, asked.media)


def _list(asked: Asked) -> Response:
    """List the subscriptions to a query."""
    size, token = paging_of(asked)
    name = _query_of(asked)
    after = SubscriptionId("") if token is None else _after(asked, name, token)
    found = subscriptions(
        asked.store, asked.tenant, name, after=after, limit=size + 1, of=_of(asked)
    )
    following = None
    if len(found) > size:
        end = {"of": _LIST, "query": str(name), "after": str(found[size - 1].subscription_id)}
        following = seal_token(asked.store, asked.tenant, holder_of(asked), {**end})
    headers = {**epcis_headers(), **page_headers(asked, following)}
    body = orjson.dumps([_members(each) for each in found[:size]])
    return Response(body, 200, headers, asked.media)


def _show(asked: Asked) -> Response:
    """Show one subscription."""
    return Response(orjson.dumps(_members(_shown(asked))), 200, epcis_headers(), asked.media)


def _unsubscribe(asked: Asked) -> Response:
    """Forget one subscription."""
    unsubscribe(asked.store, asked.tenant, _query_of(asked), _id_of(asked), _of(asked))
    return Response(status_code=204, headers=epcis_headers())


# ------------------------------------------------------------------ reports that were not taken


def _letters(asked: Asked) -> Response:
    """List the reports of a subscription that were not taken."""
    size, token = paging_of(asked)
    whose = _shown(asked).subscription_id
    after = DeadLetterNumber(0) if token is None else _after_letter(asked, whose, token)
    found = dead_letters(asked.store, asked.tenant, whose, after=after, limit=size + 1)
    following = None
    if len(found) > size:
        end: JsonObject = {"of": _LETTERS, "subscription": whose, "after": found[size - 1].number}
        following = seal_token(asked.store, asked.tenant, holder_of(asked), end)
    headers = {**epcis_headers(), **page_headers(asked, following)}
    body = orjson.dumps([_letter_members(each) for each in found[:size]])
    return Response(body, 200, headers, asked.media)


def _after_letter(asked: Asked, whose: SubscriptionId, token: PageToken) -> DeadLetterNumber:
    content = open_token(asked.store, asked.tenant, holder_of(asked), token)
    if content.get("of") != _LETTERS or content.get("subscription") != whose:
        raise PageTokenWrong
    return DeadLetterNumber(cast(int, content["after"]))


def _letter_members(letter: DeadLetter) -> dict[str, object]:
    """A report that was not taken; the events in it are asked for by query."""
    return {
        "number": letter.number,
        "createdAt": moment_text(letter.created),
        "attempts": letter.attempts,
        "code": letter.reason["code"],
        "reason": letter.reason["en"],
        "advice": letter.reason["advice_en"],
    }


def _begin_again(asked: Asked) -> Response:
    """Send a report, and everything after it, once more."""
    begin_again(asked.store, asked.tenant, _shown(asked).subscription_id, _letter_of(asked))
    return Response(status_code=204, headers=epcis_headers())


def _forget(asked: Asked) -> Response:
    """Forget a report that was not taken."""
    whose = _shown(asked).subscription_id
    forget_dead_letter(asked.store, asked.tenant, whose, _letter_of(asked))
    return Response(status_code=204, headers=epcis_headers())


def _letter_of(asked: Asked) -> DeadLetterNumber:
    text = asked.values["number"]
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return DeadLetterNumber(int(text) if is_number else 0)


def _shown(asked: Asked) -> Subscription:
    return subscription(asked.store, asked.tenant, _query_of(asked), _id_of(asked), _of(asked))


# ------------------------------------------------------------------ what is asked for


def _query_of(asked: Asked) -> QueryName:
    return query_name(asked.values["queryName"])


def _id_of(asked: Asked) -> SubscriptionId:
    return SubscriptionId(asked.values["subscriptionID"])


def _of(asked: Asked) -> Who | None:
    """Whose subscriptions are shown; nothing: everybody's."""
    return None if asked.caller.sees_all else asked.who


def _after(asked: Asked, name: QueryName, token: PageToken) -> SubscriptionId:
    content = open_token(asked.store, asked.tenant, holder_of(asked), token)
    if content.get("of") != _LIST or content.get("query") != name:
        raise PageTokenWrong
    return SubscriptionId(str(content["after"]))


def _members(found: Subscription) -> dict[str, object]:
    """A subscription as the standard writes it, with its state beside, without its secret."""
    controls = found.controls
    members: dict[str, object] = {
        "subscriptionID": found.subscription_id,
        "queryName": found.query_name,
        "dest": controls.destination.url,
        "createdAt": moment_text(found.created),
        "state": found.state.value,
        "attempts": found.attempts,
    }
    if controls.schedule is None:
        members["stream"] = True
    else:
        members["schedule"] = dict(controls.schedule.texts)
        members["reportIfEmpty"] = controls.reports_empty
    since = found.created if controls.since is None else controls.since
    members["initialRecordTime"] = moment_text(since)
    members["minRecordTime"] = moment_text(max(since, found.last_notified or since))
    if found.last_notified is not None:
        members["lastNotifiedAt"] = moment_text(found.last_notified)
    if controls.spelling:
        members["epcFormat"] = controls.spelling
    return members


# ------------------------------------------------------------------ descriptions

_TEXT: Final = {"type": "string"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_SCHEDULE: Final = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": dict.fromkeys(SCHEDULE_FIELDS, _TEXT),
}
_TRIGGERS: Final = [
    {"required": ["stream"], "properties": {"stream": {"const": True}}},
    {"required": ["schedule"]},
]
_ASKED_FOR: Final = {
    "type": "object",
    "required": ["dest"],
    "additionalProperties": False,
    "oneOf": _TRIGGERS,
    "properties": {
        "dest": {"type": "string", "format": "uri", "maxLength": 2048},
        "signatureToken": {"type": "string", "minLength": 16, "maxLength": 512},
        "initialRecordTime": _MOMENT,
        "reportIfEmpty": {"type": "boolean"},
        "stream": {"type": "boolean"},
        "schedule": _SCHEDULE,
    },
}
_SUBSCRIPTION: Final = {
    "type": "object",
    "required": ["subscriptionID", "dest", "createdAt", "queryName"],
    "oneOf": _TRIGGERS,
    "properties": {
        "subscriptionID": _TEXT,
        "queryName": _TEXT,
        "dest": {"type": "string", "format": "uri"},
        "createdAt": _MOMENT,
        "lastNotifiedAt": _MOMENT,
        "initialRecordTime": _MOMENT,
        "minRecordTime": _MOMENT,
        "reportIfEmpty": {"type": "boolean"},
        "epcFormat": _TEXT,
        "schedule": _SCHEDULE,
        "state": {"enum": ["active", "stopped"]},
        "attempts": {"type": "integer", "minimum": 0},
    },
}
_ID: Final = Parameter("subscriptionID", Place.PATH, "From the Location of a subscription.")
_WHICH: Final = (parameters.QUERY_NAME, _ID)
_NUMBER: Final = Parameter("number", Place.PATH, "Number of a report that was not taken.")
_LETTER: Final = {
    "type": "object",
    "required": ["number", "createdAt", "attempts", "code", "reason", "advice"],
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "createdAt": _MOMENT,
        "attempts": {"type": "integer", "minimum": 1},
        "code": _TEXT,
        "reason": _TEXT,
        "advice": _TEXT,
    },
}
_ALL: Final = "/queries/{queryName}/subscriptions"
_EACH: Final = f"{_ALL}/{{subscriptionID}}"

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path=_ALL,
        summary="List the subscriptions to a named query.",
        handler=_list,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=(parameters.QUERY_NAME, parameters.PER_PAGE, parameters.PAGE_TOKEN),
        answers=(
            Answer(
                200,
                "Subscriptions.",
                {"type": "array", "items": _SUBSCRIPTION},
                ("Link", "GS1-Next-Page-Token-Expires"),
            ),
        ),
        refusals=(400, 404),
    ),
    Operation(
        method="POST",
        path=_ALL,
        summary="Subscribe to a named query.",
        handler=_subscribe,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        takes=JSON_MEDIA,
        body=_ASKED_FOR,
        max_body=_MAX_BODY,
        parameters=(parameters.QUERY_NAME, parameters.EPC_FORMAT, parameters.CBV_FORMAT),
        answers=(Answer(201, "Subscribed.", _SUBSCRIPTION, ("Location",)),),
        refusals=(400, 404, 413, 415),
    ),
    Operation(
        method="GET",
        path=_EACH,
        summary="Show a subscription.",
        handler=_show,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=_WHICH,
        answers=(Answer(200, "The subscription.", _SUBSCRIPTION),),
        refusals=(400, 404),
    ),
    Operation(
        method="DELETE",
        path=_EACH,
        summary="Forget a subscription.",
        handler=_unsubscribe,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=_WHICH,
        answers=(Answer(204, "It is forgotten."),),
        refusals=(400, 404),
    ),
    Operation(
        method="GET",
        path=f"{_EACH}/deadLetters",
        summary="List the reports of a subscription that were not taken.",
        handler=_letters,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=(*_WHICH, parameters.PER_PAGE, parameters.PAGE_TOKEN),
        answers=(
            Answer(
                200,
                "Reports.",
                {"type": "array", "items": _LETTER},
                ("Link", "GS1-Next-Page-Token-Expires"),
            ),
        ),
        refusals=(400, 404),
    ),
    Operation(
        method="POST",
        path=f"{_EACH}/deadLetters/{{number}}",
        summary="Send a report that was not taken, and all after it, once more.",
        handler=_begin_again,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=(*_WHICH, _NUMBER),
        answers=(Answer(204, "The subscription begins there again."),),
        refusals=(400, 404),
    ),
    Operation(
        method="DELETE",
        path=f"{_EACH}/deadLetters/{{number}}",
        summary="Forget a report that was not taken.",
        handler=_forget,
        scope=Scope.SUBSCRIPTIONS_WRITE,
        parameters=(*_WHICH, _NUMBER),
        answers=(Answer(204, "It is forgotten."),),
        refusals=(400, 404),
    ),
)
