"""What a person decided about a dispute, kept until the next turn acts on it.

A decision is written together with the state that lets its event begin anew, in one transaction of
the store: neither ledger nor vault has to be open for it. It stays with the event, and another one
takes its place as long as the event waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select

from lodeline.exchange.transform_file import ElementAmount
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ElementSymbol, ElementW, MemberId, MemberIdW, check_name
from lodeline.kernel.units import Milligrams, MilligramsW
from lodeline.node.access.trail import Note, append
from lodeline.node.events.moments import Micros
from lodeline.node.events.outbox import RowState, Stage, rows_within
from lodeline.node.events.schema import EVENT_STATES, OUTBOX
from lodeline.node.events.states import EventState, Move, move_state, read_reason
from lodeline.node.events.store import EventStore, Seq, StoredEvent, Tenant, take_numbers
from lodeline.node.events.trade_refusals import FigureOutOfReach, NotAllReceived, WeightsDiffer
from lodeline.node.events.withdrawing import state_now

__all__ = [
    "MAX_REASON",
    "Decision",
    "FiguresMisplaced",
    "Moment",
    "NotADispute",
    "ReasonTooLong",
    "Way",
    "decide",
    "moment_of",
]

_KIND: Final = "decision"
_OF_A_DISPUTE: Final = frozenset({WeightsDiffer.code, FigureOutOfReach.code, NotAllReceived.code})
MAX_REASON: Final = 256
"""Characters of a reason."""
Text = Annotated[str, msgspec.Meta(max_length=MAX_REASON)]


class Way(StrEnum):
    """How a dispute ends; the words are stored."""

    THEIRS = "theirs"
    """The sender's figures stand."""
    OURS = "ours"
    """Those of the receiver do, once the sender has signed them."""
    MEAN = "mean"
    UMPIRE = "umpire"
    """Those of an umpire laboratory, which signs them."""
    DECLINE = "decline"
    """The goods are not taken."""


class NotADispute(LodelineError):
    """A decision about an event that waits for none."""

    code: ClassVar[str] = "event-not-a-dispute"
    en: ClassVar[str] = "event {event} is {state}, and no dispute that waits for a decision"
    fr: ClassVar[str] = (
        "l'événement {event}, à l'état « {state} », n'a pas de litige qui attende une décision"
    )
    advice_en: ClassVar[str] = "`lodeline events list --state held` shows what waits, and why"
    advice_fr: ClassVar[str] = "« lodeline events list --state held » montre ce qui attend"
    status: ClassVar[int] = 409

    event: int
    state: str


class FiguresMisplaced(LodelineError):
    """An umpire without figures, or figures without an umpire."""

    code: ClassVar[str] = "event-figures-misplaced"
    en: ClassVar[str] = "an umpire and figures go together; “{way}” has its figures already"
    fr: ClassVar[str] = "un arbitre et des chiffres vont ensemble ; « {way} » a déjà les siens"
    advice_en: ClassVar[str] = "name the umpire and each metal that it found: 112 kg Co"
    advice_fr: ClassVar[str] = "nommez l'arbitre et chaque métal qu'il a trouvé : 112 kg Co"
    status: ClassVar[int] = 400

    way: Way


class ReasonTooLong(LodelineError):
    """A reason that does not fit beside the offer."""

    code: ClassVar[str] = "event-reason-too-long"
    en: ClassVar[str] = "the reason has {characters} characters; {limit} are allowed"
    fr: ClassVar[str] = "la raison a {characters} caractères ; {limit} sont admis"
    advice_en: ClassVar[str] = "say it in fewer words, and write the rest to the sender"
    advice_fr: ClassVar[str] = "dites-la plus brièvement, et écrivez le reste à l'expéditeur"
    status: ClassVar[int] = 400

    characters: int
    limit: int


class _Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    element: ElementW
    mass: MilligramsW


class Decision(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lodeline-event-decision-v1"
):
    """How a dispute ends, and who says so."""

    way: Way
    who: Text
    umpire: MemberIdW | None = None
    figures: tuple[_Figure, ...] = ()
    """Of an umpire: how much of each metal is in all of the goods; others stay as the sender's."""
    reason: Text = ""
    """Why the goods are not taken; a salted hash of it goes to the ledger."""

    @classmethod
    def of(
        cls,
        way: Way,
        who: str,
        umpire: MemberId | None,
        found: Iterable[ElementAmount],
        reason: str = "",
    ) -> Decision:
        """Return a decision, with the figures of an umpire where it is his that stand.

        Raises:
            MalformedName: the umpire is named by something that is no name.
        """
        figures = tuple(_Figure(each.element, each.mass) for each in found)
        named = None if umpire is None else MemberId(check_name(umpire))
        return cls(way, who, named, figures, reason)

    @property
    def found(self) -> dict[ElementSymbol, Milligrams]:
        """Return the figures of an umpire."""
        return {ElementSymbol(each.element): Milligrams(each.mass) for each in self.figures}


def decide(
    store: EventStore, tenant: Tenant, event: Seq, decision: Decision, note: Note | None = None
) -> None:
    """Write a decision about a dispute; the next turn acts on it.

    ``note`` goes into the trail, in the same transaction.

    Not checked: whether the decider may decide, and whether the ledger can settle so; if not, the
    event is held again with the reason, and nothing was accepted.

    Raises:
        EventUnknown: the tenant has no such event.
        NotADispute: it does not wait for a decision.
        FiguresMisplaced: an umpire without figures, or the reverse.
        ReasonTooLong: why the goods are not taken, in too many words.
    """
    if len(decision.reason) > MAX_REASON:
        raise ReasonTooLong(len(decision.reason), MAX_REASON)
    wanted = decision.way is Way.UMPIRE
    if wanted != bool(decision.figures) or wanted != (decision.umpire is not None):
        raise FiguresMisplaced(decision.way)
    now = store.clock.now()

    def work(connection: Connection) -> None:
        _check_waits(connection, tenant, event)
        key = _key(event)
        connection.execute(
            delete(OUTBOX).where(OUTBOX.c.tenant == tenant.number, OUTBOX.c.key == key)
        )
        (position,) = take_numbers(connection, "outbox", 1)
        connection.execute(
            insert(OUTBOX).values(
                position=position,
                tenant=tenant.number,
                key=key,
                kind=_KIND,
                payload=cbor.encode_struct(decision),
                state=RowState.DONE.value,
                attempts=0,
                created_us=now,
                next_us=now,
            )
        )
        move_state(connection, tenant, [event], Move(EventState.RECEIVED, now))
        if note is not None:
            append(connection, tenant, now, [note])

    store.write(work)


@dataclass(frozen=True)
class Moment:
    """Which event it is, when it happened, and what a person decided about it."""

    event: Seq
    when: Micros
    decision: Decision | None = None


def moment_of(store: EventStore, tenant: Tenant, event: StoredEvent) -> Moment:
    """Return an event's place and time, and what was decided about it last."""
    query = select(OUTBOX.c.payload).where(
        OUTBOX.c.tenant == tenant.number, OUTBOX.c.key == _key(event.seq)
    )
    with store.reading() as connection:
        found = connection.execute(query).scalar()
    decision = None if found is None else cbor.decode_struct(bytes(found), Decision)
    return Moment(event.seq, event.event_time, decision)


def _key(event: Seq) -> str:
    return f"{_KIND}/{event}"


def _check_waits(connection: Connection, tenant: Tenant, event: Seq) -> None:
    """Refuse unless an event is held as a dispute, or for the settlement of what was accepted."""
    state = state_now(connection, tenant, event)
    rows = rows_within(connection, tenant, event)
    is_accepted = any(
        row.stage is Stage.ACCEPT and row.state is RowState.DONE for row in rows
    ) and not any(row.stage is Stage.SETTLE and row.state is RowState.DONE for row in rows)
    reason = read_reason(
        connection.execute(
            select(EVENT_STATES.c.reason).where(EVENT_STATES.c.seq == event)
        ).scalar()
    )
    again = select(OUTBOX.c.key).where(
        OUTBOX.c.tenant == tenant.number, OUTBOX.c.key == _key(event)
    )
    is_dispute = (reason is not None and reason.code in _OF_A_DISPUTE) or (
        connection.execute(again).scalar() is not None
    )
    waits = state is EventState.HELD and is_dispute
    if not waits and not (state in {EventState.HELD, EventState.REFUSED} and is_accepted):
        raise NotADispute(event, state.value)
