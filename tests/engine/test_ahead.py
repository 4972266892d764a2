"""Signatures verified ahead: quicker, and never another answer."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.ledgers import accepted, anchor, anchors, founded, opened, refusal, submit
from tests.ledger.world import CHAIN, Party, World

from lodeline.crypto import signatures
from lodeline.crypto.signatures import (
    SignatureContext,
    SignatureInvalid,
    SignedMessage,
    sign,
    trust_as_verified,
    verify,
)
from lodeline.engine.ahead import STRETCH, Ahead, foreseen
from lodeline.engine.embedded import EmbeddedLedger, Tuning
from lodeline.kernel.ids import SignatureBytes
from lodeline.ledger.entries import RotateKey, RotateKeyBody, entry_id
from lodeline.ledger.refusals_entries import MemberSignatureInvalid


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    yield executor
    executor.shutdown()


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    signatures._trusted.clear()


@pytest.fixture
def ledger(tmp_path: Path, world: World, pool: Executor) -> Iterator[EmbeddedLedger]:
    founded(tmp_path / "ledger.db", world).close()
    found = opened(tmp_path / "ledger.db", tuning=Tuning(pool=pool))
    yield found
    found.close()


def damaged(data: bytes) -> bytes:
    """Return an entry whose signature has a flipped bit; in an anchor it stands last but one."""
    at = data.index(b"signature") + len(b"signature") + 5
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_good_signatures_are_found_out_in_the_pool(ledger: EmbeddedLedger, world: World) -> None:
    accepted(ledger.submit(anchors(world, range(2 * STRETCH + 3))))
    assert len(signatures._trusted) == 2 * STRETCH + 3


def test_a_bad_signature_among_good_ones_is_refused_in_every_place(
    ledger: EmbeddedLedger, world: World
) -> None:
    offered = anchors(world, range(STRETCH + 10))
    bad = (0, STRETCH - 1, STRETCH, STRETCH + 9)
    for at in bad:
        offered[at] = damaged(offered[at])
    answers = ledger.submit(offered)
    for at, answer in enumerate(answers):
        if at in bad:
            refusal(answer, MemberSignatureInvalid)
        else:
            accepted([answer])
    again = ledger.submit([offered[at] for at in bad])
    assert [type(answer) for answer in again] == [MemberSignatureInvalid] * len(bad)


def test_a_good_signature_does_not_vouch_for_another_message(
    ledger: EmbeddedLedger, world: World
) -> None:
    first, second = anchor(world.parties["miner"], 1), anchor(world.parties["miner"], 2)
    borrowed = structs.replace(second, signature=first.signature)
    answers = submit(ledger, first, borrowed)
    accepted(answers[:1])
    refusal(answers[1], MemberSignatureInvalid)


def rotation(party: Party, fresh: Party) -> RotateKey:
    member = fresh.member
    body = RotateKeyBody(CHAIN, party.id, 0, member.key, member.spend, member.view)
    identity = entry_id(RotateKey(body, DUMMY, DUMMY))
    old, new = (each.sign(SignatureContext.ENTRY, identity).signature for each in (party, fresh))
    return RotateKey(body, old, new)


DUMMY = SignatureBytes(bytes(64))


def test_a_key_replaced_in_the_same_block_signs_no_more(
    ledger: EmbeddedLedger, world: World
) -> None:
    """The old key's signature was foreseen, and fits; but it is no longer the member's."""
    party = world.parties["refiner"]
    fresh = Party(party.id, [str(role) for role in party.member.roles], votes=True)
    before, after, renewed = anchor(party, 1), anchor(party, 2), anchor(fresh, 3)
    answers = submit(ledger, before, rotation(party, fresh), after, renewed)
    accepted([answers[0], answers[1], answers[3]])
    refusal(answers[2], MemberSignatureInvalid)


def test_a_key_replaced_in_the_block_before_signs_no_more(
    tmp_path: Path, world: World, pool: Executor
) -> None:
    """The second block was read, and its signatures sent, before the first one was decided."""
    founded(tmp_path / "ledger.db", world).close()
    ledger = opened(tmp_path / "ledger.db", tuning=Tuning(block_entries=2, pool=pool))
    party = world.parties["refiner"]
    fresh = Party(party.id, [str(role) for role in party.member.roles], votes=True)
    before, after, renewed = anchor(party, 1), anchor(party, 2), anchor(fresh, 3)
    answers = submit(ledger, before, rotation(party, fresh), after, renewed, anchor(fresh, 4))
    accepted([*answers[:2], *answers[3:]])
    refusal(answers[2], MemberSignatureInvalid)
    ledger.close()


def test_a_stranger_is_not_foreseen(world: World) -> None:
    stranger = Party("stranger", [], votes=False)
    for entry in (anchor(stranger, 1), world.genesis()):
        assert foreseen(world.state, entry, entry_id(entry)) is None


def test_nothing_to_verify_is_not_sent(world: World, pool: Executor) -> None:
    assert Ahead.send(pool, world.state, []) is None
    genesis = world.genesis()
    assert Ahead.send(pool, world.state, [(genesis, entry_id(genesis))]) is None


def test_with_and_without_a_pool_the_answers_are_the_same(
    tmp_path: Path, world: World, pool: Executor
) -> None:
    offered = anchors(world, range(20))
    offered[3] = damaged(offered[3])
    offered[7] = offered[6]
    offered[9] = b"\xff"
    kinds, roots = [], set[bytes]()
    for name, executor in (("alone", None), ("pool", pool)):
        path = tmp_path / name
        founded(path, world).close()
        ledger = opened(path, tuning=Tuning(pool=executor))
        kinds.append([type(answer) for answer in ledger.submit(offered)])
        roots.add(ledger.state().root)
        ledger.close()
    assert kinds[0] == kinds[1]
    assert len(roots) == 1


# ------------------------------------------------------------------ what is trusted


def signed(number: int) -> SignedMessage:
    party = Party("somebody", [], votes=False)
    message, context = number.to_bytes(32, "big"), SignatureContext.ENTRY
    return SignedMessage(party.key.public, context, message, sign(party.key, context, message))


@pytest.mark.parametrize("part", ["public", "context", "message", "signature"])
def test_trust_is_in_all_four_parts_together(part: str) -> None:
    one, other = signed(1), signed(2)
    trust_as_verified([one])
    verify(one.public, one.context, one.message, one.signature)
    parts = {name: getattr(one, name) for name in ("public", "context", "message", "signature")}
    parts[part] = SignatureContext.VOTE if part == "context" else getattr(other, part)
    with pytest.raises(SignatureInvalid):
        verify(**parts)


def test_what_does_not_fit_is_found_not_to_fit() -> None:
    one = signed(1)
    assert one.fits
    assert not SignedMessage(one.public, SignatureContext.VOTE, one.message, one.signature).fits
    assert not SignedMessage(one.public, one.context, one.message, DUMMY).fits
    assert not SignedMessage(one.public, one.context, one.message, SignatureBytes(b"")).fits


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "_SIGNATURES_REMEMBERED", 2)
    known = [signed(number) for number in range(3)]
    trust_as_verified(known)
    assert list(signatures._trusted) == known[1:]
    for item in known:
        verify(item.public, item.context, item.message, item.signature)
