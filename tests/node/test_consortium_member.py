"""A workspace on a consortium of validators: the same work, over real connections."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from msgspec import structs
from tests.engine.consortium_api.network import Committee
from tests.node.benches import LATER, START, Bench, at_work

from lodeline.crypto.signatures import SignatureContext, sign
from lodeline.engine.consortium.api import ApiServer
from lodeline.engine.consortium.follower import ConsortiumLedger
from lodeline.engine.consortium.founding import ClockKind
from lodeline.engine.consortium.refusals_validators import (
    NotThisConsortium,
    NoValidatorAnswers,
    SignerMissing,
)
from lodeline.engine.embedded import EmbeddedLedger
from lodeline.engine.interface import Receipt
from lodeline.kernel.ids import Hash32, MemberId, SignatureBytes
from lodeline.kernel.time import BlockTime
from lodeline.ledger.change import AnchorKey
from lodeline.ledger.checkpoint import verify_checkpoint
from lodeline.ledger.entries import Anchor, AnchorBody, Recognise, encode_entry, entry_id
from lodeline.ledger.log import read_leaf
from lodeline.ledger.merkle import LeafIndex
from lodeline.node.clock import ManualClock
from lodeline.node.governing import vote
from lodeline.node.holding import Holding, holding
from lodeline.node.logbook import signed_checkpoint
from lodeline.node.membership import connect
from lodeline.node.sending import Queued, send, send_queued
from lodeline.node.trust import TrustMissing, read_trust
from lodeline.node.workspace import (
    FileExists,
    Settings,
    SettingsMalformed,
    Workspace,
    WorkspaceExists,
)

VALIDATORS = ("pit", "state", "scales", "verifier")


@contextmanager
def serving(committee: Committee) -> Iterator[list[ApiServer]]:
    servers = [ApiServer(node.app, node.settings) for node in committee.nodes.values()]
    with ExitStack() as stack:
        for server in servers:
            server.start()
            stack.callback(server.stop)
        yield servers


@pytest.fixture
def committee(tmp_path: Path, template: Path) -> Iterator[Committee]:
    """Validators who continue the ledger of a consortium that was founded on one machine."""
    home = tmp_path / "founders"
    shutil.copytree(template, home)
    (tmp_path / "validators").mkdir()
    with at_work(home, ManualClock(START)) as session:
        made = Committee(tmp_path / "validators", session.chain, VALIDATORS)
        vote(session, [node.act() for node in made.nodes.values()])
        leaves = [
            read_leaf(data) for data in session.ledger.entries(LeafIndex(0), session.ledger.size)
        ]
    made.open([(encode_entry(leaf.entry), leaf.time) for leaf in leaves])
    yield made
    made.close()


@pytest.fixture
def urls(committee: Committee) -> Iterator[list[str]]:
    with serving(committee) as servers:
        yield [server.url for server in servers]


@pytest.fixture
def home(tmp_path: Path, template: Path) -> Workspace:
    """A folder with everybody's keys and nothing else."""
    folder = tmp_path / "home"
    shutil.copytree(template / "members", folder / "members")
    for vault in folder.glob("members/*/vault.db*"):
        vault.unlink()
    return Workspace(folder)


def test_a_workspace_joins_and_has_the_ledger(
    committee: Committee, urls: list[str], home: Workspace
) -> None:
    joined = connect(home, urls, committee.trust)
    there = committee.nodes["pit"].ledger
    assert (joined.chain, joined.clock) == (committee.chain, ClockKind.BLOCK)
    assert joined.checkpoint.size == there.size > 0
    assert read_trust(home.trust) == committee.trust
    settings = home.settings()
    assert (settings.validators, settings.clock) == (tuple(urls), "block")
    with at_work(home.folder, ManualClock(START)) as session:
        assert isinstance(session.ledger, ConsortiumLedger)
        assert session.state.root == there.state().root


def test_ore_is_mined_and_a_bundle_can_be_made(
    committee: Committee, urls: list[str], home: Workspace
) -> None:
    """Vault, requests, co-signatures, receipts and checkpoints work as on one machine."""
    connect(home, urls, committee.trust)
    clock = ManualClock(START)
    with at_work(home.folder, clock) as session:
        bench = Bench(session, clock)
        with bench.at("pit") as own:
            own.update()
        lot = bench.mined()
        assert session.state.is_unspent(lot.lot_id)
        assert session.ledger.size == committee.nodes["state"].ledger.size
        note, _ = signed_checkpoint(session)
        checkpoint = verify_checkpoint(note, committee.policy)
        assert checkpoint.size == session.ledger.size
        proven = session.ledger.receipt(LeafIndex(session.ledger.size - 1))
        assert proven.checkpoint == session.ledger.signed_checkpoint()


def test_a_second_node_sees_what_the_first_one_did(
    committee: Committee, urls: list[str], home: Workspace, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    shutil.copytree(home.members_folder, other.members_folder)
    connect(home, urls, committee.trust)
    connect(other, urls, committee.trust)
    clock = ManualClock(START)
    with at_work(home.folder, clock) as session:
        vote(session, [Recognise(MemberId("state"), None, "licence", BlockTime(LATER - 5))])
        size = session.ledger.size
    with at_work(other.folder, clock) as session:
        assert session.ledger.size == size


def test_entries_wait_in_the_queue_while_nobody_answers(
    committee: Committee, home: Workspace
) -> None:
    """Made without a network, sent later, at other addresses: the same entry, once."""
    clock, anchored = ManualClock(START), Hash32(b"\x07" * 32)
    with serving(committee) as servers:
        connect(home, [server.url for server in servers], committee.trust)
    with at_work(home.folder, clock) as session, holding(session, MemberId("pit")) as own:
        assert session.ledger.size == committee.nodes["pit"].ledger.size
        queued = send(own, anchor(own, anchored), "an anchor")
        assert isinstance(queued, Queued)
        with pytest.raises(NoValidatorAnswers):
            send_queued(own)
    with serving(committee) as servers:
        connect(home, [server.url for server in servers])
        with at_work(home.folder, clock) as session, holding(session, MemberId("pit")) as own:
            (outcome,) = send_queued(own)
            assert isinstance(outcome.outcome, Receipt)
            assert not own.vault.pending()
            assert AnchorKey(MemberId("pit"), anchored) in session.state.anchors


def anchor(own: Holding, digest: Hash32) -> Anchor:
    bare = Anchor(
        AnchorBody(own.session.chain, own.member, digest, "events"), SignatureBytes(bytes(64))
    )
    signature = sign(own.keys.signing, SignatureContext.ENTRY, entry_id(bare))
    return structs.replace(bare, signature=signature)


def test_whoever_writes_is_no_hindrance_to_a_reader(
    committee: Committee, urls: list[str], home: Workspace
) -> None:
    connect(home, urls, committee.trust)
    clock = ManualClock(START)
    with at_work(home.folder, clock) as session, at_work(home.folder, clock, writable=False) as one:
        assert isinstance(one.ledger, EmbeddedLedger)
        assert one.state.root == session.state.root
    with at_work(home.folder, clock, writable=False) as two:
        assert isinstance(two.ledger, ConsortiumLedger)


# ------------------------------------------------------------------ what does not become a copy


def files(workspace: Workspace) -> set[str]:
    return {
        str(path.relative_to(workspace.folder))
        for path in workspace.folder.rglob("*")
        if path.is_file()
    }


def test_nothing_is_left_of_a_failed_joining(
    committee: Committee, urls: list[str], home: Workspace
) -> None:
    before = files(home)
    with pytest.raises(NotThisConsortium):
        connect(home, urls, structs.replace(committee.trust, genesis="cd" * 32))
    with pytest.raises(NoValidatorAnswers):
        connect(home, ["http://127.0.0.1:1"], committee.trust)
    with pytest.raises(TrustMissing):
        connect(home, urls)
    with pytest.raises(SettingsMalformed):
        connect(home, ["ftp://somewhere"], committee.trust)
    assert files(home) == before
    assert connect(home, urls, committee.trust).checkpoint.size


def test_a_ledger_of_ones_own_is_not_replaced(
    committee: Committee, urls: list[str], tmp_path: Path
) -> None:
    own = Workspace(tmp_path / "founders")
    before = own.ledger.read_bytes()
    with pytest.raises(WorkspaceExists):
        connect(own, urls, committee.trust)
    assert own.ledger.read_bytes() == before


def test_a_pinned_trust_file_stays(committee: Committee, urls: list[str], home: Workspace) -> None:
    connect(home, urls, committee.trust)
    with pytest.raises(FileExists):
        connect(home, urls, structs.replace(committee.trust, threshold=4))
    again = connect(home, urls[1:])
    assert home.settings().validators == tuple(urls[1:])
    assert again.checkpoint.size == committee.nodes["pit"].ledger.size


def test_without_keys_nothing_is_handed_in(
    committee: Committee, urls: list[str], home: Workspace
) -> None:
    connect(home, urls, committee.trust)
    clock = ManualClock(START)
    with at_work(home.folder, clock) as session:
        shutil.rmtree(home.members_folder)
        entry = read_leaf(session.ledger.leaf(LeafIndex(0))).entry
        other = structs.replace(entry, title="another")
        (answer,) = session.ledger.submit([encode_entry(other)])
        assert isinstance(answer, SignerMissing)


# ------------------------------------------------------------------ settings


def test_settings_are_read_as_they_are_written() -> None:
    settings = Settings(
        member=MemberId("pit"),
        lang="fr",
        validators=("https://a.example", "http://[::1]:8"),
        clock="story",
        authorities="/etc/pki/our.pem",
        proofs="signers",
    )
    assert Settings.read("f", settings.text()) == settings
    assert Settings.read("f", Settings().text()) == Settings()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('validators = "https://a.example"', "validators"),
        ("validators = [5]", "validators"),
        ('validators = ["https://a.example", "https://a.example"]', "validators"),
        ('validators = ["https://user:secret@a.example"]', "validators"),
        ('validators = ["https://a.example/path"]', "validators"),
        ('validators = ["file:///etc/passwd"]', "validators"),
        ('clock = "mine"', "clock"),
        ("clock = 5", "clock"),
        ('proofs = "none"', "proofs"),
        ('authorities = ""', "authorities"),
        ("authorities = true", "authorities"),
        ('unknown = "x"', "unknown"),
    ],
)
def test_settings_that_cannot_be(text: str, key: str) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        Settings.read("settings.toml", text)
    assert refused.value.key == key
