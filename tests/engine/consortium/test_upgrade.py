"""Under CometBFT: three of four validators are upgraded in time, the fourth afterwards."""

import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.engine.consortium.test_state_sync import CHAIN, NAMES, hand_in
from tests.node.engines import consensus_engine

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Govern,
    GovernBody,
    MemberSignature,
    ProtocolVersion,
    RequireProtocol,
    encode_entry,
    entry_id,
)
from lodeline.ledger.submissions import SubmissionBody, encode_submission, sign_submission
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork, LocalValidator

pytestmark = pytest.mark.slow

AHEAD = 12
"""Seconds from the vote to the new version."""
UPGRADED = (
    "import sys\n"
    "from lodeline.ledger import protocols\n"
    "protocols.KNOWN_PROTOCOLS = frozenset({1, 2})\n"
    "from lodeline.engine.consortium.process import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)
"""A release that knows version 2, whose rules are those of 1."""


def upgrade(validator: LocalValidator) -> None:
    validator.command = (sys.executable, "-c", UPGRADED, str(validator.home.folder))


def vote(network: LocalNetwork, founders: list[Founder], at: BlockTime) -> bytes:
    """Return a submission of the vote, signed by all."""
    act = RequireProtocol(ProtocolVersion(2), at, "2.x")
    body = GovernBody(CHAIN, network.founded.state.acts, (act,))
    identity = entry_id(Govern(body, ()))
    signatures = tuple(
        MemberSignature(it.spec.member, sign(it.keys.signing, SignatureContext.VOTE, identity))
        for it in founders
    )
    entry = encode_entry(Govern(body, signatures))
    first = founders[0]
    envelope = SubmissionBody(CHAIN, first.spec.member, (entry,), None)
    return encode_submission(sign_submission(envelope, first.keys.signing))


def test_whoever_is_late_stops_alone_and_catches_up(tmp_path: Path) -> None:
    founders = [
        Founder(
            MemberSpec.parse(f"{name}:The {name}:CD:auditor"),
            HolderKeys.generate((), SystemEntropy()),
        )
        for name in NAMES
    ]
    chain = LocalChain(CHAIN, BlockTime(int(time.time()) - 5), idle_seconds=1)
    with LocalNetwork.found(
        tmp_path, consensus_engine(), chain, founders, SystemEntropy()
    ) as network:
        *ready, late = network.validators.values()
        for validator in ready:
            upgrade(validator)
        network.start()
        network.wait_for_height(1)
        at = BlockTime(int(time.time()) + AHEAD)
        told = httpx.post(
            f"{ready[0].api}/v1/submissions",
            content=vote(network, founders, at),
            headers={"content-type": "application/cbor"},
            timeout=60,
        ).json()
        assert [answer["type"] for answer in told] == ["receipt"]

        network.wait_for("the late one has stopped", lambda: late.process_ids == ())
        log = (late.home.folder / "logs" / "application.log").read_text()
        assert all("2.x" in line for line in log.rstrip().splitlines()[-2:])
        assert "this program knows 1" in log
        hand_in(ready[0], founders[0], range(5))  # agreed without it
        reached = ready[0].height() or 0

        late.start()  # as it is, it stops again
        network.wait_for("it has stopped again", lambda: late.process_ids == ())
        upgrade(late)
        late.start()
        network.wait_for_height(reached + 1)
        network.agreed()
        roots = {
            httpx.get(f"{it.api}/v1/status").json()["state_root"]
            for it in network.validators.values()
        }
        assert len(roots) == 1
