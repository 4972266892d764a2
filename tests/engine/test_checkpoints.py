"""Signed checkpoints and receipts: what the log was like is signed once and cannot be resigned."""

from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.ledgers import (
    ORIGIN,
    accepted,
    anchors,
    founded,
    opened,
    policy_of,
    signers_of,
    verifier,
)
from tests.ledger.world import World

from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.refusals import (
    CheckpointMissing,
    CheckpointNotOfThisLog,
    LedgerReadOnly,
    LogEmpty,
)
from lodeline.kernel.ids import Hash32
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    Origin,
    TooFewSignatures,
    assemble,
    sign_checkpoint,
    verify_checkpoint,
    verify_growth,
    verify_logged,
)
from lodeline.ledger.merkle import IndexBeyondTree, LeafIndex, TreeSize
from lodeline.ledger.signednote import NoteError, NoteSignatureInvalid


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def signed(world: World, checkpoint: Checkpoint, *names: str) -> bytes:
    signers = signers_of(world, *names)
    return assemble(checkpoint, [sign_checkpoint(checkpoint, *pair) for pair in signers.keys])


def head(ledger: EmbeddedLedger) -> Checkpoint:
    return ledger.checkpoint(ORIGIN)


def test_an_empty_log_has_nothing_to_sign(path: Path) -> None:
    ledger = opened(path)
    with pytest.raises(LogEmpty):
        head(ledger)
    with pytest.raises(CheckpointMissing) as caught:
        ledger.signed_checkpoint()
    assert caught.value.size == 0
    ledger.close()


def test_every_block_is_written_with_its_signed_checkpoint(path: Path, world: World) -> None:
    founded(path, world).close()
    ledger = opened(path, signers=signers_of(world, "miner", "refiner"))
    policy, notes = policy_of(world, 2, "miner", "refiner"), []
    for number in range(3):
        accepted(ledger.submit(anchors(world, range(2 * number, 2 * number + 2))))
        notes.append(verify_checkpoint(ledger.signed_checkpoint(), policy))
        assert notes[-1] == head(ledger)
    for old, new in pairwise(notes):
        verify_growth(old, new, ledger.prove_consistency(old.size, new.size))
    ledger.close()


def test_a_stranger_checks_every_receipt(path: Path, world: World) -> None:
    founded(path, world).close()
    ledger = opened(path, signers=signers_of(world, "miner"))
    receipts = accepted(ledger.submit(anchors(world, range(7))))
    policy = policy_of(world, 1, "miner")
    assert len(receipts) == 7
    for receipt in receipts:
        proven = ledger.receipt(receipt.index)
        checkpoint = verify_checkpoint(proven.checkpoint, policy)
        assert verify_logged(checkpoint, proven.leaf, proven.inclusion) == receipt.leaf
    ledger.close()


def test_a_receipt_waits_for_a_checkpoint(path: Path, world: World) -> None:
    ledger = founded(path, world)
    with pytest.raises(CheckpointMissing) as caught:
        ledger.receipt(LeafIndex(0))
    assert caught.value.size == len(world.log)
    ledger.keep_checkpoint(signed(world, head(ledger), "miner"))
    (receipt,) = accepted(ledger.submit(anchors(world, range(1))))
    with pytest.raises(IndexBeyondTree):
        ledger.receipt(receipt.index)
    ledger.keep_checkpoint(signed(world, head(ledger), "miner"))
    assert ledger.receipt(receipt.index).leaf == ledger.leaf(receipt.index)
    ledger.close()


def test_signatures_of_members_are_gathered_one_by_one(path: Path, world: World) -> None:
    ledger = founded(path, world)
    checkpoint, policy = head(ledger), policy_of(world, 2, "miner", "refiner")
    once = ledger.keep_checkpoint(signed(world, checkpoint, "miner"))
    with pytest.raises(TooFewSignatures):
        verify_checkpoint(once, policy)
    both = ledger.keep_checkpoint(signed(world, checkpoint, "refiner"))
    assert verify_checkpoint(both, policy) == checkpoint
    assert ledger.keep_checkpoint(signed(world, checkpoint, "miner")) == both
    assert ledger.signed_checkpoint() == both
    ledger.close()
    reader = opened(path, writable=False)
    assert reader.signed_checkpoint() == both
    with pytest.raises(LedgerReadOnly):
        reader.keep_checkpoint(both)
    reader.close()


def test_an_earlier_checkpoint_may_be_signed_later(path: Path, world: World) -> None:
    ledger = founded(path, world)
    early = head(ledger)
    accepted(ledger.submit(anchors(world, range(2))))
    late = ledger.keep_checkpoint(signed(world, head(ledger), "miner"))
    ledger.keep_checkpoint(signed(world, early, "miner"))
    assert ledger.signed_checkpoint() == late
    ledger.close()


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("log root", {"root": Hash32(bytes(32))}),
        ("state root", {"state": Hash32(bytes(32))}),
        ("time", {"time": BlockTime(1)}),
        ("size", {"size": TreeSize(1_000)}),
    ],
)
def test_members_who_signed_another_log_are_found_out(
    path: Path, world: World, what: str, changes: dict[str, object]
) -> None:
    ledger = founded(path, world)
    forked = structs.replace(head(ledger), **changes)
    with pytest.raises(CheckpointNotOfThisLog) as caught:
        ledger.keep_checkpoint(signed(world, forked, "miner"))
    assert caught.value.what == what
    with pytest.raises(CheckpointMissing):
        ledger.signed_checkpoint()
    accepted(ledger.submit(anchors(world, range(1))))
    ledger.close()


def test_one_log_under_two_names_is_refused(path: Path, world: World) -> None:
    ledger = founded(path, world)
    kept = ledger.keep_checkpoint(signed(world, head(ledger), "miner"))
    renamed = ledger.checkpoint(Origin("other.example/log"))
    with pytest.raises(CheckpointNotOfThisLog) as caught:
        ledger.keep_checkpoint(signed(world, renamed, "refiner"))
    assert (caught.value.what, caught.value.got) == ("name", "other.example/log")
    assert ledger.signed_checkpoint() == kept
    ledger.close()


def test_bytes_that_are_no_note_are_refused_and_the_ledger_goes_on(
    path: Path, world: World
) -> None:
    ledger = founded(path, world)
    for note in (b"", b"\xff", b"one line\n", b"text\n\n\xe2\x80\x94 name AAAA\n"):
        with pytest.raises(NoteError):
            ledger.keep_checkpoint(note)
    accepted(ledger.submit(anchors(world, range(1))))
    ledger.close()


def test_a_signer_without_the_private_key_leaves_no_block(path: Path, world: World) -> None:
    founded(path, world).close()
    miner, refiner = world.parties["miner"], world.parties["refiner"]
    honest = signers_of(world, "miner")
    signers = type(honest)(ORIGIN, ((verifier(miner), refiner.key.sign_frame),))
    ledger = opened(path, signers=signers)
    before = ledger.size
    with pytest.raises(NoteSignatureInvalid):
        ledger.submit(anchors(world, range(1)))
    assert ledger.size == before
    ledger.close()
    again = opened(path, signers=honest)
    assert again.size == before
    accepted(again.submit(anchors(world, range(1))))
    again.close()
