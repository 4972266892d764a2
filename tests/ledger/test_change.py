"""A change says of itself what it touches, and nothing in it is passed over."""

import pytest
from msgspec import structs

from lodeline.kernel.ids import Hash32, LotId, Tag
from lodeline.kernel.time import BlockTime
from lodeline.ledger import snapshot
from lodeline.ledger.change import Change, map_updates
from lodeline.ledger.entries import EntryId
from lodeline.ledger.records import EntryRecord
from lodeline.ledger.snapshot import Gathered
from lodeline.ledger.state import State

WHOLE = {"accepted", "constants", "acts", "adopted"}
"""What is looked at in every change, whatever it touches."""

MAPPINGS = [found.name for found in structs.fields(Change) if found.name not in WHOLE]

THIS, OTHER = Hash32(b"a" * 32), Hash32(b"b" * 32)


def test_there_are_mappings_of_both_kinds() -> None:
    assert set(snapshot._REGISTRY) < set(MAPPINGS)


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_mapping_is_of_the_registry_or_touches_material(name: str) -> None:
    change = structs.replace(Change(), **{name: {THIS: OTHER}})
    assert change.touches_material is (name not in snapshot._REGISTRY)


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_mapping_is_gathered_into_a_part(name: str) -> None:
    gathered = Gathered(0)
    gathered.add(structs.replace(Change(), **{name: {THIS: OTHER}}))
    assert getattr(gathered, name) == {THIS: OTHER}


def test_what_touches_nothing_changes_nothing() -> None:
    assert not Change().touches_material
    assert map_updates(Change(), 0) == {}


def test_the_change_of_an_entry_is_the_same_with_the_entry_accepted() -> None:
    change = Change(tags={Tag(THIS): OTHER}, spent={LotId(THIS): OTHER})
    record = EntryRecord(0, BlockTime(7), "transform")
    whole = change.of_entry(EntryId(THIS), record)
    assert whole == structs.replace(change, accepted={EntryId(THIS): record})
    assert change.accepted == {}
    state = State()
    state.commit(whole)
    assert (state.size, state.time, state.tags.get(Tag(THIS))) == (1, 7, OTHER)
