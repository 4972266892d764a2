"""Entries as bytes: one writing for each, ids that cover type and body, nothing else comes out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.ledger.world import NO_PROOF, World

from lodeline.kernel import cbor
from lodeline.kernel.cbor_errors import CborError, CborTooLarge, WrongShape
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId, PointBytes, ScalarBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.apply import decide
from lodeline.ledger.entries import (
    MAX_ENTRY_BYTES,
    Accept,
    AcceptBody,
    Entry,
    SetStatus,
    Status,
    Withdraw,
    WithdrawBody,
    decode_entry,
    encode_entry,
    entry_id,
)
from lodeline.ledger.log import MAX_LEAF_BYTES, Leaf, read_leaf
from lodeline.ledger.tiles import check_entry_size
from lodeline.proofs.proof import ZeroProof


@pytest.fixture(scope="module")
def world() -> World:
    return World("grant-licence", "mine-copper-cobalt", "split", "sale")


@pytest.fixture(scope="module")
def entries(world: World) -> list[Entry]:
    ore, _ = world.mined()
    offer = world.offer(world.sale(ore), world.now + 10)
    world.apply(offer)
    return [
        world.genesis(),
        world.govern(SetStatus(MemberId("audit-b"), Status.SUSPENDED)),
        world.make("split", [ore], [world.ore(), world.ore()]),
        offer,
        world.accept(offer),
        world.decline(offer),
        world.withdraw(offer),
        world.recall("audit-a", ore),
    ]


def test_an_entry_reads_back_as_it_was_written(entries: list[Entry]) -> None:
    assert len(entries) == 8
    for entry in entries:
        data = encode_entry(entry)
        assert decode_entry(data) == entry
        leaf = Leaf(entry, BlockTime(7))
        assert read_leaf(leaf.encode()) == leaf


def test_ids_differ_by_type_and_body_and_by_nothing_else(entries: list[Entry]) -> None:
    assert len({entry_id(entry) for entry in entries}) == len(entries)
    transform = entries[2]
    zero = ZeroProof(PointBytes(bytes(48)), ScalarBytes(bytes(32)))
    other_proof = structs.replace(NO_PROOF, zero=zero)
    assert entry_id(structs.replace(transform, proof=other_proof)) == entry_id(transform)
    assert entry_id(structs.replace(transform, signatures=())) == entry_id(transform)
    same = Hash32(bytes(32))
    chain = ChainId("c")
    accept, withdraw = AcceptBody(chain, same), WithdrawBody(chain, same)
    assert entry_id(Accept(accept, ())) != entry_id(Withdraw(withdraw, ()))


def test_an_entry_fits_into_a_tile(entries: list[Entry]) -> None:
    padding = b"x" * (MAX_ENTRY_BYTES - 6000)
    notes = tuple(padding[start : start + 16_000] for start in range(0, len(padding), 16_000))
    largest = structs.replace(entries[2], notes=notes)
    data = Leaf(largest, BlockTime(253_402_300_799)).encode()
    assert len(encode_entry(largest)) <= MAX_ENTRY_BYTES
    assert len(data) <= MAX_LEAF_BYTES
    check_entry_size(data)
    too_large = structs.replace(largest, notes=(*notes, padding[:8000]))
    with pytest.raises(CborTooLarge) as caught:
        encode_entry(too_large)
    assert caught.value.limit == MAX_ENTRY_BYTES
    with pytest.raises(CborTooLarge):
        decode_entry(cbor.encode_struct(too_large))


def test_a_field_too_many_or_too_few(entries: list[Entry]) -> None:
    for entry in entries:
        plain = msgspec.to_builtins(entry, builtin_types=(bytes,))
        fewer = dict(list(plain.items())[1:])
        for changed in ({**plain, "extra": 1}, {**plain, "type": "gift"}, fewer):
            with pytest.raises(WrongShape):
                decode_entry(cbor.encode(changed))


@pytest.mark.fuzz
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(CborError):
        decode_entry(data)
    with pytest.raises(CborError):
        read_leaf(data)


@pytest.mark.fuzz
@given(data=st.data())
def test_a_damaged_entry_is_refused_or_is_another_entry(
    entries: list[Entry], data: st.DataObject
) -> None:
    """A flipped bit gives a named refusal, or an entry that is written in exactly those bytes."""
    original = encode_entry(data.draw(st.sampled_from(entries)))
    at = data.draw(st.integers(0, len(original) * 8 - 1))
    damaged = bytearray(original)
    damaged[at // 8] ^= 1 << at % 8
    try:
        read = decode_entry(bytes(damaged))
    except LodelineError:
        return
    assert encode_entry(read) == bytes(damaged)


@pytest.mark.fuzz
@given(data=st.data())
def test_a_damaged_entry_never_breaks_the_state(
    world: World, entries: list[Entry], data: st.DataObject
) -> None:
    """Several bits flipped, the proof believed: a named refusal or a change, nothing else."""
    damaged = bytearray(encode_entry(data.draw(st.sampled_from(entries))))
    places = st.lists(st.integers(0, len(damaged) * 8 - 1), min_size=1, max_size=3)
    for at in data.draw(places):
        damaged[at // 8] ^= 1 << at % 8
    try:
        entry = decode_entry(bytes(damaged))
        change = decide(world.state, entry, world.now, world.verdicts(entry))
    except LodelineError:
        return
    assert change.accepted
