"""Named queries over websockets: each client is told what is new (EPCIS 2.0, section 12.6.7).

    GET /queries/shipped/events?stream=true
    GET /queries/shipped/events?hour=1&minute=5

A message is a query document. A client is told of everything that is captured while it is connected
and that it may see; who it is, and what is shared with it, is looked at before each message. What
comes while it is not connected is for subscriptions with a destination.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from anyio import create_task_group
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lodeline.exchange.epcis.value import JsonObject
from lodeline.kernel.errors import LodelineError
from lodeline.node.access.callers import Caller
from lodeline.node.access.guessing import Source
from lodeline.node.access.roles import Scope
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.deliveries import MAX_REPORT_EVENTS, Report, bounded
from lodeline.node.events.jobs import Who
from lodeline.node.events.moments import Micros, micros, moment_text
from lodeline.node.events.named import NamedQuery, named_query, query_name
from lodeline.node.events.news import Wanted, news
from lodeline.node.events.query_refusals import (
    NamedQueryUnknown,
    ParameterNotFlag,
    ParameterTwice,
    ParameterUnknown,
)
from lodeline.node.events.schedules import SCHEDULE_FIELDS, Schedule
from lodeline.node.events.store import Seq
from lodeline.node.events.subscription_refusals import SubscriptionsTooMany
from lodeline.node.events.subscriptions import (
    SpellingName,
    SubscriptionId,
    check_subscribable,
    first_place,
    parse_trigger,
)
from lodeline.web.answering import Desk
from lodeline.web.delivering import NodeDesk
from lodeline.web.negotiation import EpcFormat, format_of, preferred_language
from lodeline.web.problems import problem_response
from lodeline.web.service import Service

__all__ = ["MAX_OF_CALLER", "MAX_SOCKETS", "route"]

MAX_SOCKETS: Final = 100
"""Clients that are told at a time."""
MAX_OF_CALLER: Final = 10
"""Of one account."""
_PAUSE_SECONDS: Final = 0.5
"""Between two looks at what is new."""
_GONE: Final = 1001
_FORBIDDEN: Final = 1008
_FLAGS: Final = ("stream", "reportIfEmpty")
_OTHERS: Final = (*_FLAGS, "initialRecordTime")


def route(desk: Desk, pause: float = _PAUSE_SECONDS) -> WebSocketRoute:
    """Return the route of websockets.

    Args:
        desk: what all addresses share.
        pause: seconds between two looks at what is new.
    """
    return WebSocketRoute("/queries/{queryName}/events", _Sockets(desk, pause).serve)


@dataclass(frozen=True, slots=True)
class _Listener:
    """Who listens to what, and how far they were told."""

    caller: Caller
    named: NamedQuery
    reached: Seq
    since: Micros | None
    schedule: Schedule | None
    reports_empty: bool
    due: Micros | None
    spelling: SpellingName
    headers: Mapping[str, str]
    source: Source


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the store has found for a listener, who is told before the next one."""

    listener: _Listener
    document: bytes | None
    is_whole: bool = True


class _Sockets:
    """Serves all websockets of a node."""

    def __init__(self, desk: Desk, pause: float) -> None:
        self._desk = desk
        self._pause = pause
        self._looks = _Looks(desk.service)
        self._open = 0
        self._of: Counter[str] = Counter()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it goes, or is not told anything any more."""
        if self._open >= MAX_SOCKETS:
            await _refuse(socket, SubscriptionsTooMany(MAX_SOCKETS))
            return
        self._open += 1  # before anything is waited for: those who come together are all counted
        try:
            listener = await self._known(socket)
            if listener is not None:
                await self._admitted(socket, listener)
        finally:
            self._open -= 1

    async def _admitted(self, socket: WebSocket, listener: _Listener) -> None:
        """Serve a client that is known, unless its account has as many as it may have."""
        whose = f"{listener.caller.tenant.number} {listener.caller.user}"
        if self._of[whose] >= MAX_OF_CALLER:
            await _refuse(socket, SubscriptionsTooMany(MAX_OF_CALLER))
            return
        self._of[whose] += 1
        try:
            await self._accepted(socket, listener)
        finally:
            self._of[whose] -= 1
            self._of += Counter()  # forgets whoever has none

    async def _known(self, socket: WebSocket) -> _Listener | None:
        """Return who listens, or nothing once they are told why they may not."""
        try:
            source = self._desk.admit(socket)
            return await self._desk.in_thread(partial(self._looks.first, socket, source))
        except LodelineError as refusal:
            await _refuse(socket, refusal)
            return None

    async def _accepted(self, socket: WebSocket, listener: _Listener) -> None:
        since = self._desk.service.store.clock.now() if listener.since is None else listener.since
        moment = moment_text(since).encode("ascii")
        await socket.accept(headers=[(b"gs1-query-min-record-time", moment)])
        async with create_task_group() as group:
            group.start_soon(self._tell, socket, listener)
            try:
                while True:
                    await socket.receive_text()
            except (WebSocketDisconnect, KeyError, RuntimeError):
                group.cancel_scope.cancel()

    async def _tell(self, socket: WebSocket, listener: _Listener) -> None:
        """Tell a client what is new, until it may not know any more."""
        while True:
            try:
                look = await self._desk.in_thread(partial(self._looks.next, listener))
            except LodelineError as refusal:
                code = _GONE if isinstance(refusal, NamedQueryUnknown) else _FORBIDDEN
                await socket.close(code, refusal.code)
                return
            if look.document is not None and not await _told(socket, look.document):
                return
            listener = look.listener
            if look.is_whole:
                await asyncio.sleep(self._pause)


class _Looks:
    """What is read for a client; everything here runs in threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store
        self._reports = NodeDesk(service)

    def first(self, socket: WebSocket, source: Source) -> _Listener:
        """Return a listener for whoever wants to be one.

        Raises:
            SecurityException: they may not.
            NamedQueryUnknown, QueryNameWrong, SubscriptionQueryUnfit: it is no query for that.
            SubscriptionControlsException, ValidationException: the address says it wrongly.
        """
        headers = dict(socket.headers)
        caller = _checked(self._service.access.authenticate(headers, source))
        named = named_query(
            self._store, caller.tenant, query_name(str(socket.path_params["queryName"]))
        )
        check_subscribable(named.name, named.query)
        asked = _asked(socket.query_params.multi_items())
        schedule, reports_empty = parse_trigger(asked)
        said = asked.get("initialRecordTime")
        since = None if said is None else micros("initialRecordTime", str(said))
        reached = self._store.last_seq()
        if since is not None:
            reached = min(first_place(self._store, caller.tenant, since), reached)
        due = None if schedule is None else schedule.next_after(self._store.clock.now())
        spelling = _spelling(headers)
        return _Listener(
            caller, named, reached, since, schedule, reports_empty, due, spelling, headers, source
        )

    def next(self, listener: _Listener) -> _Look:
        """Return what is new for a listener.

        Raises:
            NamedQueryUnknown: the query was deleted, or is another one now.
            SecurityException: the listener may not know any more.
        """
        tenant, name = listener.caller.tenant, listener.named.name
        if named_query(self._store, tenant, name).query.definition != (
            listener.named.query.definition
        ):
            raise NamedQueryUnknown(name)
        until, now = self._store.last_seq(), self._store.clock.now()
        is_idle = until <= listener.reached and not listener.reports_empty
        is_early = listener.due is not None and listener.due > now
        if is_early or (is_idle and listener.schedule is None):
            return _Look(listener, None)
        caller = self._again(listener)
        wanted = Wanted(listener.named.query, visible_to(self._store, caller), listener.since)
        found = news(self._store, tenant, wanted, listener.reached, until, MAX_REPORT_EVENTS)
        events = bounded(found.events)
        is_whole = found.is_whole and len(events) == len(found.events)
        reached = found.reached if len(events) == len(found.events) else events[-1].seq
        moved = replace(listener, reached=reached)
        if is_whole:
            moved = replace(moved, due=_following(listener, now))
        if not events and not listener.reports_empty:
            return _Look(moved, None, is_whole=is_whole)
        report = Report(name, SubscriptionId(""), now, listener.spelling, events)
        who = Who(caller.user)
        self._store.write(lambda c: self._reports.note(c, tenant, who, report))
        return _Look(moved, self._reports.document(report), is_whole=is_whole)

    def _again(self, listener: _Listener) -> Caller:
        """Return the listener as a caller of this moment; a password is not tried again."""
        shown = listener.headers.get("authorization", "")
        if shown[:7].lower() == "bearer ":
            return _checked(self._service.access.authenticate(listener.headers, listener.source))
        known = listener.caller
        return _checked(self._service.access.caller_of(known.tenant, known.user))


async def _told(socket: WebSocket, document: bytes) -> bool:
    """Tell a client, and return whether it was still there."""
    try:
        await socket.send_text(document.decode("utf-8"))
    except (WebSocketDisconnect, RuntimeError):
        return False
    return True


def _checked(caller: Caller) -> Caller:
    caller.require(Scope.EVENTS_READ)
    return caller


def _following(listener: _Listener, now: Micros) -> Micros | None:
    return None if listener.schedule is None else listener.schedule.next_after(now)


def _spelling(headers: Mapping[str, str]) -> SpellingName:
    wanted = headers.get("gs1-epc-format")
    return SpellingName("" if wanted is None else format_of(EpcFormat, "GS1-EPC-Format", wanted))


def _asked(pairs: list[tuple[str, str]]) -> JsonObject:
    """The parameters of an address as a subscription would say them."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise ParameterTwice(name[:64])
        if name not in (*_OTHERS, *SCHEDULE_FIELDS):
            raise ParameterUnknown(name[:64])
        given[name] = value
    asked: JsonObject = {}
    for name in _FLAGS:
        if name in given:
            asked[name] = _flag(name, given[name])
    if "initialRecordTime" in given:
        asked["initialRecordTime"] = given["initialRecordTime"]
    schedule: JsonObject = {name: given[name] for name in SCHEDULE_FIELDS if name in given}
    return {**asked, "schedule": schedule} if schedule else asked


def _flag(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise ParameterNotFlag(name, value[:64])
    return value == "true"


async def _refuse(socket: WebSocket, refusal: LodelineError) -> None:
    """Answer a handshake with a problem, where the server can; else close what is not open yet."""
    if "websocket.http.response" not in socket.scope.get("extensions", {}):
        await socket.close(_FORBIDDEN, refusal.code)
        return
    lang = preferred_language(socket.headers.get("accept-language", ""))
    answer = problem_response(refusal, socket.headers.get("accept"), lang, {})
    await socket.send_denial_response(answer)
