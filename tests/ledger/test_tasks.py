"""Keys of verdicts, and the view over a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.undoing import mined_by_transform, regrant_of, reversal_of
from tests.ledger.world import CHAIN, NO_PROOF, RECIPES, World, made_by

from lodeline.custody.expansion import recipe_digest
from lodeline.kernel.ids import Hash32, LotId, MemberId, PointBytes, ScalarBytes
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import (
    AdoptForm,
    AdoptRecipe,
    Entry,
    Govern,
    GovernBody,
    RetireRecipe,
    SetStatus,
    Status,
    decode_entry,
)
from lodeline.ledger.state import State
from lodeline.ledger.tasks import BatchView, batches, proof_key, task_for, tasks_for
from lodeline.proofs.body import InputRef
from lodeline.proofs.proof import ZeroProof
from lodeline.proofs.task import RestorationTask, TransformTask


@pytest.fixture
def world() -> World:
    return World("grant-licence", "mine-copper-cobalt", "split", "sale", "correct")


def test_the_key_covers_body_proof_signatures_and_tables(world: World) -> None:
    licence = world.granted()
    entry = world.make("mine-copper-cobalt", [licence], [world.ore()])
    proof = structs.replace(NO_PROOF, zero=ZeroProof(PointBytes(bytes(48)), ScalarBytes(bytes(32))))
    others: list[Entry] = [
        structs.replace(entry, proof=proof),
        structs.replace(entry, signatures=()),
        structs.replace(entry, site_signature=None),
        structs.replace(entry, notes=(b"another",)),
        world.make("mine-copper-cobalt", [licence], [world.ore()]),
    ]
    keys = {proof_key(item, world.state.tables) for item in [entry, *others]}
    assert len(keys) == len(others) + 1
    before = proof_key(entry, world.state.tables)
    world.apply(world.govern(RetireRecipe(recipe_digest(RECIPES["correct"]))))
    assert proof_key(entry, world.state.tables) != before


def test_a_task_holds_what_the_proof_speaks_of(world: World) -> None:
    licence = world.granted()
    entry = world.make("mine-copper-cobalt", [licence], [world.ore("IRMA-75/segregated")])
    task = task_for(world.state, entry)
    assert isinstance(task, TransformTask)
    assert task.spent == (world.public(licence),)
    assert {form.name for form in task.forms} == {"licence", "copper-cobalt-ore"}
    assert {standard.name for standard in task.standards} == {"IRMA-75"}
    assert task.recipe == RECIPES["mine-copper-cobalt"]


def test_no_task_for_what_is_refused_anyway_or_has_no_proof(world: World) -> None:
    ore, _ = world.mined()
    vote = world.govern(SetStatus(MemberId("audit-b"), Status.SUSPENDED))
    assert task_for(world.state, vote) is None
    body = world.body("split", [ore], [world.ore(), world.ore()])
    lost = structs.replace(body, inputs=(InputRef(LotId(bytes(32)), body.inputs[0].tag),))
    assert task_for(world.state, world.transform(lost)) is None
    assert task_for(State(), world.transform(body)) is None


def test_a_reversal_s_task(world: World) -> None:
    mining = mined_by_transform(world)
    reversal = reversal_of(world, mining)
    task = task_for(world.state, reversal)
    assert isinstance(task, RestorationTask)
    assert task.spent == tuple(world.public(lot) for lot in made_by(mining))
    assert task.tags == reversal.body.tags
    assert len(task.originals) == len(task.restored) == 1
    short = structs.replace(reversal, body=structs.replace(reversal.body, tags=()))
    assert task_for(world.state, short) is None
    unknown = structs.replace(reversal.body, transform=Hash32(bytes(32)))
    assert task_for(world.state, structs.replace(reversal, body=unknown)) is None


def test_a_block_can_chain() -> None:
    """Grant, mine, split, offer, accept, split again: all in one batch, keys as when applied."""
    plan = World("grant-licence", "mine-copper-cobalt", "split", "sale", "correct")
    start = len(plan.log)
    ore, _ = plan.mined()
    first, _ = plan.does("split", [ore], [plan.ore(), plan.ore()])
    offer = plan.offer(plan.sale(first), plan.now + 5)
    plan.apply(offer)
    plan.apply(plan.accept(offer))
    (bought,) = made_by(offer.sale)
    plan.does("split", [bought], [plan.ore(), plan.ore()])
    entries = [decode_entry(data) for data, _ in plan.log[start:]]
    before = [decode_entry(data) for data, _ in plan.log[:start]]
    state = State()
    for entry in before:
        apply(state, entry, plan.now, {})
    tasks = tasks_for(state, entries)
    assert len(tasks) == 5
    keys = {task.key for task in tasks}
    carrying = [entry for entry in entries if task_for(plan.state, entry) is not None]
    assert keys == {proof_key(entry, plan.state.tables) for entry in carrying}


def test_a_batch_ends_with_a_vote(world: World) -> None:
    """The tables after a vote are known when it is decided, so what follows waits for that."""
    ore, _ = world.mined()
    form = structs.replace(world.state.tables.forms.all()[-1], name="new-form")
    second = structs.replace(RECIPES["split"], version=2)
    retire = RetireRecipe(recipe_digest(RECIPES["split"]))
    vote = world.govern(AdoptForm(form), retire, AdoptRecipe(second))
    split = world.make("split", [ore], [world.ore(), world.ore()], recipe=recipe_digest(second))
    assert tasks_for(world.state, [vote, split]) == ()
    entries: list[Entry] = [vote, split]
    found = batches(entries, 64, lambda entry: entry)
    assert next(found) == (vote,)
    world.apply(vote)
    (after,) = found
    (task,) = tasks_for(world.state, after)
    assert task.key == proof_key(split, world.state.tables)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 9))
def test_batches_keep_everything_and_end_with_each_vote(votes: list[bool], most: int) -> None:
    vote = Govern(GovernBody(CHAIN, 0, ()), ())
    items = [(number, vote if is_vote else None) for number, is_vote in enumerate(votes)]
    found = list(batches(items, most, lambda item: item[1]))
    assert [item for batch in found for item in batch] == items
    for batch in found:
        assert 1 <= len(batch) <= most
        assert all(entry is None for _, entry in batch[:-1])


def test_an_unsigned_vote_does_not_poison_what_follows(world: World) -> None:
    """A stranger puts a vote that nobody signed before an honest transform."""
    licence = world.granted()
    act = RetireRecipe(recipe_digest(RECIPES["correct"]))
    bogus = Govern(GovernBody(CHAIN, 10**6, (act,)), ())
    honest = world.make("mine-copper-cobalt", [licence], [world.ore(), world.licence()])
    entries: list[Entry] = [bogus, honest]
    tasks = [tasks_for(world.state, batch) for batch in batches(entries, 64, lambda entry: entry)]
    assert [[task.key for task in found] for found in tasks] == [
        [],
        [proof_key(honest, world.state.tables)],
    ]
    view = BatchView(world.state)
    view.add(bogus)
    assert view.tables is world.state.tables


def test_a_batch_shows_lots_that_were_given_again(world: World) -> None:
    mining = mined_by_transform(world)
    ore, _ = made_by(mining)
    regrant = regrant_of(world, ore)
    view = BatchView(world.state)
    view.add(regrant)
    world.apply(regrant)
    (new,) = (lot for lot, record in world.state.lots.items() if record.equals == ore)
    assert view.lot(new) == world.public(new)
