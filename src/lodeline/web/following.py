"""Each move of a state as it comes: as server-sent events, and over websockets.

    GET /states              Accept: text/event-stream
    GET /states?state=held   Upgrade: websocket

A message is the state that an event has come into, as `GET /states` tells it, with an id. Whoever
shows the id of the last message that they have (``Last-Event-ID``, or ``lastEventID`` in the
address) is told everything after it, each move once, however long they were away and whichever
process made it. Who they are, and what is shared with them, is looked at before each message.
Whoever sees events by a policy is told states alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import orjson
from anyio import create_task_group, fail_after, to_thread
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from lodeline.kernel.errors import Lang, LodelineError
from lodeline.node.access.callers import Caller
from lodeline.node.access.guessing import Source
from lodeline.node.access.roles import Scope as Allowed
from lodeline.node.access.trail import Act, Note, record
from lodeline.node.access.visibility import visible_to
from lodeline.node.events.jobs import Who
from lodeline.node.events.moves import (
    MovePlace,
    SealedPlace,
    first_since,
    here,
    moves_after,
    open_place,
    seal_place,
)
from lodeline.node.events.paging import Holder
from lodeline.node.events.states import WantedStates
from lodeline.web.answering import Desk
from lodeline.web.negotiation import preferred_language
from lodeline.web.problems import problem, problem_response
from lodeline.web.service import Service
from lodeline.web.stating import SINCE, STATE, parameters_of, state_members, wanted_states

__all__ = ["EVENT_STREAM", "EventStream", "Follower", "begun", "route"]

T = TypeVar("T")

EVENT_STREAM: Final = "text/event-stream"
_PAUSE_SECONDS: Final = 0.5
"""Between two looks at what has moved."""
_ALIVE_SECONDS: Final = 15.0
"""Between two signs of life where nothing moves; proxies end what is silent for longer."""
_SLOW_SECONDS: Final = 30.0
"""For one message to be taken."""
_PIECE: Final = 200
_LAST_ID: Final = "lastEventID"
_log: Final = logging.getLogger(__name__)
_GOING_AWAY: Final = 1001
_FORBIDDEN: Final = 1008
_NOWHERE: Final = MovePlace(1)


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows what, and how far they were told."""

    caller: Caller
    headers: Mapping[str, str]
    """As they were sent: the token in them is looked at again."""
    source: Source
    wanted: WantedStates
    lang: Lang
    place: MovePlace = _NOWHERE

    @property
    def holder(self) -> Holder:
        """To whom ids are given."""
        return Holder(self.caller.user)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a look has found for a follower, who is told before the next one."""

    follower: Follower
    messages: Sequence[tuple[SealedPlace, dict[str, object]]] = ()
    is_whole: bool = True


def begun(service: Service, follower: Follower, last: str | None) -> Follower:
    """Return a follower at the place where they are told from on.

    Args:
        service: the node.
        follower: whoever it is, wherever.
        last: id of the last message that they had.

    Raises:
        MovePlaceWrong: it was not given to them.
    """
    store, tenant = service.store, follower.caller.tenant
    if last:
        place = open_place(store, tenant, follower.holder, SealedPlace(last))
    elif follower.wanted.since is not None:
        place = first_since(store, tenant, follower.wanted.since)
    else:
        place = here(store, tenant)
    return replace(follower, place=place)


def _look(service: Service, follower: Follower) -> _Told:
    """Return what has moved for a follower; it is in the trail that they are told.

    Raises:
        SecurityException: the follower may not know any more.
        StoreUnreachable: the database does not answer.
    """
    store, tenant = service.store, follower.caller.tenant
    end = service.streams.newest(tenant, lambda: here(store, tenant).number)
    if end <= follower.place.number:
        return _Told(follower)
    found = moves_after(store, tenant, follower.place, follower.wanted.states, limit=_PIECE)
    moved, everything = found.moved, True
    if moved:
        follower = replace(follower, caller=_again(service, follower))
        visible = visible_to(store, follower.caller)
        everything = visible.everything
        with store.reading() as connection:
            seqs = {one.at.seq for one in moved}
            seen = seqs if everything else visible.seen(connection, seqs)
        moved = [one for one in moved if one.at.seq in seen]
    if moved:
        note = Note(
            Who(follower.caller.user), Act.DELIVERED, "states", [one.at.seq for one in moved]
        )
        record(store, tenant, [note])
    follower = replace(follower, place=found.reached)
    ids = seal_place(store, tenant, follower.holder, [one.place for one in moved])
    said = [state_members(one, follower.lang, everything=everything) for one in moved]
    return _Told(follower, list(zip(ids, said, strict=True)), found.is_whole)


def _again(service: Service, follower: Follower) -> Caller:
    """Return the follower as a caller of this moment; a password is not tried again."""
    shown, known = follower.headers.get("authorization", ""), follower.caller
    if shown[:7].lower() == "bearer ":
        caller = service.access.authenticate(follower.headers, follower.source)
    else:
        caller = service.access.caller_of(known.tenant, known.user)
    caller.require(Allowed.EVENTS_READ)
    return caller


# ------------------------------------------------------------------ server-sent events


class EventStream(Response):
    """Answers with what moves until the follower goes, may not know any more, or the service ends.

    Args:
        service: the node.
        follower: who is told, from where on.
        pause: seconds between two looks.
    """

    media_type = EVENT_STREAM

    def __init__(self, service: Service, follower: Follower, pause: float = _PAUSE_SECONDS) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._service = service
        self._follower = follower
        self._pause = pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        with self._service.streams.one_of(self._follower.caller):
            head = {"status": 200, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            async with create_task_group() as group:
                group.start_soon(self._tell, send, group.cancel_scope.cancel)
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

    async def _tell(self, send: Send, end: Callable[[], None]) -> None:
        """Tell what moves, in pieces; then end the answer."""
        with suppress(TimeoutError, OSError):  # whoever does not read is left, and can come back
            async for piece in self._pieces():
                with fail_after(_SLOW_SECONDS):
                    body = {"type": "http.response.body", "body": piece, "more_body": True}
                    await send(body)
            await send({"type": "http.response.body", "body": b""})
        end()

    async def _pieces(self) -> AsyncIterator[bytes]:
        told = _Told(self._follower)
        yield b"retry: 2000\n" + await _in_thread(self._service, _sign, told.follower)
        silent = time.monotonic()
        while not self._service.streams.is_ended:
            try:
                told = await _in_thread(self._service, _look, told.follower)
            except LodelineError as refusal:
                yield _farewell(refusal, self._follower.lang)
                return
            if told.messages:
                yield b"".join(_event(sealed, said) for sealed, said in told.messages)
                silent = time.monotonic()
            elif time.monotonic() - silent >= _ALIVE_SECONDS:
                yield await _in_thread(self._service, _sign, told.follower)
                silent = time.monotonic()
            if told.is_whole:
                await asyncio.sleep(self._pause)


def _sign(service: Service, follower: Follower) -> bytes:
    """A sign of life: where the follower is by now, beyond moves that are not for them."""
    tenant, places = follower.caller.tenant, [follower.place]
    (sealed,) = seal_place(service.store, tenant, follower.holder, places)
    return f"id: {sealed}\n\n".encode()


def _event(sealed: SealedPlace, said: Mapping[str, object]) -> bytes:
    return b"id: %b\nevent: state\ndata: %b\n\n" % (sealed.encode(), orjson.dumps(said))


def _farewell(refusal: LodelineError, lang: Lang) -> bytes:
    """Why nothing is told any more; why the node itself fails is for its log alone."""
    members = problem(refusal, lang)
    if int(str(members["status"])) >= 500:
        _log.error("stream ended", extra={"reason": refusal.message("en")})
        return b""
    return b"event: end\ndata: %b\n\n" % orjson.dumps(members)


async def _in_thread(service: Service, work: Callable[[Service, Follower], T], of: Follower) -> T:
    return await to_thread.run_sync(partial(work, service, of), limiter=service.streams.threads)


# ------------------------------------------------------------------ websockets


def route(desk: Desk, pause: float = _PAUSE_SECONDS) -> WebSocketRoute:
    """Return the route of websockets.

    Args:
        desk: what all addresses share.
        pause: seconds between two looks at what has moved.
    """
    return WebSocketRoute("/states", _Sockets(desk, pause).serve)


class _Sockets:
    """Serves all websockets that follow states."""

    def __init__(self, desk: Desk, pause: float) -> None:
        self._desk = desk
        self._service = desk.service
        self._pause = pause

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it goes, or is not told anything any more."""
        try:
            source = self._desk.admit(socket)
            follower = await self._desk.in_thread(partial(self._first, socket, source))
            with self._service.streams.one_of(follower.caller):
                await self._accepted(socket, follower)
        except LodelineError as refusal:
            await refuse_socket(socket, refusal)

    def _first(self, socket: WebSocket, source: Source) -> Follower:
        headers = dict(socket.headers)
        caller = self._service.access.authenticate(headers, source)
        caller.require(Allowed.EVENTS_READ)
        known = (STATE.name, SINCE.name, _LAST_ID)
        given = parameters_of(socket.query_params.multi_items(), known)
        lang = preferred_language(headers.get("accept-language", ""))
        follower = Follower(caller, headers, source, wanted_states(given), lang)
        return begun(self._service, follower, given.get(_LAST_ID))

    async def _accepted(self, socket: WebSocket, follower: Follower) -> None:
        await socket.accept()
        async with create_task_group() as group:
            group.start_soon(self._tell, socket, follower)
            try:
                while True:
                    await socket.receive_text()
            except (WebSocketDisconnect, KeyError, RuntimeError):
                group.cancel_scope.cancel()

    async def _tell(self, socket: WebSocket, follower: Follower) -> None:
        """Tell a client what moves, until it may not know any more."""
        while True:
            if self._service.streams.is_ended:
                await socket.close(_GOING_AWAY)
                return
            try:
                told = await _in_thread(self._service, _look, follower)
                for sealed, said in told.messages:
                    with fail_after(_SLOW_SECONDS):
                        await socket.send_text(orjson.dumps({"id": sealed, **said}).decode())
            except LodelineError as refusal:
                await socket.close(_FORBIDDEN, refusal.code)
                return
            except TimeoutError:
                await socket.close(_GOING_AWAY)
                return
            follower = told.follower
            if told.is_whole:
                await asyncio.sleep(self._pause)


async def refuse_socket(socket: WebSocket, refusal: LodelineError) -> None:
    """Answer a handshake with a problem, where the server can; else close what is not open yet."""
    if "websocket.http.response" not in socket.scope.get("extensions", {}):
        await socket.close(_FORBIDDEN, refusal.code)
        return
    lang = preferred_language(socket.headers.get("accept-language", ""))
    answer = problem_response(refusal, socket.headers.get("accept"), lang, {})
    await socket.send_denial_response(answer)
