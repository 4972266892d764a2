"""Every move of a state, once and in order, for those who follow events on their way.

    place = here(store, tenant)
    found = moves_after(store, tenant, place, states, limit=500)
    ... told, then again from found.reached

Moves are numbered for each tenant in the order in which they could be seen, by whichever process
made them, so that a reader who remembers its place misses none and is told none twice. A place is
given to outsiders sealed: neither it nor the distance between two of them says how much moved that
is not theirs to know.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection, RowMapping, and_, case, delete, select

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.exceptions import QueryValidationException
from lodeline.node.events.moments import Micros
from lodeline.node.events.paging import Holder
from lodeline.node.events.schema import COUNTERS, EVENT_STATES, EVENTS, STATE_MOVES
from lodeline.node.events.states import (
    EventState,
    KnownState,
    StateOf,
    counter_of_moves,
    read_reason,
)
from lodeline.node.events.store import EventStore, Seq, Tenant

__all__ = [
    "MovePlace",
    "MovePlaceWrong",
    "Moved",
    "Moves",
    "SealedPlace",
    "first_since",
    "forget_moves",
    "here",
    "moves_after",
    "open_place",
    "seal_place",
]

SealedPlace = NewType("SealedPlace", str)
"""Base64url; opaque to everybody but this store, and good for one reader."""

_NONE_TOLD: Final = Seq(0)
_KEY_NAME: Final = "move-places"
_NONCE_BYTES: Final = 12
_PLACE_BYTES: Final = 16
_SEALED_CHARS: Final = 59
"""Of 12 bytes of nonce, 16 of place and 16 of tag."""


class MovePlaceWrong(QueryValidationException):
    """Somebody wants to go on from a place that they were not given here.

    Or they were, and the store was put back to a moment before that from a backup.
    """

    code: ClassVar[str] = "event-move-place-wrong"
    en: ClassVar[str] = "the id to go on from is none that this node, as it is now, gave to you"
    fr: ClassVar[str] = "l'identifiant d'où reprendre ne vient pas, pour vous, de ce nœud actuel"
    advice_en: ClassVar[str] = "leave it out, or begin at a moment with `since`"
    advice_fr: ClassVar[str] = "omettez-le, ou commencez à un moment avec « since »"


@dataclass(frozen=True, slots=True)
class MovePlace:
    """What somebody is told next: of a move, the events after one of them, then all later moves."""

    number: int
    """Of the move, from 1."""
    told: Seq = _NONE_TOLD
    """The last event of that move that they were told of."""


@dataclass(frozen=True, slots=True)
class Moved(KnownState):
    """An event that came into a state, and the place behind that."""

    place: MovePlace


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves that were found, and where the next ones begin."""

    moved: Sequence[Moved]
    """In their order; an event that moved twice is there twice."""
    reached: MovePlace
    is_whole: bool
    """Whether there was nothing more."""


def here(store: EventStore, tenant: Tenant) -> MovePlace:
    """Return the place behind everything that has moved."""
    with store.reading() as connection:
        return _end(connection, tenant)


def first_since(store: EventStore, tenant: Tenant, since: Micros) -> MovePlace:
    """Return the place before the first move that is not older than a moment, by its own clock."""
    query = (
        select(STATE_MOVES.c.number)
        .where(STATE_MOVES.c.tenant == tenant.number, STATE_MOVES.c.moved_us >= since)
        .order_by(STATE_MOVES.c.moved_us, STATE_MOVES.c.number)
        .limit(1)
    )
    with store.reading() as connection:
        found = connection.execute(query).scalar()
        return _end(connection, tenant) if found is None else MovePlace(found)


def moves_after(
    store: EventStore,
    tenant: Tenant,
    place: MovePlace,
    states: frozenset[EventState] = frozenset(EventState),
    *,
    limit: int,
) -> Moves:
    """Return the next moves of a tenant's events.

    Events that were removed meanwhile are left out.

    Args:
        store: where they are.
        tenant: whose events.
        place: from `here`, `first_since`, or the look before.
        states: into which they moved; other moves are passed over.
        limit: how many, at least 1.

    Raises:
        StoreUnreachable: the database does not answer.
    """
    rows = STATE_MOVES.c
    last_told = case((rows.number == place.number, place.told), else_=rows.first_seq - 1)
    query = (
        select(STATE_MOVES, EVENTS.c.seq, EVENTS.c.event_id, EVENTS.c.declaration)
        .join(
            EVENTS,
            and_(
                EVENTS.c.seq >= rows.first_seq,
                EVENTS.c.seq <= rows.last_seq,
                EVENTS.c.seq > last_told,
                EVENTS.c.tenant + 0 == tenant.number,  # by place, never by an index of tenants
            ),
        )
        .where(rows.tenant == tenant.number, rows.number >= place.number)
        .order_by(rows.number, EVENTS.c.seq)
        .limit(limit)
    )
    if states != frozenset(EventState):
        query = query.where(rows.state.in_(sorted(states)))
    with store.reading() as connection:
        end = _end(connection, tenant)
        if end.number <= place.number:
            return Moves((), place, is_whole=True)
        found = connection.execute(query).mappings().all()
    moved = [_moved(row) for row in found]
    if len(found) < limit:
        return Moves(moved, end, is_whole=True)
    return Moves(moved, moved[-1].place, is_whole=False)


def forget_moves(store: EventStore, tenant: Tenant, moved_before: Micros) -> int:
    """Remove old moves of events that are all gone; return how many."""
    rows = STATE_MOVES.c
    left = (
        select(EVENT_STATES.c.seq)
        .where(EVENT_STATES.c.seq >= rows.first_seq, EVENT_STATES.c.seq <= rows.last_seq)
        .where(EVENT_STATES.c.tenant + 0 == tenant.number)
        .exists()
    )
    old = delete(STATE_MOVES).where(
        rows.tenant == tenant.number, rows.moved_us < moved_before, ~left
    )
    return store.write(lambda connection: connection.execute(old).rowcount)


def _end(connection: Connection, tenant: Tenant) -> MovePlace:
    query = select(COUNTERS.c.value).where(COUNTERS.c.name == counter_of_moves(tenant))
    return MovePlace(int(connection.execute(query).scalar() or 0) + 1)


def _moved(row: RowMapping) -> Moved:
    at = StateOf(
        Seq(row["seq"]),
        EventState(row["state"]),
        read_reason(row["reason"]),
        row["reference"],
        Micros(row["moved_us"]),
    )
    place = MovePlace(row["number"], at.seq)
    return Moved(EventId(row["event_id"]), bool(row["declaration"]), at, place)


# ------------------------------------------------------------------ places for outsiders


def seal_place(
    store: EventStore, tenant: Tenant, holder: Holder, places: Iterable[MovePlace]
) -> Sequence[SealedPlace]:
    """Return places as one reader may have them; they stay good."""
    cipher, bound = _cipher(store), _bound_to(tenant, holder)
    return [_sealed(cipher, bound, place) for place in places]


def _sealed(cipher: ChaCha20Poly1305, bound: bytes, place: MovePlace) -> SealedPlace:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    data = place.number.to_bytes(8, "big") + place.told.to_bytes(8, "big")
    text = base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, data, bound))
    return SealedPlace(text.rstrip(b"=").decode("ascii"))


def open_place(store: EventStore, tenant: Tenant, holder: Holder, sealed: SealedPlace) -> MovePlace:
    """Return the place that a reader was given.

    Raises:
        MovePlaceWrong: it was not given here, or to somebody else, or lies behind everything.
    """
    if len(sealed) != _SEALED_CHARS:
        raise MovePlaceWrong
    try:
        data = base64.b64decode(sealed + "=", altchars=b"-_", validate=True)
        nonce, rest = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        place = _cipher(store).decrypt(nonce, rest, _bound_to(tenant, holder))
    except (binascii.Error, ValueError, InvalidTag):
        raise MovePlaceWrong from None
    half = _PLACE_BYTES // 2
    number, told = int.from_bytes(place[:half], "big"), int.from_bytes(place[half:], "big")
    if number > here(store, tenant).number:
        raise MovePlaceWrong
    return MovePlace(number, Seq(told))


def _cipher(store: EventStore) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(store.secret(_KEY_NAME))


def _bound_to(tenant: Tenant, holder: Holder) -> bytes:
    return f"{tenant.number}:{holder}".encode()
