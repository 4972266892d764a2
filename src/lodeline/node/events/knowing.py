"""What is in the store already, of the events that are offered.

Two events are the same where their contents are (hash id) and what they declare. An id stands for
one content, its error declarations aside: those repeat the event, and its id, on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Select, Table, bindparam, select

from lodeline.exchange.epcis.document import EventId
from lodeline.node.events.preparing import PreparedEvent
from lodeline.node.events.refusals import DeclarationDiffers, EventIdTaken, EventTwiceInDocument
from lodeline.node.events.schema import EVENTS, FORGOTTEN
from lodeline.node.events.store import Tenant

__all__ = ["Known", "known_of"]

_PIECE: Final = 500
"""Ids of one look-up; databases bound the parameters of a statement."""

_Query = Select[str, str | None, str]
"""Finds ids, contents where they differ, and declarations."""


def _query(table: Table, column: str, among: str) -> _Query:
    columns = (table.c.event_id, table.c[column], table.c.declaration)
    return select(*columns).where(
        table.c.tenant == bindparam("tenant"),
        table.c[among].in_(bindparam("ids", expanding=True)),
    )


_BY_ID: Final = _query(EVENTS, "hash_id", "event_id")
_BY_HASH: Final = _query(EVENTS, "hash_id", "hash_id")
_BY_FORGOTTEN: Final = _query(FORGOTTEN, "content", "content")


class Known:
    """Contents and ids that are taken."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, str], EventId] = {}
        self._contents: dict[str, str] = {}
        self._here: set[str] = set()

    def put(self, event_id: EventId, content: str, declaration: str) -> None:
        """Note an event that is stored."""
        self._stored[content, declaration] = event_id
        self._contents.setdefault(event_id, content)

    def add(self, event: PreparedEvent) -> None:
        """Note an event that comes earlier in the same document."""
        self.put(event.event_id, event.content, event.declaration)
        self._here.add(event.event_id)

    def same(self, event: PreparedEvent) -> EventId | None:
        """Return the id under which the same event is known, if it is."""
        return self._stored.get((event.content, event.declaration))

    def check(self, event: PreparedEvent) -> None:
        """Refuse an event whose id stands for another content.

        Raises:
            EventTwiceInDocument, EventIdTaken: of the document, of the store.
            DeclarationDiffers: an error declaration does not repeat its event.
        """
        content = self._contents.get(event.event_id, event.content)
        if content == event.content:
            return
        if event.declaration:
            raise DeclarationDiffers(event.event_id, content, event.content)
        if event.event_id in self._here:
            raise EventTwiceInDocument(event.event_id)
        raise EventIdTaken(event.event_id, content, event.content)


def known_of(connection: Connection, tenant: Tenant, events: Sequence[PreparedEvent]) -> Known:
    """Return what of some events, or of their ids, is in the store of a tenant."""
    known = Known()
    contents = [event.content for event in events]
    own = [event.event_id for event in events if event.event_id != event.content]
    for piece in _pieces([*contents, *own]):
        _note(connection, tenant, known, _BY_ID, piece)
    for piece in _pieces(contents):
        _note(connection, tenant, known, _BY_HASH, piece)
        _note(connection, tenant, known, _BY_FORGOTTEN, piece)
    return known


def _note(
    connection: Connection, tenant: Tenant, known: Known, query: _Query, piece: Sequence[str]
) -> None:
    for event_id, content, declaration in connection.execute(
        query, {"tenant": tenant.number, "ids": piece}
    ):
        known.put(EventId(event_id), content or event_id, declaration)


def _pieces(ids: Iterable[str]) -> Iterator[list[str]]:
    every = list(ids)
    for at in range(0, len(every), _PIECE):
        yield every[at : at + _PIECE]
