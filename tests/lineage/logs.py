"""Made-up logs, and states that have them."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence

from hypothesis import strategies as st
from msgspec import structs

from lodeline.kernel.ids import FormName, Hash32, LotId, RecipeDigest, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.change import Change, Flag
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import EntryRecord, LotRecord, Making, MakingKind
from lodeline.ledger.snapshot import Gathered, StatePart
from lodeline.ledger.state import State
from lodeline.ledger.tables import NOTHING_ADOPTED, Adopted

RECIPES = ("grant-licence", "mine-copper-cobalt", "blend", "split", "sale", "store")


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a made-up log; a reversal uses what it reverses made, and makes as many anew."""

    step: Hash32
    kind: MakingKind
    inputs: tuple[LotId, ...]
    outputs: tuple[LotId, ...]


def name(kind: str, number: int) -> Hash32:
    return Hash32(hashlib.sha256(f"{kind} {number}".encode()).digest())


@st.composite
def logs(draw: st.DrawFn) -> list[Step]:
    """Logs in which lots are used by several steps, by none, and by reversals."""
    made: list[LotId] = []
    links: list[Step] = []
    for number in range(draw(st.integers(1, 25))):
        undone = draw(st.sampled_from([None, *links]))
        if undone is None or not undone.outputs:
            kind, count = MakingKind.TRANSFORM, draw(st.integers(0, 4))
            inputs = tuple(draw(st.lists(st.sampled_from(made), max_size=4))) if made else ()
        else:
            kind, count, inputs = MakingKind.REVERSAL, len(undone.inputs), undone.outputs
        outputs = tuple(LotId(name("lot", len(made) + at)) for at in range(count))
        links.append(Step(name("step", number), kind, inputs, outputs))
        made.extend(outputs)
    return links


def state_of(links: Sequence[Step], sample: State) -> State:
    """Put a made-up log into a state; nothing is checked there."""
    state = State()
    for change in changes_of(links, [None] * len(links), sample):
        state.commit(change)
    return state


FORMS = ("copper-cobalt-ore", "cobalt-hydroxide")
SITES = (None, "mine-1", "mine-2")
Flagging = tuple[int, bool] | None
"""Of the lots made so far, counted from the first, which one is flagged, or freed."""


def changes_of(
    links: Sequence[Step], flagging: Sequence[Flagging], sample: State
) -> Iterator[Change]:
    """Yield what each step changes; forms, sites and recipes come in turn.

    After a step a lot may be flagged, or freed, by an entry of its own.
    """
    adopted = Adopted((), (), (), dict(sample.tables.recipes))
    digests = [None, *sample.tables.recipes]
    sites = dict(sample.sites.items())
    makings: dict[Hash32, Making] = {}
    made: list[LotId] = []
    index = 0
    for number, (link, flag) in enumerate(zip(links, flagging, strict=True)):
        making = _making(sample, index, number, link, digests[number % len(digests)])
        changed = {link.step: making}
        for step, earlier in makings.items():
            if link.kind is MakingKind.REVERSAL and earlier.outputs == link.inputs:
                changed[step] = structs.replace(earlier, reversed_by=link.step)
        makings |= changed
        made += link.outputs
        yield Change(
            accepted={EntryId(link.step): EntryRecord(index, making.time, "transform")},
            adopted=adopted if number == 0 else NOTHING_ADOPTED,
            sites=sites if number == 0 else {},
            lots={lot: _record(sample, link.step, at, lot) for at, lot in enumerate(link.outputs)},
            spent=dict.fromkeys(link.inputs, link.step),
            makings=changed,
        )
        index += 1
        if flag is not None and made:
            place, recalled = flag
            lot = made[place % len(made)]
            entry = EntryId(name("recall", index))
            yield Change(
                accepted={entry: EntryRecord(index, making.time, "recall")},
                flags={lot: Flag((lot,)) if recalled else None},
            )
            index += 1


def parts_of(changes: Iterable[Change], ends: Iterable[int]) -> list[StatePart]:
    """Return what changes add up to, in parts that end after so many entries, and the rest."""
    cuts, parts, gathered = set(ends), list[StatePart](), Gathered(0)
    for size, change in enumerate(changes, start=1):
        gathered.add(change)
        if size in cuts:
            parts.append(gathered.part())
            gathered = Gathered(size)
    return [*parts, gathered.part()] if len(gathered) else parts


def _record(sample: State, step: Hash32, at: int, lot: LotId) -> LotRecord:
    record = next(record for _, record in sample.lots.items())
    public = structs.replace(record.lot, form=FormName(FORMS[lot[0] % len(FORMS)]))
    return LotRecord(public, step, at, False, None)


def _making(
    sample: State, index: int, number: int, link: Step, recipe: RecipeDigest | None
) -> Making:
    like = next(making for _, making in sample.makings.items())
    site = SITES[number % len(SITES)]
    return Making(
        link.kind,
        EntryId(link.step),
        index,
        BlockTime(like.time + index),
        link.inputs,
        link.outputs,
        recipe,
        like.family,
        None if site is None else SiteId(site),
        like.site_signed,
        like.signers[: number % 2],
        None,
        (),
    )
