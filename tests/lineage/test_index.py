"""The index of millions of lots answers what the graph of objects answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.world import World
from tests.lineage.logs import RECIPES, Step, logs, name, state_of

from lodeline.kernel.ids import Hash32, LotId
from lodeline.ledger.state import State
from lodeline.lineage import columns, csr
from lodeline.lineage.columns import Column, Ids
from lodeline.lineage.csr import Edges, Reach
from lodeline.lineage.graph import Graph, Lineage, NotInLog
from lodeline.lineage.index import LineageIndex, MadeBefore


def same(index: LineageIndex, reach: Reach, found: Lineage) -> None:
    lots, steps = index.lots_of(reach), index.steps_of(reach)
    assert len(lots) == len(set(lots))
    assert set(lots) == set(found.lots)
    assert steps == list(found.steps)


@settings(max_examples=60, deadline=None)
@given(
    links=logs(),
    folds=st.sets(st.integers(0, 25)),
    narrow=st.sampled_from([0, 2, 16]),
    data=st.data(),
)
def test_it_answers_as_the_graph_does(
    sample: State, links: list[Step], folds: set[int], narrow: int, data: st.DataObject
) -> None:
    """However much is in the base and how much in the overlay, and however wide the fronts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csr, "_NARROW", narrow)
        compare(sample, links, folds, data)


def compare(sample: State, links: list[Step], folds: set[int], data: st.DataObject) -> None:
    graph, index = Graph(state_of(links, sample)), LineageIndex()
    for at, link in enumerate(links):
        index.add(link.step, link.inputs, link.outputs)
        if at in folds:
            index.fold()
        if link.outputs:
            index.downstream(link.outputs[:1])  # sorts an overlay that then grows old
    made = [lot for link in links for lot in link.outputs]
    assert (index.lots, index.steps) == (len(made), len(links))
    for lot in made:
        same(index, index.upstream(lot), graph.upstream(lot))
        same(index, index.downstream([lot]), graph.downstream([lot]))
    some = data.draw(st.lists(st.sampled_from(made), max_size=5)) if made else []
    same(index, index.downstream(some), graph.downstream(some))


@settings(max_examples=20, deadline=None)
@given(links=logs(), cut=st.integers(0, 25))
def test_it_catches_up_with_a_state(sample: State, links: list[Step], cut: int) -> None:
    index = LineageIndex()
    assert index.catch_up(state_of(links[:cut], sample)) == len(links[:cut])
    state = state_of(links, sample)
    assert index.catch_up(state) == len(links[cut:])
    assert index.catch_up(state) == 0
    graph = Graph(state)
    for lot in (lot for link in links for lot in link.outputs):
        same(index, index.upstream(lot), graph.upstream(lot))


def test_it_reads_a_real_log() -> None:
    world = World(*RECIPES)
    ore, _ = world.does("mine-copper-cobalt", [world.granted()], [world.ore(), world.licence()])
    halves = world.does("split", [ore], [world.ore(), world.ore()])
    (blend,) = world.does("blend", halves, [world.ore()])
    index, graph = LineageIndex(), Graph(world.state)
    index.catch_up(world.state)
    same(index, index.upstream(blend), graph.upstream(blend))
    same(index, index.downstream([ore]), graph.downstream([ore]))
    assert index.memory_bytes > 0


def test_it_grows_past_every_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain longer than the first room of a column, folded many times on the way."""
    monkeypatch.setattr(columns, "_RECENT", 7)
    monkeypatch.setattr(csr, "_OVERLAY", 11)
    index, count = LineageIndex(), 3_000
    lots = [LotId(name("lot", number)) for number in range(count)]
    for at, lot in enumerate(lots):
        index.add(name("step", at), lots[at - 1 : at] if at else [], [lot])
        if at % 500 == 0:
            assert len(index.downstream([lots[0]]).lots) == at + 1
    assert index.lots_of(index.downstream(lots[-5:])) == lots[-5:]
    assert index.lots_of(index.upstream(lots[-1])) == lots
    assert index.lots_of(index.upstream(lots[9])) == lots[:10]


# ------------------------------------------------------------------ refusals


def test_what_it_refuses_it_does_not_keep() -> None:
    index = LineageIndex()
    first, second, absent = (LotId(name("lot", number)) for number in range(3))
    index.add(name("step", 0), [], [first])
    before = index.memory_bytes
    with pytest.raises(MadeBefore) as again:
        index.add(name("step", 0), [first], [second])
    assert again.value.what == name("step", 0)
    for outputs in ([second, first], [first, first]):
        with pytest.raises(MadeBefore) as twice:
            index.add(name("step", 1), [], outputs)
        assert twice.value.what == Hash32(first)
    with pytest.raises(MadeBefore) as same_lot:
        index.add(name("step", 1), [], [second, second])
    assert same_lot.value.what == Hash32(second)
    with pytest.raises(NotInLog) as unknown:
        index.add(name("step", 1), [first, absent], [second])
    assert unknown.value.lot == absent
    with pytest.raises(NotInLog):
        index.add(name("step", 1), [second], [second])
    assert (index.lots, index.steps, index.memory_bytes) == (1, 1, before)


def test_a_lot_that_never_was() -> None:
    index, nothing = LineageIndex(), LotId(bytes(32))
    for fold in (False, True):
        if fold:
            index.add(name("step", 0), [], [LotId(name("lot", 0))])
            index.fold()
        for walk in (index.upstream, lambda lot: index.downstream([lot])):
            with pytest.raises(NotInLog) as refused:
                walk(nothing)
            assert refused.value.lot == nothing
    nowhere = LineageIndex().downstream([])
    assert index.lots_of(nowhere) == []
    assert index.steps_of(nowhere) == []


def test_ids_that_begin_alike_are_told_apart() -> None:
    """Whoever grinds ids until their first eight bytes agree gains nothing."""
    ids: Ids[LotId] = Ids()
    alike = [LotId(bytes(8) + name("lot", number)[8:]) for number in range(20)]
    for at, lot in enumerate(alike):
        assert ids.append(lot) == at
        if at in (4, 11):
            ids.fold()
    assert [ids.number(lot) for lot in alike] == list(range(20))
    absent = LotId(bytes(32))
    assert ids.number(absent) is None
    assert ids.numbers([*alike, absent, alike[3]]).tolist() == [*range(20), -1, 3]
    assert ids.number(LotId(alike[0][:8])) is None
    with pytest.raises(ValueError, match="31"):
        ids.append(LotId(bytes(31)))
    assert len(ids) == 20


def test_edges_refuse_what_was_not_made() -> None:
    edges = Edges()
    for lot in (-1, 0, 2**31):
        with pytest.raises(IndexError):
            edges.add([lot], 1)
    assert (edges.lots, edges.steps) == (0, 0)


def test_a_number_too_large_for_a_column_is_not_cut() -> None:
    column = Column.of_numbers()
    with pytest.raises(OverflowError):
        column.append(2**31)
    column.append(2**31 - 1)
    assert column.values.tolist() == [2**31 - 1]
    assert column.values.dtype == np.int32
