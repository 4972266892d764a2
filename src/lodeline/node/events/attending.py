"""The pipelines of the members of a folder, tended while a service runs.

Each look is one turn of every member whose mapping is in the folder, where there is something to
do; a member whose turn fails does not keep the others waiting. What is on its way is counted after
each look, so that whoever asks how it stands costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select

from lodeline.crypto.entropy import SystemEntropy
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import MemberId
from lodeline.node.access.anchor_rounds import anchor_round, is_due
from lodeline.node.access.trail import Head
from lodeline.node.clock import SystemClock
from lodeline.node.events.outbox import events_leaving
from lodeline.node.events.pipeline import Turn
from lodeline.node.events.schema import EVENT_STATES
from lodeline.node.events.states import EventState
from lodeline.node.events.store import EventStore
from lodeline.node.events.working import has_mapping, mapping_of, one_turn
from lodeline.node.holding import holding
from lodeline.node.keyring import Keyring, PassphraseOf
from lodeline.node.opening import opened
from lodeline.node.session import Session
from lodeline.node.workspace import Workspace

__all__ = ["QUEUE", "Pipelines", "Standing", "members_with_mapping", "queue_of"]

QUEUE: Final = (EventState.RECEIVED, EventState.MAPPED, EventState.PROVED, EventState.HELD)
"""States of events that are not where they should be yet."""
_ON_THE_WAY: Final = QUEUE[:3]
_HELD_SECONDS: Final = 60.0
"""Between two turns in which there are none but held events: another lot may have come."""
_MOST: Final = 10_000
_ANCHOR_AGAIN_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How the pipelines stood at the end of the last look."""

    queue: Mapping[EventState, int] = field(default_factory=dict)
    """Events in each state of `QUEUE`, counted to 10,000."""
    is_reached: bool = True
    """False where the ledger could not be written."""
    trouble: LodelineError | None = None
    """Why a turn failed, or why signatures could not be had."""


def members_with_mapping(
    workspace: Workspace, named: MemberId | None = None
) -> tuple[MemberId, ...]:
    """Return the members whose events can be brought on: the one named, or all with a mapping.

    Raises:
        MemberNotHere: the keys of the one named are not in the folder.
    """
    chosen = named or workspace.settings().member
    members = workspace.members() if chosen is None else (workspace.member(chosen),)
    return tuple(member for member in members if has_mapping(workspace, member))


def queue_of(store: EventStore, members: Sequence[MemberId]) -> dict[EventState, int]:
    """Return how many events of members are in each state of `QUEUE`; at most 10,000 of each."""
    tenants = [store.tenant(member).number for member in members]
    found: dict[EventState, int] = {}
    with store.reading() as connection:
        for state in QUEUE:
            some = (
                select(EVENT_STATES.c.seq)
                .where(EVENT_STATES.c.tenant.in_(tenants), EVENT_STATES.c.state == state.value)
                .limit(_MOST)
            )
            count = select(func.count()).select_from(some.subquery())
            found[state] = int(connection.execute(count).scalar_one())
    return found


class Pipelines:
    """The pipelines of some members, with their keys.

    Args:
        workspace: folder of the node.
        members: whose events are brought on, by the mapping of each.
        passphrase_of: their passphrases; nobody is asked while the service runs.
        sign_here: whether signers whose keys are in the same folder sign at once.
    """

    def __init__(
        self,
        workspace: Workspace,
        members: Sequence[MemberId],
        passphrase_of: PassphraseOf,
        *,
        sign_here: bool,
    ) -> None:
        self._workspace: Final = workspace
        self.members: Final = tuple(members)
        self._passphrase_of: Final = passphrase_of
        self._sign_here: Final = sign_here
        self._ring = self._new_ring()
        self._ring_of = self._keystores()
        self._looked: dict[MemberId, float] = {}
        self._anchors_from: dict[MemberId, float] = {}
        self.standing = Standing()

    def check(self) -> None:
        """Open the keys of every member and read every mapping, before anything is promised.

        Raises:
            KeystoreNotOpened, …: a passphrase is not the one of a member's keystore.
            FileUnreadable, FileRefused, TableRefused, MappingOfAnother: a mapping.
        """
        for member in self.members:
            self._ring.keys(member)
            mapping_of(self._workspace, member)

    def keys_of(self, member: MemberId) -> HolderKeys | None:
        """Return the keys of one of the members; nothing of any other.

        Raises:
            KeystoreNotOpened, …: the keystore was replaced by one with another passphrase.
        """
        return self._ring.keys(member) if member in self.members else None

    def look(self, store: EventStore, go_on: Callable[[], bool] = lambda: True) -> Turn:
        """Bring the events of every member as far as they can go now.

        Refusals are in the turn's troubles: they are the node's own, and the next look tries again.

        Args:
            store: of the events.
            go_on: whether to begin with another event; what was begun is brought to its place.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        done = Turn()
        for member in self.members:
            if go_on() and self._is_due(store, member):
                self._turn(store, member, go_on, done)
        trouble = done.troubles[-1] if done.troubles else None
        self.standing = Standing(queue_of(store, self.members), done.is_reached, trouble)
        return done

    def anchor(self, store: EventStore, hours: int) -> Iterator[Head | LodelineError]:
        """Anchor the trail of every member where that is due; yield heads, and why one is not.

        After a refusal, the same member has its next try ten minutes later.

        Args:
            store: of the events and the trail.
            hours: between two anchors, at least 1.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        for member in self.members:
            tenant, now = store.tenant(member), time.monotonic()
            if now < self._anchors_from.get(member, now) or not is_due(store, tenant, hours):
                continue
            self._anchors_from[member] = now + _ANCHOR_AGAIN_SECONDS
            try:
                with self._opening() as session, holding(session, member) as own:
                    head = anchor_round(own, store, tenant)
            except LodelineError as refused:
                yield refused
            else:
                if head is not None:
                    yield head

    def _turn(
        self, store: EventStore, member: MemberId, go_on: Callable[[], bool], done: Turn
    ) -> None:
        try:
            turn = one_turn(self._opening(), store, member, sign_here=self._sign_here, go_on=go_on)
        except LodelineError as refused:
            done.is_reached = False
            done.troubles.append(refused)
            return
        self._looked[member] = time.monotonic()
        done.add(turn)

    def _is_due(self, store: EventStore, member: MemberId) -> bool:
        """Whether a member has something to be done; the ledger is not opened for nothing."""
        queue = queue_of(store, [member])
        if any(queue[state] for state in _ON_THE_WAY):
            return True
        if events_leaving(store, store.tenant(member)):
            return True
        last = self._looked.get(member)
        return bool(queue[EventState.HELD]) and (
            last is None or time.monotonic() - last >= _HELD_SECONDS
        )

    def _opening(self) -> AbstractContextManager[Session]:
        """Return the workspace for writing; keys that were replaced meanwhile are opened anew."""
        now = self._keystores()
        if now != self._ring_of:
            self._ring, self._ring_of = self._new_ring(), now
        return opened(self._workspace, self._ring, SystemClock(), SystemEntropy())

    def _new_ring(self) -> Keyring:
        return Keyring(self._workspace, self._passphrase_of, SystemEntropy())

    def _keystores(self) -> tuple[tuple[MemberId, int, int], ...]:
        """What tells a keystore file from the one that was there before."""
        found = (
            (each, self._workspace.keystore(each).stat()) for each in self._workspace.members()
        )
        return tuple((each, stat.st_ino, stat.st_mtime_ns) for each, stat in found)
