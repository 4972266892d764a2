"""A member's node on four validators under the real consensus engine."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from tests.node.benches import at_work, same_for_all
from tests.node.engines import consensus_engine

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.engine.consortium.founding import ClockKind
from lodeline.engine.interface import Receipt
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import ChainId, Hash32, MemberId, SignatureBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import verify_checkpoint, verify_logged
from lodeline.ledger.entries import Anchor, AnchorBody, encode_entry, entry_id
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.refusals_entries import UnknownMember
from lodeline.node.clock import ManualClock
from lodeline.node.founding import MemberSpec
from lodeline.node.keyring import Keyring
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork
from lodeline.node.membership import connect
from lodeline.node.workspace import Workspace

pytestmark = pytest.mark.slow

NAMES = ("mine", "refinery", "smelter", "auditor")
MINE = MemberId("mine")
STORY = BlockTime(1_790_000_000)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    """A folder with the keys of one member."""
    workspace = Workspace(tmp_path / "home")
    Keyring(workspace, same_for_all, SystemEntropy()).create(MINE)
    return workspace


@pytest.fixture(params=list(ClockKind))
def four(request: pytest.FixtureRequest, tmp_path: Path, home: Workspace) -> Iterator[LocalNetwork]:
    """A network that runs, on either clock."""
    own = Keyring(home, same_for_all, SystemEntropy()).keys(MINE)
    founders = [
        Founder(
            MemberSpec.parse(f"{name}:The {name} company:CD:auditor"),
            own if name == MINE else HolderKeys.generate((), SystemEntropy()),
        )
        for name in NAMES
    ]
    began = STORY if request.param is ClockKind.STORY else BlockTime(int(time.time()) - 5)
    chain = LocalChain(ChainId("trial"), began, clock=request.param)
    made = LocalNetwork.found(
        tmp_path / "network", consensus_engine(), chain, founders, SystemEntropy()
    )
    with made:
        made.start()
        made.wait_for_height(1)
        yield made


def anchor(home: Workspace, number: int, member: str = "mine") -> bytes:
    key = Keyring(home, same_for_all, SystemEntropy()).keys(MINE).signing
    digest = Hash32(number.to_bytes(32, "big"))
    body = AnchorBody(ChainId("trial"), MemberId(member), digest, "events")
    bare = Anchor(body, SignatureBytes(bytes(64)))
    signature = sign(key, SignatureContext.ENTRY, entry_id(bare))
    return encode_entry(structs.replace(bare, signature=signature))


def test_a_member_works_on_the_validators_ledger(four: LocalNetwork, home: Workspace) -> None:
    """Join, hand in, be refused, lose a validator, go on; each receipt holds for a stranger."""
    joined = connect(home, four.urls, four.trust)
    clock = ManualClock(BlockTime(max(joined.checkpoint.time, STORY) + 1_000))
    policy = four.trust.policy()
    with at_work(home.folder, clock) as session:
        ledger = session.ledger
        assert isinstance(ledger, ConsortiumLedger)
        told = ledger.submit([anchor(home, 1), anchor(home, 2, "nobody"), anchor(home, 3)])
        assert [type(answer) for answer in told] == [Receipt, UnknownMember, Receipt]
        first = next(iter(four.validators.values()))
        first.kill()
        clock.move_to(BlockTime(clock.now() + 1_000))
        (last,) = ledger.submit([anchor(home, 4)])
        assert isinstance(last, Receipt)
        assert ledger.submit([anchor(home, 1)]) == told[:1]
        for index in range(ledger.size):
            proven = ledger.receipt(LeafIndex(index))
            verify_logged(
                verify_checkpoint(proven.checkpoint, policy), proven.leaf, proven.inclusion
            )
        if joined.clock is ClockKind.STORY:
            assert last.time == clock.now()
        assert not ledger.validators.aside
