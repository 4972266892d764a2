"""The book of lineage tells what the graph of objects tells, however it was written up."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lineage.logs import Flagging, Step, changes_of, logs, name, parts_of, state_of

from lodeline.kernel.ids import Hash32, LotId, RecipeName, SiteId
from lodeline.ledger.entries import EntryId
from lodeline.ledger.state import State
from lodeline.lineage.book import BookOutOfPlace, Excerpt, LineageBook
from lodeline.lineage.csr import Bounds
from lodeline.lineage.file import open_book, write_book
from lodeline.lineage.graph import Graph, Lineage, NothingAtSite, NotInLog
from lodeline.lineage.index import MadeBefore

ROOT = Hash32(b"r" * 32)
FLAGGING: st.SearchStrategy[list[Flagging]] = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(0, 99), st.booleans())), min_size=25, max_size=25
)


def committed(links: Sequence[Step], flagging: Sequence[Flagging], sample: State) -> State:
    state = State()
    for change in changes_of(links, flagging, sample):
        state.commit(change)
    return state


def by_parts(
    links: Sequence[Step], flagging: Sequence[Flagging], sample: State, ends: set[int]
) -> LineageBook:
    """A book that took parts in, each of which begins where the one before last ended."""
    book = LineageBook()
    changes = list(changes_of(links, flagging, sample))
    for part in parts_of(changes, ends):
        book.take(part, ROOT)
    return book


def same(excerpt: Excerpt, found: Lineage) -> None:
    shown = excerpt.lineage
    assert excerpt.is_all
    assert excerpt.cut == ()
    assert (excerpt.lots, excerpt.steps) == (len(found.lots), len(found.steps))
    assert dict(shown.lots) == dict(found.lots)
    assert list(shown.steps.items()) == list(found.steps.items())
    assert (shown.roots, shown.upstream) == (found.roots, found.upstream)
    assert set(shown.ends) == set(found.ends)
    assert shown.sites == found.sites


def told_alike(book: LineageBook, graph: Graph, links: Sequence[Step]) -> None:
    made = [lot for link in links for lot in link.outputs]
    for lot in made:
        same(book.upstream(lot), graph.upstream(lot))
        same(book.downstream([lot]), graph.downstream([lot]))
        for digits in (1, 2, 5, 16, 17, 64):
            prefix = lot.hex()[:digits]
            assert tuple(book.matching(prefix)) == graph.matching(prefix)
    for site in ("mine-1", "mine-2"):
        assert book.has_site(site)
        try:
            found = graph.from_site(SiteId(site))
        except NothingAtSite:
            with pytest.raises(NothingAtSite) as refused:
                book.origins(SiteId(site))
            assert refused.value.site == site
        else:
            same(book.downstream(book.origins(SiteId(site))), found)


@settings(max_examples=40, deadline=None)
@given(links=logs(), flagging=FLAGGING, ends=st.sets(st.integers(1, 40)), cut=st.integers(0, 25))
def test_it_tells_what_the_graph_tells(
    sample: State, links: list[Step], flagging: list[Flagging], ends: set[int], cut: int
) -> None:
    """By parts, by states, by both, and out of its file."""
    flags = flagging[: len(links)]
    state = committed(links, flags, sample)
    graph, parts = Graph(state), by_parts(links, flags, sample, ends)
    told_alike(parts, graph, links)
    states = LineageBook()
    for until in (cut, len(links)):
        states.catch_up(committed(links[:until], flags[:until], sample), ROOT)
    told_alike(states, graph, links)
    both = by_parts(links[:cut], flags[:cut], sample, ends)
    both.catch_up(state, ROOT)
    told_alike(both, graph, links)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.index"
        assert write_book(path, parts)
        again = open_book(path)
        assert again is not None
        assert again.place == parts.place
        told_alike(again, graph, links)


@settings(max_examples=30, deadline=None)
@given(links=logs(), flagging=FLAGGING, cut=st.integers(1, 24), ends=st.sets(st.integers(1, 40)))
def test_a_book_out_of_a_file_goes_on(
    sample: State, links: list[Step], flagging: list[Flagging], cut: int, ends: set[int]
) -> None:
    """With marks on what is in the file, and by a part that begins before the place of the file."""
    flags = flagging[: len(links)]
    changes = list(changes_of(links, flags, sample))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.index"
        begun = LineageBook()
        for part in parts_of(changes[:cut], ends):
            begun.take(part, ROOT)
        write_book(path, begun)
        before = path.read_bytes()
        book = open_book(path)
        assert book is not None
        for part in parts_of(changes, ends):
            if part.size > book.size:
                book.take(part, ROOT)
        told_alike(book, Graph(committed(links, flags, sample)), links)
        assert path.read_bytes() == before


# ------------------------------------------------------------------ bounds


def slow_near(graph: Graph, root: LotId, depth: int, *, upstream: bool) -> tuple[set[LotId], bool]:
    """The lots so many steps away at most, and whether there are steps beyond."""
    whole = graph.upstream(root) if upstream else graph.downstream([root])
    lots, steps, front = {root}, set[Hash32](), {root}
    for _ in range(depth):
        beyond = {step for lot in front for step in whole.next_steps(lot) if step.step not in steps}
        steps |= {step.step for step in beyond}
        front = {lot for step in beyond for lot in whole.next_lots(step)} - lots
        lots |= front
    over = any(step.step not in steps for lot in lots for step in whole.next_steps(lot))
    return lots, not over


@settings(max_examples=40, deadline=None)
@given(links=logs(), depth=st.integers(0, 6), most=st.integers(1, 12))
def test_what_is_bounded_is_what_is_nearest(
    sample: State, links: list[Step], depth: int, most: int
) -> None:
    state = state_of(links, sample)
    graph, book = Graph(state), LineageBook()
    book.catch_up(state, ROOT)
    made = [lot for link in links for lot in link.outputs]
    for lot in made:
        for upstream in (True, False):
            walk = book.upstream if upstream else lambda root, by: book.downstream([root], by)
            deep = walk(lot, Bounds(10_000, depth))
            wanted, is_all = slow_near(graph, lot, depth, upstream=upstream)
            assert set(deep.lineage.lots) == wanted
            assert deep.is_all == is_all
            assert bool(deep.cut) == (not is_all)
            few = walk(lot, Bounds(most))
            assert len(few.lineage.lots) <= most
            assert len(few.lineage.steps) <= most
            assert bool(few.cut) == (not few.is_all)
            assert (few.lots, few.steps) == (deep.lots, deep.steps)
            assert few.is_all == (few.lots <= most and few.steps <= most)
            assert set(few.lineage.lots) <= {graph.node(each).lot for each in made}


def test_a_wide_step_is_cut_and_says_so(sample: State) -> None:
    lots = tuple(LotId(name("lot", number)) for number in range(60))
    kind = next(making for _, making in sample.makings.items()).kind
    links = [
        Step(name("step", 0), kind, (), lots[:50]),
        Step(name("step", 1), kind, lots[:50], lots[50:]),
    ]
    book = LineageBook()
    book.catch_up(state_of(links, sample), ROOT)
    found = book.upstream(lots[-1], Bounds(20))
    assert not found.is_all
    assert len(found.lineage.lots) == 20
    assert found.lots == 51
    assert found.steps == 2
    assert set(found.cut) == {lots[-1], *lots[:19]}


# ------------------------------------------------------------------ entries, titles, refusals


def test_entries_and_titles(sample: State) -> None:
    lots = tuple(LotId(name("lot", number)) for number in range(3))
    kind = next(making for _, making in sample.makings.items()).kind
    links = [
        Step(name("step", 0), kind, (), lots[:2]),
        Step(name("step", 1), kind, lots[:1], lots[2:]),
    ]
    book = LineageBook()
    book.catch_up(state_of(links, sample), ROOT)
    entries = [EntryId(link.step) for link in links]
    assert book.made_by(entries) == list(lots)
    assert book.made_by(entries[1:]) == [lots[2]]
    assert book.made_by([EntryId(Hash32(bytes(32)))]) == []
    steps = [link.step for link in links]
    assert book.entries_of(steps) == dict(zip(steps, entries, strict=True))
    recipe = next(record.recipe for record in sample.tables.recipes.values())
    found = book.title(recipe.name)
    assert found is not None
    assert (found.en, found.fr) == (recipe.title_en, recipe.title_fr)
    assert book.title(RecipeName("none")) is None
    assert not book.has_site("nowhere")
    assert book.memory_bytes > 0


def test_what_does_not_join_is_refused(sample: State) -> None:
    lots = tuple(LotId(name("lot", number)) for number in range(4))
    kind = next(making for _, making in sample.makings.items()).kind
    links = [Step(name("step", at), kind, (), lots[at : at + 1]) for at in range(4)]
    changes = list(changes_of(links, [None] * 4, sample))
    first, second = parts_of(changes, [2])
    book = LineageBook()
    with pytest.raises(BookOutOfPlace) as early:
        book.take(second, ROOT)
    assert (early.value.expected, early.value.got) == (0, 2)
    book.take(first, ROOT)
    with pytest.raises(BookOutOfPlace):
        book.take(first, ROOT)
    with pytest.raises(BookOutOfPlace) as shorter:
        book.catch_up(state_of(links[:1], sample), ROOT)
    assert (shorter.value.expected, shorter.value.got) == (2, 1)
    other = [Step(name("other", at), kind, (), lots[at : at + 1]) for at in range(4)]
    with pytest.raises(MadeBefore):
        LineageBook.catch_up(book, state_of([*other[2:], *other[:2]], sample), ROOT)
    with pytest.raises(NotInLog):
        book.upstream(LotId(bytes(32)))
