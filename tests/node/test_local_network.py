"""Four validators on this machine under the real consensus engine: started, killed, compared."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.node.engines import consensus_engine

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.settings import ValidatorHome, read_settings
from lodeline.engine.consortium.wire_http import Taken
from lodeline.holder.keystore import HolderKeys
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.entries import (
    Act,
    AdmitMember,
    Anchor,
    AnchorBody,
    Entry,
    Govern,
    GovernBody,
    MemberSignature,
    SetValidator,
    encode_entry,
    entry_id,
)
from lodeline.ledger.submissions import SubmissionBody, encode_submission, sign_submission
from lodeline.node.consensus_rpc import ConsensusRpc, ConsensusSilent, Header
from lodeline.node.consortium_status import own_validator, see_validators, urls_of
from lodeline.node.exporting import export
from lodeline.node.founding import MemberSpec
from lodeline.node.local_network import (
    Founder,
    LocalChain,
    LocalNetwork,
    NetworkNotThere,
    PortsUsedUp,
    ValidatorsDisagree,
)
from lodeline.node.publishing import verify_published

pytestmark = pytest.mark.slow

NAMES = ("mine", "refinery", "smelter", "auditor")
MINE, REFINERY, SMELTER, AUDITOR = (MemberId(name) for name in NAMES)


def founders(validating: int = len(NAMES)) -> list[Founder]:
    return [
        Founder(
            MemberSpec.parse(f"{name}:The {name} company:CD:auditor"),
            HolderKeys.generate((), SystemEntropy()),
            validates=number < validating,
        )
        for number, name in enumerate(NAMES)
    ]


def network(folder: Path, program: Path, validating: int = len(NAMES)) -> LocalNetwork:
    chain = LocalChain(ChainId("trial"), BlockTime(int(time.time()) - 5))
    return LocalNetwork.found(folder, program, chain, founders(validating), SystemEntropy())


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """A network that runs; every test leaves all four running."""
    folder = tmp_path_factory.mktemp("network")
    with network(folder, consensus_engine()) as made:
        made.start()
        made.wait_for_height(1)
        yield made


def _all_agree(four: LocalNetwork) -> None:
    four.wait_for_height(1)
    assert four.agreed() >= 1
    positions = [validator.application_position() for validator in four.validators.values()]
    assert None not in positions
    assert len(set(positions)) == 1


def test_four_validators_found_the_same_ledger(four: LocalNetwork) -> None:
    _all_agree(four)


def test_soon_a_checkpoint_has_enough_signatures(four: LocalNetwork) -> None:
    policy = four.trust.policy()

    def signed() -> bool:
        return all(one.is_agreed for one in see_validators(four.urls, policy))

    four.wait_for("checkpoints signed by three of four", signed)
    (first, *others) = see_validators(four.urls, policy)
    assert first.size is not None
    assert first.size > 2
    assert {(one.size, one.application_hash, one.behind) for one in others} == {
        (first.size, first.application_hash, 0)
    }
    assert len(first.signers) >= 3
    assert set(first.signers) <= set(NAMES)


def test_a_validator_that_is_killed_comes_back(four: LocalNetwork) -> None:
    victim = four.validators[REFINERY]
    victim.kill()
    assert not victim.is_running
    assert victim.height() is None
    assert own_validator(victim.home).standing is None
    seen = see_validators(four.urls, four.trust.policy())
    assert [one.member for one in seen if one.fault is None] == [AUDITOR, MINE, SMELTER]
    victim.start()
    _all_agree(four)


def test_consensus_does_not_outlive_its_application(four: LocalNetwork) -> None:
    victim = four.validators[SMELTER]
    victim.kill_application()
    four.wait_for("both have ended", lambda: not victim.process_ids)
    victim.stop()
    victim.start()
    _all_agree(four)


def test_an_application_outlives_consensus_and_serves_the_next_one(four: LocalNetwork) -> None:
    victim = four.validators[AUDITOR]
    victim.kill_consensus()
    assert len(victim.process_ids) == 1
    victim.start_consensus()
    _all_agree(four)


def test_a_validator_says_how_it_stands(four: LocalNetwork) -> None:
    home = four.validators[MINE].home
    own = own_validator(home)
    assert own.member == MINE
    assert own.standing is not None
    four.wait_for("three peers", lambda: _peers(home) == 3)
    assert own.disk.ledger > 0
    assert own.disk.consensus > 0
    assert urls_of(home) == (four.validators[MINE].api, *read_settings(home.settings).peers)
    assert set(urls_of(home)) == set(four.urls)


def _peers(home: ValidatorHome) -> int:
    standing = own_validator(home).standing
    return 0 if standing is None else standing.peers


def test_different_blocks_are_noticed(four: LocalNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork: what `agreed` would see if two validators had different blocks."""
    honest, forked = ConsensusRpc.header, four.validators[SMELTER].rpc

    def header(rpc: ConsensusRpc, height: int) -> Header:
        found = honest(rpc, height)
        return Header(height, "00", found.application_hash) if rpc.url == forked else found

    monkeypatch.setattr(ConsensusRpc, "header", header)
    with pytest.raises(ValidatorsDisagree) as refused:
        four.agreed()
    assert refused.value.height >= 1
    assert len(refused.value.found) == 4


def test_waiting_has_an_end(four: LocalNetwork) -> None:
    with pytest.raises(NetworkNotThere) as refused:
        four.wait_for("the moon", lambda: False, seconds=0.1)
    assert refused.value.wanted == "the moon"
    assert len(refused.value.found) == 4


def test_a_header_that_is_not_there_is_said_so(four: LocalNetwork) -> None:
    with ConsensusRpc(four.validators[MINE].rpc) as rpc, pytest.raises(ConsensusSilent):
        rpc.header(10_000_000)


# ------------------------------------------------------------------ newcomers, and the way out


def _voted(network: LocalNetwork, by: list[Founder], acts: tuple[Act, ...]) -> Govern:
    entry = Govern(GovernBody(network.trust.chain, network.founded.state.acts, acts), ())
    identity = entry_id(entry)
    signatures = tuple(
        MemberSignature(it.spec.member, sign(it.keys.signing, SignatureContext.VOTE, identity))
        for it in by
    )
    return replace(entry, signatures=signatures)


def _anchored(network: LocalNetwork, by: Founder, number: int) -> Anchor:
    body = AnchorBody(network.trust.chain, by.spec.member, Hash32(bytes([number]) * 32), "note")
    blank = sign(by.keys.signing, SignatureContext.ENTRY, b"")
    identity = entry_id(Anchor(body, blank))
    return Anchor(body, sign(by.keys.signing, SignatureContext.ENTRY, identity))


def _submit(network: LocalNetwork, by: Founder, entry: Entry) -> None:
    body = SubmissionBody(network.trust.chain, by.spec.member, (encode_entry(entry),), None)
    submission = encode_submission(sign_submission(body, by.keys.signing))
    client = ValidatorClient(network.urls[0])
    try:
        (answer,) = client.submit(submission)
    finally:
        client.close()
    assert isinstance(answer, Taken), answer


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_a_newcomer_is_voted_in_joins_and_decides(tmp_path: Path, with_snapshot: bool) -> None:
    program, known = consensus_engine(), founders()
    chain = LocalChain(ChainId("trial"), BlockTime(int(time.time()) - 5), snapshot_entries=2)
    bank = Founder(
        MemberSpec.parse("bank:The bank:CH:auditor"), HolderKeys.generate((), SystemEntropy())
    )
    with LocalNetwork.found(tmp_path, program, chain, known, SystemEntropy()) as made:
        made.start()
        made.wait_for_height(1)
        file = made.prepare(bank, SystemEntropy())
        assert file.validator is not None
        acts = (
            AdmitMember(file.record),
            SetValidator(
                file.member, file.validator.consensus, file.validator.checkpoint, file.validator.api
            ),
        )
        _submit(made, known[0], _voted(made, known, acts))
        # Two blocks have to follow the snapshot, which comes after an even number of entries.
        for number in range(4):
            _submit(made, known[number], _anchored(made, known[number], number))
        joined = made.join(file.member, with_snapshot=with_snapshot)
        joined.start()
        height = made.validators[MINE].height() or 0
        made.wait_for_height(height, seconds=90)
        # Of five, four decide: with one down, nothing goes on without the newcomer.
        made.validators[SMELTER].kill()
        _submit(made, bank, _anchored(made, bank, 9))
        made.wait_for_height(height + 1, (MINE, REFINERY, AUDITOR, file.member))
        assert made.agreed() > height
        _exported(made, tmp_path / "export")


def _exported(network: LocalNetwork, folder: Path) -> None:
    home = network.validators[MINE].home
    found = export(home, network.trust, folder)
    assert found.size + found.left_out == 10
    assert found.new == found.size > 3
    assert export(home, network.trust, folder).new <= found.left_out
    report = verify_published(str(folder), network.trust, None)
    assert report.checkpoint.size >= found.size
    names = {path.name for path in folder.iterdir()}
    assert {"checkpoint", "founding.json", "genesis.json", "tile"} <= names


def test_members_without_a_validator_are_founders_all_the_same(tmp_path: Path) -> None:
    made = network(tmp_path, consensus_engine(), validating=1)
    assert list(made.validators) == [MINE]
    assert len(list(made.founded.state.members.items())) == len(NAMES)
    with made:
        made.start()
        made.wait_for_height(1)
        ids = made.validators[MINE].process_ids
        assert len(ids) == 2
    assert made.validators[MINE].process_ids == ()
    with pytest.raises(NetworkNotThere):
        made.agreed()


def test_a_machine_without_ports_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeline.node.local_network._is_free", lambda _: False)
    with pytest.raises(PortsUsedUp) as refused:
        network(tmp_path, tmp_path / "cometbft")
    assert refused.value.wanted == 4 * len(NAMES)
    assert list(tmp_path.iterdir()) == []
