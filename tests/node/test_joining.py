"""A newcomer and those who would mislead it: by an invitation, a snapshot, a block."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.node.ceremonies import NAMES, Ceremony, ceremony

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.client import ValidatorClient
from lodeline.engine.consortium.founding import ClockKind, Founding
from lodeline.engine.consortium.refusals import FoundingMalformed
from lodeline.engine.consortium.refusals_validators import ValidatorUnreachable
from lodeline.engine.consortium.settings import ValidatorHome, read_settings
from lodeline.engine.consortium.snapshot_format import SnapshotHeader, sign_statement
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.trust import TrustFile
from lodeline.node import joining
from lodeline.node.ceremony import Founded, assembled
from lodeline.node.ceremony_steps import listening_for
from lodeline.node.clock import SystemClock
from lodeline.node.comet_files import GenesisValidator, StateSync, genesis_json
from lodeline.node.consensus_rpc import ConsensusRpc, ConsensusSilent, Header, Standing
from lodeline.node.joining import (
    Agreement,
    Invitation,
    InvitationMalformed,
    InvitationOfOther,
    SnapshotNotAgreed,
    SnapshotTooFresh,
    TooFewRpc,
    TrustBlockDiffers,
    agreed_snapshot,
    await_state_sync,
    check_invitation,
    invitation_of,
    join,
    read_invitation,
    state_sync_from,
    write_invitation,
)
from lodeline.node.trust import read_trust
from lodeline.node.validator_home import (
    CometSettingsUnreadable,
    Own,
    Start,
    ValidatorKeysDiffer,
    ValidatorKeysMissing,
    fill_home,
    in_network,
    make_validator_keys,
    public_part,
)

MINE, NEWCOMER = MemberId("mine"), MemberId("newcomer")
URLS = tuple(f"https://{name}.example" for name in NAMES)


class Chain:
    """A founded consortium whose validators' homes are filled."""

    def __init__(self, folder: Path) -> None:
        self.ceremony: Ceremony = ceremony(folder)
        plan = self.ceremony.plan()
        self.founded: Founded = assembled(plan, self.ceremony.signed(plan), {})
        for member, address in plan.validators:
            home = self.ceremony.home(member)
            self.trust: TrustFile = fill_home(home, self.founded, member, listening_for(address))

    @property
    def invitation(self) -> Invitation:
        return invitation_of(self.ceremony.home("mine"), "https://mine.example")

    def checkpoint_key(self, name: str) -> SigningKey:
        text = self.ceremony.home(name).checkpoint_key.read_text()
        return SigningKey(bytes.fromhex(text.strip()))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


def newcomer(folder: Path) -> tuple[ValidatorHome, Own]:
    home = ValidatorHome(folder / "newcomer")
    make_validator_keys(home, SystemEntropy())
    address = public_part(home, NEWCOMER, "newcomer.example:26656", "https://newcomer.example")
    return home, Own(NEWCOMER, address)


# ------------------------------------------------------------------ invitations


def test_an_invitation_names_all_validators(chain: Chain) -> None:
    invitation = chain.invitation
    assert len(invitation.peers) == len(invitation.apis) == len(NAMES)
    assert set(invitation.apis) == set(URLS)
    peers = {address.peer for _, address in chain.founded.plan.validators}
    assert set(invitation.peers) == peers
    assert check_invitation(invitation, chain.trust) == chain.founded.document


def test_an_invitation_travels_as_a_file(chain: Chain, tmp_path: Path) -> None:
    write_invitation(tmp_path / "invitation.json", chain.invitation)
    assert read_invitation(tmp_path / "invitation.json") == chain.invitation


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":"lodeline-invitation-v2"}'])
def test_what_is_no_invitation_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvitationMalformed) as refused:
        read_invitation(tmp_path / "x")
    assert refused.value.file == str(tmp_path / "x")


def _with_genesis(chain: Chain, change: Callable[[dict[str, object]], object]) -> Invitation:
    genesis = msgspec.json.decode(chain.invitation.genesis)
    change(genesis)
    return structs.replace(chain.invitation, genesis=msgspec.json.encode(genesis))


def test_the_host_who_invites_to_another_chain(chain: Chain, tmp_path: Path) -> None:
    other = Chain(tmp_path)
    with pytest.raises(InvitationOfOther) as refused:
        check_invitation(other.invitation, chain.trust)
    assert refused.value.part == "genesis"
    renamed = _with_genesis(chain, lambda it: it.update(chain_id="cobalt-trial-2"))
    with pytest.raises(InvitationOfOther) as refused:
        check_invitation(renamed, chain.trust)
    assert (refused.value.part, refused.value.found) == ("chain", "cobalt-trial-2")


def test_the_host_who_puts_his_own_validators_into_the_genesis(chain: Chain) -> None:
    """His chain would begin with the right ledger and be decided by himself alone."""
    plan, document = chain.founded.plan, chain.founded.document
    own = [GenesisValidator(MINE, SigningKey.generate(SystemEntropy()).public)]
    genesis = genesis_json(plan.chain, plan.time, own, msgspec.json.decode(document.encode()))
    forged = structs.replace(chain.invitation, genesis=genesis)
    with pytest.raises(InvitationOfOther) as refused:
        check_invitation(forged, chain.trust)
    assert refused.value.part == "validators"


def test_the_host_who_leaves_the_validators_out_of_the_founding(chain: Chain) -> None:
    document = chain.founded.document
    short = Founding(ClockKind.BLOCK, document.entries[:-1])
    forged = _with_genesis(
        chain, lambda it: it.update(app_state=msgspec.json.decode(short.encode()))
    )
    with pytest.raises(InvitationOfOther) as refused:
        check_invitation(forged, chain.trust)
    assert refused.value.part == "validators"


def test_the_host_who_makes_blocks_larger_than_were_founded(chain: Chain) -> None:
    def enlarge(genesis: dict[str, object]) -> None:
        genesis["consensus_params"] = {"block": {"max_bytes": "9000000"}}

    with pytest.raises(InvitationOfOther) as refused:
        check_invitation(_with_genesis(chain, enlarge), chain.trust)
    assert (refused.value.part, refused.value.found) == ("block_bytes", "9000000")


def test_a_genesis_that_is_none(chain: Chain) -> None:
    with pytest.raises(InvitationMalformed):
        check_invitation(structs.replace(chain.invitation, genesis=b"[]"), chain.trust)
    with pytest.raises(FoundingMalformed):
        check_invitation(_with_genesis(chain, lambda it: it.update(app_state={})), chain.trust)


# ------------------------------------------------------------------ the home


def test_a_newcomer_that_replays_knows_everybody(chain: Chain, tmp_path: Path) -> None:
    home, own = newcomer(tmp_path)
    join(home, own, chain.invitation, chain.trust, listening_for(own.validator), None)
    settings = read_settings(home.settings)
    assert set(settings.peers) == set(URLS)
    assert settings.accept_snapshots == ()
    assert read_trust(home.folder / "trust.json") == chain.trust
    assert home.founding.read_bytes() == chain.ceremony.home("mine").founding.read_bytes()
    network = in_network(home, NEWCOMER)
    assert network.own == own.validator.peer
    assert set(network.peers) == set(chain.invitation.peers)
    assert "enable = false" in (home.engine / "config" / "config.toml").read_text()


def test_a_newcomer_with_a_snapshot_takes_no_other(chain: Chain, tmp_path: Path) -> None:
    home, own = newcomer(tmp_path)
    servers = _servers({"http://a": ("AA", HASHED), "http://b": ("AA", HASHED)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConsensusRpc, "header", servers)
        patch.setattr(ConsensusRpc, "standing", _at_height(9))
        patch.setattr(ConsensusRpc, "moment", lambda *_: datetime.now(tz=UTC))
        agreement = Agreement(7, HASHED, DIGEST, (MINE,))
        start = Start(DIGEST, state_sync_from(["http://a", "http://b"], agreement))
    join(home, own, chain.invitation, chain.trust, listening_for(own.validator), start)
    assert read_settings(home.settings).accept_snapshots == (DIGEST.hex(),)
    config = (home.engine / "config" / "config.toml").read_text()
    assert 'trust_hash = "AA"' in config
    assert "trust_height = 7" in config


def test_a_home_without_or_with_other_keys_is_not_filled(chain: Chain, tmp_path: Path) -> None:
    home, own = newcomer(tmp_path)
    empty = ValidatorHome(tmp_path / "empty")
    listening = listening_for(own.validator)
    with pytest.raises(ValidatorKeysMissing) as missing:
        join(empty, own, chain.invitation, chain.trust, listening, None)
    assert missing.value.member == NEWCOMER
    other = structs.replace(own.validator, node="0" * 40)
    with pytest.raises(ValidatorKeysDiffer):
        join(home, Own(NEWCOMER, other), chain.invitation, chain.trust, listening, None)
    assert not home.settings.exists()


def test_damaged_key_files_are_missing_keys(tmp_path: Path) -> None:
    home, _ = newcomer(tmp_path)
    home.checkpoint_key.write_text("not hexadecimal")
    with pytest.raises(ValidatorKeysMissing):
        public_part(home, NEWCOMER, "newcomer.example:26656", "https://newcomer.example")


def test_settings_of_cometbft_that_say_nothing(chain: Chain, tmp_path: Path) -> None:
    home, own = newcomer(tmp_path)
    join(home, own, chain.invitation, chain.trust, listening_for(own.validator), None)
    (home.engine / "config" / "config.toml").write_text("[p2p]\n")
    with pytest.raises(CometSettingsUnreadable) as refused:
        in_network(home, NEWCOMER)
    assert refused.value.reason == "KeyError"


# ------------------------------------------------------------------ snapshots

HASHED = Hash32(bytes(range(32)))
DIGEST = Hash32(bytes(reversed(range(32))))


def _header(height: int = 7, piece: int = 1) -> SnapshotHeader:
    return SnapshotHeader(1, height, 40, HASHED, (Hash32(bytes([piece]) * 32),))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What each validator's API answers; one that is not in it is down."""
    answers: dict[str, bytes] = {}

    def snapshot(client: ValidatorClient) -> bytes:
        if client.url not in answers:
            raise ValidatorUnreachable(client.url, "down")
        return answers[client.url]

    monkeypatch.setattr(ValidatorClient, "snapshot", snapshot)
    return answers


def _says(chain: Chain, name: str, header: SnapshotHeader, chain_id: str = "") -> bytes:
    where = ChainId(chain_id or chain.trust.chain)
    return sign_statement(header, where, MemberId(name), chain.checkpoint_key(name)).encode()


def test_three_of_four_are_enough(chain: Chain, said: dict[str, bytes]) -> None:
    for url, name in zip(URLS[:3], NAMES, strict=False):
        said[url] = _says(chain, name, _header())
    found = agreed_snapshot(URLS, chain.trust)
    assert found == Agreement(7, HASHED, _header().digest, tuple(sorted(map(MemberId, NAMES[:3]))))


def test_the_newest_that_enough_have_signed_is_taken(chain: Chain, said: dict[str, bytes]) -> None:
    for url, name in zip(URLS, NAMES, strict=True):
        said[url] = _says(chain, name, _header())
    said[URLS[0]] = _says(chain, NAMES[0], _header(height=9))
    assert agreed_snapshot(URLS, chain.trust).height == 7


def _two_of_four(chain: Chain) -> Mapping[str, bytes]:
    return {url: _says(chain, name, _header()) for url, name in zip(URLS[:2], NAMES, strict=False)}


def _forged_by_one(chain: Chain) -> Mapping[str, bytes]:
    """The impostor: one validator answers at every URL in the others' names."""
    key = chain.checkpoint_key("mine")
    return {
        url: sign_statement(_header(), chain.trust.chain, MemberId(name), key).encode()
        for url, name in zip(URLS, NAMES, strict=True)
    }


def _one_says_it_often(chain: Chain) -> Mapping[str, bytes]:
    """The echo: one validator's statement, from every URL."""
    return dict.fromkeys(URLS, _says(chain, "mine", _header()))


def _each_another(chain: Chain) -> Mapping[str, bytes]:
    return {
        url: _says(chain, name, _header(piece=number))
        for number, (url, name) in enumerate(zip(URLS, NAMES, strict=True))
    }


def _of_another_chain(chain: Chain) -> Mapping[str, bytes]:
    return {
        url: _says(chain, name, _header(), "another-chain")
        for url, name in zip(URLS, NAMES, strict=True)
    }


def _garbage(chain: Chain) -> Mapping[str, bytes]:
    del chain
    return dict.fromkeys(URLS, b"\xff\x00garbage")


@pytest.mark.parametrize(
    ("answers", "agreeing"),
    [
        (lambda _: {}, 0),
        (_two_of_four, 2),
        (_forged_by_one, 1),
        (_one_says_it_often, 1),
        (_each_another, 1),
        (_of_another_chain, 0),
        (_garbage, 0),
    ],
)
def test_a_snapshot_that_too_few_have_signed(
    chain: Chain,
    said: dict[str, bytes],
    answers: Callable[[Chain], Mapping[str, bytes]],
    agreeing: int,
) -> None:
    said.update(answers(chain))
    with pytest.raises(SnapshotNotAgreed) as refused:
        agreed_snapshot(URLS, chain.trust)
    assert refused.value.needed == 3
    assert len(refused.value.members) == agreeing


# ------------------------------------------------------------------ the block to start from

AGREED = Agreement(7, HASHED, DIGEST, (MINE,))


def _servers(
    servers: Mapping[str, tuple[str, Hash32]],
) -> Callable[[ConsensusRpc, int], Header]:
    def header(rpc: ConsensusRpc, height: int) -> Header:
        if rpc.url not in servers:
            raise ConsensusSilent(rpc.url, "down")
        block, hashed = servers[rpc.url]
        return Header(height, block, hashed.hex().upper())

    return header


@pytest.mark.parametrize(
    ("servers", "error"),
    [
        ({"http://a": ("AA", HASHED)}, ConsensusSilent),
        ({"http://a": ("AA", HASHED), "http://b": ("BB", HASHED)}, TrustBlockDiffers),
        ({"http://a": ("AA", DIGEST), "http://b": ("AA", DIGEST)}, TrustBlockDiffers),
    ],
)
def test_blocks_that_do_not_lead_to_the_snapshot(
    monkeypatch: pytest.MonkeyPatch,
    servers: Mapping[str, tuple[str, Hash32]],
    error: type[Exception],
) -> None:
    monkeypatch.setattr(ConsensusRpc, "header", _servers(servers))
    monkeypatch.setattr(ConsensusRpc, "standing", _at_height(9))
    with pytest.raises(error):
        state_sync_from(["http://a", "http://b"], AGREED)


def _at_height(height: int) -> Callable[[ConsensusRpc], Standing]:
    return lambda _: Standing(height, BlockTime(0), catching_up=False, peers=3)


def test_a_snapshot_on_a_quiet_chain_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """CometBFT would try again for ever: its light client asks for two blocks more."""
    monkeypatch.setattr(ConsensusRpc, "standing", _at_height(8))
    with pytest.raises(SnapshotTooFresh) as refused:
        state_sync_from(["http://a", "http://b"], AGREED)
    assert (refused.value.height, refused.value.url) == (7, "http://a")


@pytest.mark.parametrize(("age", "hours"), [(-5, 168), (0, 168), (1, 169), (90 * 86_400, 2_328)])
def test_a_snapshot_may_be_older_than_a_light_client_believes_of_itself(
    monkeypatch: pytest.MonkeyPatch, age: int, hours: int
) -> None:
    now = BlockTime(1_800_000_000)
    block = datetime.fromtimestamp(now - age, tz=UTC)
    monkeypatch.setattr(ConsensusRpc, "moment", lambda *_: block)
    monkeypatch.setattr(SystemClock, "now", lambda _: now)
    both = dict.fromkeys(("http://a", "http://b"), ("AA", HASHED))
    monkeypatch.setattr(ConsensusRpc, "header", _servers(both))
    monkeypatch.setattr(ConsensusRpc, "standing", _at_height(9))
    assert state_sync_from(list(both), AGREED) == StateSync(tuple(both), 7, "AA", hours)


@pytest.mark.parametrize(("height", "error"), [(9, None), (8, SnapshotTooFresh)])
def test_a_newcomer_waits_for_the_next_block_of_a_quiet_chain(
    monkeypatch: pytest.MonkeyPatch, height: int, error: type[Exception] | None
) -> None:
    heights = chain_of([8, 8, 8, height])

    def standing(_: ConsensusRpc) -> Standing:
        return Standing(next(heights), BlockTime(0), catching_up=False, peers=3)

    monkeypatch.setattr(ConsensusRpc, "standing", standing)
    monkeypatch.setattr(ConsensusRpc, "moment", lambda *_: datetime.now(tz=UTC))
    both = dict.fromkeys(("http://a", "http://b"), ("AA", HASHED))
    monkeypatch.setattr(ConsensusRpc, "header", _servers(both))
    paused: list[float] = []
    ticks = count()
    monkeypatch.setattr(joining, "monotonic", lambda: float(next(ticks)))
    if error is None:
        assert await_state_sync(list(both), AGREED, 60.0, paused.append).trust_height == 7
        assert len(paused) == 3
    else:
        with pytest.raises(error):
            await_state_sync(list(both), AGREED, 5.0, paused.append)
        assert 0 < len(paused) <= 5


def chain_of(heights: Sequence[int]) -> Iterator[int]:
    """Yield these heights, the last one again and again."""
    yield from heights
    while True:
        yield heights[-1]


def test_one_server_has_nobody_to_be_compared_with() -> None:
    with pytest.raises(TooFewRpc) as refused:
        state_sync_from(["http://a"], AGREED)
    assert (refused.value.given, refused.value.needed) == (1, 2)
