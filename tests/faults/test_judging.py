"""The judge sees a lost receipt, a log that differs, a state that differs."""

import pytest

from lodeline.engine.store import Block, Height
from lodeline.faults.judging import Log, LogsFork, ReceiptLost, check_receipts, check_same
from lodeline.faults.load import Acknowledged
from lodeline.kernel.ids import EntryHash, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import LeafIndex, TreeSize

ONE, OTHER = MemberId("one"), MemberId("other")


def leaf(number: int) -> EntryHash:
    return EntryHash(bytes([number]) * 32)


def block(size: int, state: int = 0, time: int = 100) -> Block:
    root, after = Hash32(bytes([size]) * 32), Hash32(bytes([state]) * 32)
    return Block(Height(size), LeafIndex(0), TreeSize(size), BlockTime(time), root, after)


def log(member: MemberId, *leaves: int, blocks: tuple[Block, ...] = ()) -> Log:
    return Log(member, [leaf(number) for number in leaves], blocks)


def receipt(index: int, number: int) -> Acknowledged:
    return Acknowledged(LeafIndex(index), EntryId(bytes(32)), leaf(number), 0.0)


def test_receipts_that_are_kept_are_kept() -> None:
    check_receipts(log(ONE, 1, 2, 3), [receipt(0, 1), receipt(2, 3)])


def test_a_receipt_beyond_the_log_is_lost() -> None:
    with pytest.raises(ReceiptLost) as found:
        check_receipts(log(ONE, 1, 2), [receipt(1, 2), receipt(2, 3), receipt(3, 4)])
    assert (found.value.member, found.value.index, found.value.lost) == (ONE, 2, 2)


def test_a_receipt_of_another_entry_is_lost() -> None:
    with pytest.raises(ReceiptLost) as found:
        check_receipts(log(ONE, 1, 9), [receipt(0, 1), receipt(1, 2)])
    assert (found.value.index, found.value.lost) == (1, 1)


def test_a_shorter_log_that_begins_a_longer_one_is_no_fork() -> None:
    check_same(log(ONE, 1, 2, 3, blocks=(block(2), block(3))), log(OTHER, 1, 2, blocks=(block(2),)))
    check_same(log(ONE, blocks=()), log(OTHER, 1))


def test_another_entry_at_one_place_is_a_fork() -> None:
    with pytest.raises(LogsFork) as found:
        check_same(log(ONE, 1, 2, 3), log(OTHER, 1, 9, 3))
    assert (found.value.size, found.value.what) == (1, "entries")
    assert (found.value.one, found.value.other) == (ONE, OTHER)


@pytest.mark.parametrize("differs", [block(2, state=7), block(2, time=101)])
def test_the_same_entries_with_another_state_or_time_are_a_fork(differs: Block) -> None:
    with pytest.raises(LogsFork) as found:
        check_same(log(ONE, 1, 2, blocks=(block(2),)), log(OTHER, 1, 2, blocks=(differs,)))
    assert (found.value.size, found.value.what) == (2, "roots")
