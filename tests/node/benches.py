"""A workspace in a temporary folder with a consortium that was really founded there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lodeline.crypto.entropy import SystemEntropy
from lodeline.holder.keystore import Passphrase
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, MemberId
from lodeline.kernel.time import BlockTime, parse_time
from lodeline.ledger.apply import apply
from lodeline.ledger.entries import decode_entry
from lodeline.ledger.log import Leaf, read_leaf
from lodeline.ledger.state import State
from lodeline.ledger.tasks import tasks_for
from lodeline.node.clock import ManualClock
from lodeline.node.founding import Founding, MemberSpec, found
from lodeline.node.keyring import Keyring
from lodeline.node.session import Accepted, Session
from lodeline.node.workspace import Workspace, make_folder
from lodeline.proofs.batch import verify_batch

START = parse_time("2026-10-12T08:00:00Z")
PASSPHRASE = "a passphrase for tests"
FOUNDERS = (
    "pit:Kolwezi Pit SA:CD:miner",
    "state:Cadastre of Mines:CD:authority",
    "scales:Kolwezi Scales:CD:weighbridge,laboratory",
    "verifier:Carbon Verifiers:BE:energy-auditor,carrier",
    "seal:Assurance House:NL:auditor,certifier",
    "trader:Lake Trading:CH:counterparty",
)


@dataclass(frozen=True)
class Receipt:
    index: int
    time: BlockTime


class MemoryLedger:
    """An engine without a disk: every rule is the real one."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._state = State()
        self._leaves: list[bytes] = []

    def submit(self, entries: Sequence[bytes]) -> list[Accepted | LodelineError]:
        return [self._one(data) for data in entries]

    def _one(self, data: bytes) -> Accepted | LodelineError:
        try:
            entry = decode_entry(data)
            verdicts = {item.key: item for item in verify_batch(tasks_for(self._state, [entry]))}
            apply(self._state, entry, self._clock.now(), verdicts)
        except LodelineError as refusal:
            return refusal
        self._leaves.append(Leaf(entry, self._clock.now()).encode())
        return Receipt(len(self._leaves) - 1, self._clock.now())

    def state(self) -> State:
        return self._state

    @property
    def size(self) -> int:
        return len(self._leaves)

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        yield from self._leaves[start:end]

    def last(self) -> Leaf:
        return read_leaf(self._leaves[-1])


def open_session(folder: Path, ledger: MemoryLedger, clock: ManualClock) -> Session:
    entropy = SystemEntropy()
    workspace = Workspace(folder)
    keyring = Keyring(workspace, lambda member: Passphrase.typed(PASSPHRASE), entropy)
    return Session(workspace, ledger, keyring, clock, entropy)


def founded(folder: Path, *founders: str, at: BlockTime = START) -> Session:
    clock = ManualClock(at)
    make_folder(folder)
    session = open_session(folder, MemoryLedger(clock), clock)
    specs = tuple(MemberSpec.parse(text) for text in founders or FOUNDERS)
    found(session, Founding(ChainId("test-consortium"), "Test", specs, synthetic=True))
    return session


def member(name: str) -> MemberId:
    return MemberId(name)
