"""A validator that lost its ledger starts from the others' snapshot under the real engine."""

import shutil
import time
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from msgspec import structs
from tests.node.engines import consensus_engine

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.consortium.settings import read_settings
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import ChainId, Hash32, SignatureBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import Anchor, AnchorBody, encode_entry, entry_id
from lodeline.ledger.submissions import SubmissionBody, encode_submission, sign_submission
from lodeline.node.founding import MemberSpec
from lodeline.node.joining import agreed_snapshot, state_sync_from
from lodeline.node.local_network import Founder, LocalChain, LocalNetwork, LocalValidator

pytestmark = pytest.mark.slow

CHAIN = ChainId("synced")
NAMES = ("mine", "refinery", "smelter", "auditor")


@pytest.fixture(scope="module")
def founders() -> list[Founder]:
    return [
        Founder(
            MemberSpec.parse(f"{name}:The {name}:CD:auditor"),
            HolderKeys.generate((), SystemEntropy()),
        )
        for name in NAMES
    ]


@pytest.fixture
def four(tmp_path: Path, founders: list[Founder]) -> Iterator[LocalNetwork]:
    chain = LocalChain(CHAIN, BlockTime(int(time.time()) - 5), snapshot_entries=100)
    made = LocalNetwork.found(tmp_path, consensus_engine(), chain, founders, SystemEntropy())
    with made:
        made.start()
        made.wait_for_height(1)
        yield made


def hand_in(validator: LocalValidator, founder: Founder, numbers: range) -> None:
    member, key = founder.spec.member, founder.keys.signing
    entries = []
    for number in numbers:
        digest = Hash32(sha256(number.to_bytes(8)).digest())
        bare = Anchor(AnchorBody(CHAIN, member, digest, "t"), SignatureBytes(bytes(64)))
        signature = sign(key, SignatureContext.ENTRY, entry_id(bare))
        entries.append(encode_entry(structs.replace(bare, signature=signature)))
    data = encode_submission(
        sign_submission(SubmissionBody(CHAIN, member, tuple(entries), None), key)
    )
    answer = httpx.post(
        f"{validator.api}/v1/submissions",
        content=data,
        headers={"content-type": "application/cbor"},
        timeout=60,
    )
    assert answer.status_code == 200
    assert [found["type"] for found in answer.json()] == ["receipt"] * len(entries)


def test_a_validator_without_a_ledger_starts_from_the_others_snapshot(
    four: LocalNetwork, founders: list[Founder]
) -> None:
    others, lost = list(four.validators.values())[:3], list(four.validators.values())[3]
    hand_in(others[0], founders[0], range(120))
    lost.stop()
    home = lost.home
    for path in home.folder.glob("ledger.db*"):
        path.unlink()
    shutil.rmtree(home.snapshots)
    for name in ("application.db", "blockstore.db", "state.db", "evidence.db", "cs.wal"):
        shutil.rmtree(home.engine / "data" / name, ignore_errors=True)
    for at in (1, 2):
        hand_in(others[0], founders[1], range(1_000 * at, 1_000 * at + 3))

    agreement = agreed_snapshot([validator.api for validator in others], four.trust)
    found = state_sync_from([validator.rpc for validator in others[:2]], agreement)
    config = home.engine / "config" / "config.toml"
    text = config.read_text().replace("[statesync]\nenable = false", "[statesync]\nenable = true")
    text = text.replace('rpc_servers = ""', f'rpc_servers = "{",".join(found.rpc_servers)}"')
    text = text.replace("trust_height = 0", f"trust_height = {found.trust_height}")
    text = text.replace('trust_hash = ""', f'trust_hash = "{found.trust_hash}"')
    assert tomllib.loads(text)["statesync"]["enable"]
    config.write_text(text)
    settings = read_settings(home.settings)
    listed = structs.replace(settings, accept_snapshots=(agreement.digest.hex(),))
    home.settings.write_bytes(listed.encode())

    lost.start()
    four.wait_for_height(others[0].height() or 0)
    hand_in(lost, founders[3], range(5_000, 5_005))
    hand_in(others[0], founders[3], range(5_000, 5_005))  # the same bytes: waits until it has them
    synced = httpx.get(f"{lost.rpc}/status").json()["result"]["sync_info"]
    assert int(synced["earliest_block_height"]) > agreement.height
    status = [httpx.get(f"{validator.api}/v1/status").json() for validator in (others[0], lost)]
    assert status[0]["state_root"] == status[1]["state_root"]
    leaves = httpx.get(f"{lost.api}/v1/entries?start=0&end=5").content
    assert leaves == httpx.get(f"{others[0].api}/v1/entries?start=0&end=5").content


def test_a_newcomer_joins_a_chain_on_which_nobody_says_anything(
    tmp_path: Path, founders: list[Founder]
) -> None:
    """The second block that its light client needs after the snapshot's is an empty one."""
    chain = LocalChain(CHAIN, BlockTime(int(time.time()) - 5), snapshot_entries=100, idle_seconds=1)
    with LocalNetwork.found(
        tmp_path, consensus_engine(), chain, founders, SystemEntropy()
    ) as quiet:
        quiet.start()
        quiet.wait_for_height(1)
        hand_in(next(iter(quiet.validators.values())), founders[0], range(120))
        newcomer = Founder(
            MemberSpec.parse("broker:The broker:CD:auditor"),
            HolderKeys.generate((), SystemEntropy()),
        )
        quiet.prepare(newcomer, SystemEntropy())
        joined = quiet.join(newcomer.spec.member, with_snapshot=True)
        joined.start()
        first = next(iter(quiet.validators.values()))
        quiet.wait_for_height((first.height() or 0) + 2)  # the newcomer among them
        quiet.agreed()
        synced = httpx.get(f"{joined.rpc}/status").json()["result"]["sync_info"]
        assert int(synced["earliest_block_height"]) > 1
        roots = {httpx.get(f"{it.api}/v1/status").json()["state_root"] for it in (first, joined)}
        assert len(roots) == 1
