"""Ledgers for the tests of the engine: a consortium's entries, a clock, verdicts without proofs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tests.ledger.world import CHAIN, DUMMY_SIGNATURE, START, Party, World

from lodeline.crypto.signatures import SignatureContext
from lodeline.engine.embedded import USUAL, EmbeddedLedger, Tuning
from lodeline.engine.interface import Answer, CheckpointSigners, Receipt
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import CheckpointPolicy, Origin
from lodeline.ledger.entries import (
    Anchor,
    AnchorBody,
    Entry,
    SetStatus,
    Status,
    encode_entry,
    entry_id,
)
from lodeline.ledger.signednote import KeyName, VerifierKey
from lodeline.proofs import batch
from lodeline.proofs.batch import Verdict
from lodeline.proofs.task import ProofTask

R = TypeVar("R", bound=LodelineError)

ORIGIN = Origin(CHAIN)
MINE_ORE = "mine-copper-cobalt"


class SetClock:
    """A clock that the test sets."""

    def __init__(self, moment: BlockTime = START) -> None:
        self.moment = moment

    def now(self) -> BlockTime:
        return self.moment


def believe(tasks: Sequence[ProofTask]) -> tuple[Verdict, ...]:
    """Give the verdicts that good proofs would get: lots of the tests are paper."""
    return tuple(Verdict(task.key, None, seal=batch._SEAL) for task in tasks)


def opened(
    path: Path,
    clock: SetClock | None = None,
    *,
    writable: bool = True,
    signers: CheckpointSigners | None = None,
    tuning: Tuning = USUAL,
) -> EmbeddedLedger:
    return EmbeddedLedger(
        path,
        clock or SetClock(),
        writable=writable,
        verify=believe,
        signers=signers,
        tuning=tuning,
    )


def founded(path: Path, world: World, tuning: Tuning = USUAL) -> EmbeddedLedger:
    """Open a new ledger and submit everything that the world has accepted so far."""
    clock = SetClock()
    ledger = opened(path, clock, tuning=tuning)
    for data, clock.moment in world.log:
        accepted(ledger.submit([data]))
    return ledger


def busy() -> World:
    """Return a consortium with lots of every standing: used up, sold, on offer, recalled."""
    world = World("grant-licence", "mine-copper-cobalt", "sale", "split")
    sold, licence = world.mined()
    offered, licence = world.does(MINE_ORE, [licence], [world.ore(), world.licence()])
    recalled, licence = world.does(MINE_ORE, [licence], [world.ore(), world.licence()])
    offer = world.offer(world.sale(sold), world.now + 1_000)
    world.apply(offer)
    world.apply(world.accept(offer), BlockTime(world.now + 10))
    refused = world.offer(world.sale(offered), world.now + 1_000)
    world.apply(refused)
    world.apply(world.decline(refused))
    world.apply(world.offer(world.sale(offered), world.now + 2_000))
    world.apply(world.recall("audit-a", recalled), BlockTime(world.now + 10))
    world.apply(world.govern(SetStatus(MemberId("works"), Status.SUSPENDED)))
    for number in range(1_000, 1_010):
        world.apply(anchor(world.parties["refiner"], number))
    return world


def accepted(answers: Sequence[Answer]) -> list[Receipt]:
    """Return the receipts, or fail with the first refusal."""
    for answer in answers:
        if isinstance(answer, LodelineError):
            raise answer
    return [answer for answer in answers if isinstance(answer, Receipt)]


def refusal(answer: Answer, error: type[R]) -> R:
    assert type(answer) is error
    return answer


def submit(ledger: EmbeddedLedger, *entries: Entry) -> list[Answer]:
    return ledger.submit([encode_entry(entry) for entry in entries])


def anchor(party: Party, number: int) -> Anchor:
    """Return a signed anchor of some digest."""
    digest = Hash32(hashlib.sha256(number.to_bytes(8, "big")).digest())
    body = AnchorBody(CHAIN, party.id, digest, "events")
    identity = entry_id(Anchor(body, DUMMY_SIGNATURE))
    return Anchor(body, party.sign(SignatureContext.ENTRY, identity).signature)


def anchors(world: World, numbers: range) -> list[bytes]:
    return [encode_entry(anchor(world.parties["miner"], number)) for number in numbers]


def signers_of(world: World, *names: str) -> CheckpointSigners:
    keys = [(world.parties[name], verifier(world.parties[name])) for name in names]
    return CheckpointSigners(ORIGIN, tuple((key, party.key.sign_frame) for party, key in keys))


def verifier(party: Party) -> VerifierKey:
    return VerifierKey(KeyName(f"{CHAIN}/{party.id}"), party.key.public)


def policy_of(world: World, threshold: int, *names: str) -> CheckpointPolicy:
    return CheckpointPolicy(
        ORIGIN, tuple(verifier(world.parties[name]) for name in names), threshold
    )
