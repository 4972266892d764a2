"""Which lots came from which: on a ledger of paper lots, real in everything but numbers."""

import pytest
from tests.ledger.world import World, made_by

from lodeline.kernel.ids import FormName, Hash32, LotId, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.lineage.graph import Graph, Lineage, LotNode, NothingAtSite, NotInLog, Step
from lodeline.lineage.render import Words, as_data, as_dot, as_mermaid, as_tree

RECIPES = ("grant-licence", "mine-copper-cobalt", "blend", "split", "sale", "store")
WORDS = Words(
    lambda node: f"{node.lot.hex()[:6]} {node.form}",
    lambda step: f"{step.recipe or step.kind} {step.site or ''}".strip(),
    "(above)",
)


class Past:
    """Ore mined, split in two, blended again, stored."""

    def __init__(self) -> None:
        self.world = World(*RECIPES)
        self.licence = self.world.granted()
        self.ore, self.left = self.world.does(
            "mine-copper-cobalt", [self.licence], [self.world.ore(), self.world.licence()]
        )
        self.halves = self.world.does("split", [self.ore], [self.world.ore(), self.world.ore()])
        (self.blend,) = self.world.does("blend", self.halves, [self.world.ore()])
        (self.stored,) = self.world.does("store", [self.blend], [self.world.ore()])
        self.graph = Graph(self.world.state)


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


def test_upstream_ends_at_the_grants(past: Past) -> None:
    found = past.graph.upstream(past.stored)
    assert set(found.lots) == {past.stored, past.blend, *past.halves, past.ore, past.licence}
    assert [step.recipe for step in found.steps.values()] == [
        "grant-licence",
        "mine-copper-cobalt",
        "split",
        "blend",
        "store",
    ]
    assert [node.lot for node in found.ends] == [past.licence]
    assert found.sites == ("mine-1",)


def test_downstream_goes_to_what_is_left(past: Past) -> None:
    found = past.graph.downstream([past.licence])
    assert set(found.lots) == {
        past.licence,
        past.ore,
        past.left,
        *past.halves,
        past.blend,
        past.stored,
    }
    assert {node.lot for node in found.ends} == {past.left, past.stored}
    assert all(node.unspent for node in found.ends)


def test_from_a_site_everything_that_began_there(past: Past) -> None:
    found = past.graph.from_site(SiteId("mine-1"))
    assert past.stored in found.lots
    with pytest.raises(NothingAtSite) as refused:
        past.graph.from_site(SiteId("refinery-1"))
    assert refused.value.site == "refinery-1"


def test_a_lot_that_never_was(past: Past) -> None:
    nothing = LotId(bytes(32))
    for walk in (past.graph.upstream, lambda lot: past.graph.downstream([lot])):
        with pytest.raises(NotInLog) as refused:
            walk(nothing)
        assert refused.value.lot == nothing


def test_lots_are_found_by_their_beginning(past: Past) -> None:
    assert past.graph.matching(past.ore.hex()[:10]) == (past.ore,)
    assert past.graph.matching("zz") == ()
    assert len(past.graph.matching("")) == len(list(past.world.state.lots.items()))


def test_what_is_recalled_and_undone_is_marked(past: Past) -> None:
    world = World(*RECIPES)
    licence = world.granted()
    entry = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    world.apply(entry)
    ore, _ = made_by(entry)
    world.apply(world.recall("audit-a", ore))
    graph = Graph(world.state)
    assert graph.node(ore).recalled
    step = next(iter(graph.upstream(ore).steps.values()))
    assert not step.reversed


# ------------------------------------------------------------------ drawings


def test_a_tree_shows_each_lot_once_and_names_it_again(past: Past) -> None:
    lines = list(as_tree(past.graph.upstream(past.stored), WORDS))
    assert lines[0] == f"{past.stored.hex()[:6]} copper-cobalt-ore"
    assert lines[1] == "└─ store"
    again = [line for line in lines if line.endswith("(above)")]
    assert len(again) == 1
    assert sum(past.ore.hex()[:6] in line for line in lines) == 2
    assert sum("grant-licence" in line for line in lines) == 1


def test_diagrams_have_every_edge_in_the_direction_of_the_material(past: Past) -> None:
    found = past.graph.upstream(past.stored)
    edges = sum(len(step.inputs) + len(step.outputs) for step in found.steps.values())
    dot, mermaid = list(as_dot(found, WORDS)), list(as_mermaid(found, WORDS))
    # the licence that is left is no ancestor, so one edge fewer
    assert sum("->" in line for line in dot) == sum("-->" in line for line in mermaid) == edges - 1
    assert dot[0] == "digraph lineage {"
    assert dot[-1] == "}"
    assert mermaid[0] == "flowchart LR"


def test_data_are_complete(past: Past) -> None:
    found = past.graph.upstream(past.stored)
    data = as_data(found)
    assert data["roots"] == [past.stored.hex()]
    assert data["ends"] == [past.licence.hex()]
    lots, steps = data["lots"], data["steps"]
    assert isinstance(lots, list)
    assert isinstance(steps, list)
    assert len(lots) == len(found.lots)
    assert len(steps) == len(found.steps)


def test_no_name_breaks_out_of_a_diagram(past: Past) -> None:
    evil = Words(lambda _: 'a"]; evil --> "b\n<script>', lambda _: 'x\\"', "")
    found = past.graph.upstream(past.ore)
    for line in as_mermaid(found, evil):
        assert "<" not in line
        assert line.count('"') in (0, 2)
    for line in as_dot(found, evil):
        assert "\n" not in line
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


def test_an_ancestry_as_long_as_a_log_is_walked_and_drawn() -> None:
    count = 5_000
    lots = [LotId(index.to_bytes(32, "big")) for index in range(count)]
    keys = [Hash32(lot) for lot in lots]
    nodes = {
        lot: LotNode(lot, FormName("ore"), key, 0, unspent=False, recalled=False)
        for lot, key in zip(lots, keys, strict=True)
    }
    steps = {key: _link(lots, at) for at, key in enumerate(keys)}
    lineage = Lineage((lots[-1],), True, nodes, steps)
    assert len(list(as_tree(lineage, WORDS))) == 2 * count


def _link(lots: list[LotId], at: int) -> Step:
    """Return the step that makes a lot out of the one before."""
    before = tuple(lots[at - 1 : at] if at else ())
    made = (lots[at],)
    key = Hash32(lots[at])
    return Step(key, "transform", None, None, BlockTime(0), at, (), before, made, reversed=False)
