"""Questions about the graph of lots: what came of a lot, what a lot came from, who issued it.

A reversal gives equal lots back, a re-grant one equal lot: such a lot has the past of the lot that
it equals, and only the lot that it equals leads to it. So undoing a blend does not leave the clean
lot flagged with the recalled one.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodeline.custody.forms import FormClass
from lodeline.custody.recipes import Family
from lodeline.kernel.ids import Hash32, LotId, MemberId
from lodeline.ledger.records import LotRecord, Making, MakingKind
from lodeline.ledger.refusals_transforms import LotUnknown
from lodeline.ledger.state import State

__all__ = [
    "children",
    "comes_wholly_from",
    "descendants",
    "form_class_of",
    "grants_behind",
    "in_its_place",
    "issuers",
    "maker_of",
    "remainders",
]


def form_class_of(state: State, lot: LotId) -> FormClass:
    """Return the class of a known lot's form.

    Raises:
        LotUnknown: the lot is not there.
        UnknownForm: the lot's form is not in the table.
    """
    return state.tables.forms[_record(state, lot).lot.form].form_class


def _record(state: State, lot: LotId) -> LotRecord:
    """Return a lot that the graph names; only a part of a log can lack it."""
    record = state.lots.get(lot)
    if record is None:
        raise LotUnknown(lot)
    return record


def children(state: State, lot: LotId) -> tuple[LotId, ...]:
    """Return the lots that came of a lot in one step; none while it is unspent.

    Of a lot whose transform was reversed: the lot that was given back for it.
    """
    consumer = state.consumers.get(lot)
    making = None if consumer is None else state.makings.get(consumer)
    if making is None or making.kind is MakingKind.REVERSAL:
        return ()
    undone = None if making.reversed_by is None else state.makings.get(making.reversed_by)
    if undone is None:
        return making.outputs
    return (undone.outputs[making.inputs.index(lot)],)


def in_its_place(state: State, lot: LotId) -> Iterator[LotId]:
    """Yield the lots that stand for one now: given back for it, or made of it by corrections.

    The lot itself where there are none: it is unspent, or was used in a step that stands.
    """
    consumer = state.consumers.get(lot)
    making = None if consumer is None else state.makings.get(consumer)
    is_set_right = making is not None and making.family == Family.CORRECT.value
    if making is None or not (making.reversed_by is not None or is_set_right):
        yield lot
        return
    for after in children(state, lot):
        yield from in_its_place(state, after)


def descendants(state: State, lot: LotId) -> Iterator[LotId]:
    """Yield every lot that came of a lot, the nearest first, each once; not the lot itself."""
    seen = {lot}
    waiting = [lot]
    for current in waiting:
        for child in children(state, current):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                yield child


def maker_of(state: State, lot: LotId) -> tuple[Hash32, Making]:
    """Return the transform that a known lot came from, seen through restoring and re-granting.

    Raises:
        LotUnknown: the lot, or what it equals, is not there.
    """
    record = _record(state, lot)
    while record.equals is not None:
        record = _record(state, record.equals)
    making = state.makings.get(record.maker)
    if making is None:
        raise LotUnknown(lot)
    return record.maker, making


def issuers(state: State, making: Making) -> tuple[MemberId, ...]:
    """Return who issued a transform: its first signer and the member whose site it names."""
    found = list(making.signers[:1])
    site = None if making.site is None else state.sites.get(making.site)
    if site is not None and site.member not in found:
        found.append(site.member)
    return tuple(found)


def comes_wholly_from(state: State, lot: LotId, transform: Hash32) -> bool:
    """Return whether everything in a lot went through one transform.

    True of the transform's outputs, and of what came of such lots and of no others. By conservation
    (T2, T4) all lots that come wholly from a transform hold together, at any time, no more than it
    made; this is the cap on corrections. A grant adds, so what it gives comes wholly from it alone.
    """
    start = state.makings.get(transform)
    if start is None:
        return False
    seen = {lot}
    waiting = [lot]
    for current in waiting:
        maker, making = maker_of(state, current)
        if maker == transform:
            continue
        if _starts_anew(making) or making.index <= start.index:
            return False
        unseen = [before for before in making.inputs if before not in seen]
        seen.update(unseen)
        waiting.extend(unseen)
    return True


def grants_behind(state: State, lot: LotId) -> Iterator[tuple[LotId, Making]]:
    """Yield the granted lots that a right came from, through rights of its own class alone.

    Each with the transform that granted it. Lots that the state does not know end the way: part of
    a log lacks them.

    Raises:
        LotUnknown: the lot itself is not there.
    """
    own_class = form_class_of(state, lot)
    seen = {lot}
    waiting = [lot]
    for current in waiting:
        _, making = maker_of(state, current)
        if making.family == Family.GRANT.value:
            yield making.outputs[0], making
            continue
        for before in making.inputs:
            known = before in state.lots and before not in seen
            if known and form_class_of(state, before) is own_class:
                seen.add(before)
                waiting.append(before)


def _starts_anew(making: Making) -> bool:
    return not making.inputs or making.family == Family.GRANT.value


def remainders(state: State, grant: LotId) -> frozenset[LotId]:
    """Return the unspent lots of a grant's own class that are left of it.

    What a further grant gave in place of it is not.
    """
    own_class = form_class_of(state, grant)
    return frozenset(
        lot
        for lot in (grant, *_right_descendants(state, grant, own_class))
        if state.is_unspent(lot)
    )


def _right_descendants(state: State, grant: LotId, own_class: FormClass) -> Iterator[LotId]:
    seen = {grant}
    waiting = [grant]
    for current in waiting:
        if _was_replaced(state, current):
            continue
        for child in children(state, current):
            if child not in seen and form_class_of(state, child) is own_class:
                seen.add(child)
                waiting.append(child)
                yield child


def _was_replaced(state: State, lot: LotId) -> bool:
    consumer = state.consumers.get(lot)
    making = None if consumer is None else state.makings.get(consumer)
    return making is not None and making.family == Family.GRANT.value
