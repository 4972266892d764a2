"""Policies and the audit trail over HTTP: `lodeline share` and `lodeline audit-trail`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from lodeline.exchange.epcis.document import EventId, EventKind
from lodeline.node.access.policies import (
    Policy,
    PolicyId,
    Terms,
    policies,
    read_reader,
    revoke_policy,
    share,
)
from lodeline.node.access.policy_refusals import PolicyUnknown
from lodeline.node.access.roles import Scope
from lodeline.node.access.trail import (
    Act,
    Note,
    TrailNumber,
    TrailRow,
    readers_of,
    record,
    rows,
)
from lodeline.node.access.trail_refusals import TrailDoesNotHold
from lodeline.node.access.trail_reports import own_report, report_on_ledger
from lodeline.node.access.wording import policy_sentence
from lodeline.node.events.moments import Micros, moment_text
from lodeline.node.events.parameter_values import Values
from lodeline.web.asking import Asked
from lodeline.web.fields import MAX_LISTED, MAX_TEXT, Body
from lodeline.web.listing import JSON, LINKED, PAGE, json_answer, list_answer, listed_after
from lodeline.web.operations import Answer, Operation, Parameter, Place
from lodeline.web.problems import problem

__all__ = ["OPERATIONS"]

_MAX_BODY: Final = 128 * 1024
_LISTS: Final = ("kinds", "steps", "sites", "lots", "parties")

# ------------------------------------------------------------------ policies


def _policies(asked: Asked) -> Response:
    """List what is shared with whom, in plain words; what is not shared any more only if asked."""
    given, _, _ = listed_after(asked, "policies", (_ALL.name,))
    everything = _ALL.name in given and Values(_ALL.name, given[_ALL.name]).flag()
    now = asked.store.clock.now()
    found = [
        one for one in policies(asked.store, asked.tenant) if everything or one.is_in_force(now)
    ]
    keyed = [((one.reader, one.created, one.policy), one) for one in found]
    return list_answer(asked, "policies", keyed, lambda one: _policy(asked, one), (_ALL.name,))


def _show(asked: Asked) -> Response:
    """Show one policy."""
    wanted = PolicyId(asked.values["policyID"])
    for one in policies(asked.store, asked.tenant):
        if one.policy == wanted:
            return json_answer(_policy(asked, one))
    raise PolicyUnknown(wanted)


def _share(asked: Asked) -> Response:
    """Share events with a partner or an account, those to come too."""
    body = Body(asked.body, ("reader", "everything", *_LISTS, "since", "before", "expires"))
    terms = Terms(
        everything=body.flag("everything"),
        kinds=body.texts("kinds"),
        steps=body.texts("steps"),
        sites=body.texts("sites"),
        lots=body.texts("lots"),
        parties=body.texts("parties"),
        since=body.moment("since"),
        before=body.moment("before"),
    )
    reader = read_reader(body.text("reader"))
    expires = body.moment("expires")
    made = share(asked.store, asked.tenant, reader, terms, by=asked.who, expires=expires)
    headers = {"Location": asked.url(f"/policies/{made.policy}")}
    return json_answer(_policy(asked, made), 201, headers)


def _end(asked: Asked) -> Response:
    """Share no more under a policy, from the next answer on."""
    policy = PolicyId(asked.values["policyID"])
    return json_answer(_policy(asked, revoke_policy(asked.store, asked.tenant, policy, asked.who)))


def _policy(asked: Asked, one: Policy) -> dict[str, object]:
    members: dict[str, object] = {
        "policyID": one.policy,
        "reader": one.reader,
        "says": policy_sentence(one, asked.lang),
        "terms": _terms(one.terms),
        "createdAt": moment_text(one.created),
        "createdBy": one.created_by,
        "isInForce": one.is_in_force(asked.store.clock.now()),
    }
    if one.expires is not None:
        members["expiresAt"] = moment_text(one.expires)
    if one.revoked is not None:
        members["revokedAt"] = moment_text(one.revoked)
    return members


def _terms(terms: Terms) -> dict[str, object]:
    """Terms as they are sent; what does not matter is left out."""
    members: dict[str, object] = {"everything": True} if terms.everything else {}
    lists = (terms.kinds, terms.steps, terms.sites, terms.lots, terms.parties)
    members |= {name: list(texts) for name, texts in zip(_LISTS, lists, strict=True) if texts}
    for name, moment in (("since", terms.since), ("before", terms.before)):
        if moment is not None:
            members[name] = moment_text(Micros(moment))
    return members


# ------------------------------------------------------------------ the trail


def _trail(asked: Asked) -> Response:
    """Show who saw what, or who saw one event; that this was shown is in the trail too."""
    given, size, after = listed_after(asked, "trail", (_EVENT.name,))
    since = TrailNumber(0 if after is None else int(after[0]))
    if _EVENT.name in given:
        seq = asked.store.event(asked.tenant, EventId(given[_EVENT.name])).seq
        found = readers_of(asked.store, asked.tenant, seq)
    else:
        found = rows(asked.store, asked.tenant, since, size + 1)
    keyed = [((one.number,), one) for one in found]
    answer = list_answer(asked, "trail", keyed, _row, (_EVENT.name,))
    record(asked.store, asked.tenant, [Note(asked.who, Act.READ, f"audit trail after {since}")])
    return answer


def _row(one: TrailRow) -> dict[str, object]:
    return {
        "number": one.number,
        "time": moment_text(one.moment),
        "who": one.who,
        "act": one.act,
        "about": one.about,
        "seen": one.seen,
        "digest": one.digest.hex(),
    }


def _verify(asked: Asked) -> Response:
    """Check the whole trail, and that it goes through every head that was anchored."""
    folder = asked.service.ledger_in
    compared = {"comparedWithLedger": folder is not None}
    try:
        if folder is None:
            found = own_report(asked.store, asked.tenant)
        else:
            found = report_on_ledger(folder, asked.store, asked.tenant)
    except TrailDoesNotHold as refusal:
        return json_answer({"holds": False, "problem": problem(refusal, asked.lang), **compared})
    told: dict[str, object] = {
        "holds": True,
        "rows": found.head.number,
        "digest": found.head.digest.hex(),
        **compared,
    }
    if found.anchored is not None:
        told["anchored"] = found.anchored.number
    return json_answer(told)


# ------------------------------------------------------------------ descriptions

_TEXT: Final = {"type": "string"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_TEXTS: Final = {
    "type": "array",
    "maxItems": MAX_LISTED,
    "items": {"type": "string", "maxLength": MAX_TEXT},
}
_TERMS: Final[dict[str, object]] = {
    "everything": {"type": "boolean"},
    "kinds": {
        "type": "array",
        "maxItems": MAX_LISTED,
        "items": {"enum": [kind.value for kind in EventKind]},
    },
    **dict.fromkeys(_LISTS[1:], _TEXTS),
    "since": _MOMENT,
    "before": _MOMENT,
}
_POLICY: Final = {
    "type": "object",
    "required": ["policyID", "reader", "says", "terms", "createdAt", "createdBy", "isInForce"],
    "properties": {
        "policyID": _TEXT,
        "reader": _TEXT,
        "says": {"type": "string", "description": "What it shares, in one sentence."},
        "terms": {"type": "object", "properties": _TERMS},
        "createdAt": _MOMENT,
        "createdBy": _TEXT,
        "isInForce": {"type": "boolean"},
        "expiresAt": _MOMENT,
        "revokedAt": _MOMENT,
    },
}
_ROW: Final = {
    "type": "object",
    "required": ["number", "time", "who", "act", "about", "seen", "digest"],
    "properties": {
        "number": {"type": "integer", "minimum": 1},
        "time": _MOMENT,
        "who": _TEXT,
        "act": _TEXT,
        "about": _TEXT,
        "seen": {"type": "string", "description": "Places of events as ranges: 1-3,7."},
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
}
_REPORT: Final = {
    "type": "object",
    "required": ["holds", "comparedWithLedger"],
    "properties": {
        "holds": {"type": "boolean"},
        "rows": {"type": "integer", "minimum": 0},
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "anchored": {
            "type": "integer",
            "description": "The last row that a head on the ledger vouches for.",
        },
        "comparedWithLedger": {
            "type": "boolean",
            "description": "Whether every head on the ledger was looked for, not only known ones.",
        },
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
}
_ALL: Final = Parameter("all", Place.QUERY, "Those that are over too.", {"type": "boolean"})
_EVENT: Final = Parameter("event", Place.QUERY, "Id of an event: who saw it.")
_POLICY_ID: Final = Parameter("policyID", Place.PATH, "Id of a policy.")

OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/policies",
        summary="Say what is shared with whom, in plain words.",
        handler=_policies,
        scope=Scope.POLICIES_WRITE,
        gives=JSON,
        parameters=(_ALL, *PAGE),
        answers=(Answer(200, "Policies.", {"type": "array", "items": _POLICY}, LINKED),),
        refusals=(400,),
    ),
    Operation(
        method="POST",
        path="/policies",
        summary="Share events with a partner or an account, those to come too.",
        handler=_share,
        scope=Scope.POLICIES_WRITE,
        gives=JSON,
        takes=JSON,
        body={
            "type": "object",
            "additionalProperties": False,
            "required": ["reader"],
            "properties": {
                "reader": {"type": "string", "description": "NAME, partner:NAME or account:NAME."},
                **_TERMS,
                "expires": _MOMENT,
            },
        },
        max_body=_MAX_BODY,
        answers=(Answer(201, "The policy.", _POLICY, ("Location",)),),
        refusals=(400, 404, 413, 415),
    ),
    Operation(
        method="GET",
        path="/policies/{policyID}",
        summary="Show a policy.",
        handler=_show,
        scope=Scope.POLICIES_WRITE,
        gives=JSON,
        parameters=(_POLICY_ID,),
        answers=(Answer(200, "The policy.", _POLICY),),
        refusals=(404,),
    ),
    Operation(
        method="DELETE",
        path="/policies/{policyID}",
        summary="Share no more under a policy, from the next answer on.",
        handler=_end,
        scope=Scope.POLICIES_WRITE,
        gives=JSON,
        parameters=(_POLICY_ID,),
        answers=(Answer(200, "The policy, which is over.", _POLICY),),
        refusals=(400, 404),
    ),
    Operation(
        method="GET",
        path="/trail",
        summary="Show who saw what, and who changed who may; or who saw one event.",
        handler=_trail,
        scope=Scope.TRAIL_READ,
        gives=JSON,
        parameters=(_EVENT, *PAGE),
        answers=(Answer(200, "Rows of the trail.", {"type": "array", "items": _ROW}, LINKED),),
        refusals=(400, 404),
    ),
    Operation(
        method="GET",
        path="/trail/verification",
        summary="Check the trail from its first row to its last.",
        handler=_verify,
        scope=Scope.TRAIL_READ,
        gives=JSON,
        answers=(Answer(200, "Whether it holds.", _REPORT),),
    ),
)
