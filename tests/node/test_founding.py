"""Founding a consortium, and the folder in which it lives."""

from pathlib import Path

import pytest
from tests.node.benches import FOUNDERS, PASSPHRASE, START, at_work, founded

from lodeline.holder.keyfile import KeystoreExists
from lodeline.holder.keystore import KeystoreNotOpened, Passphrase
from lodeline.holder.sealed_rows import VaultNotYours
from lodeline.holder.vault import Vault
from lodeline.kernel.ids import ChainId, MalformedName, MemberId
from lodeline.ledger.refusals_governance import ThresholdTooHigh
from lodeline.node.clock import ManualClock
from lodeline.node.founding import (
    FounderTwice,
    Founding,
    MemberSpec,
    MemberSpecMalformed,
    NoFounders,
    found,
)
from lodeline.node.holding import holding
from lodeline.node.trust import (
    TrustFileMalformed,
    TrustMissing,
    read_trust,
    trust_for,
    write_trust,
)
from lodeline.node.workspace import (
    FileExists,
    FileUnreadable,
    MemberNotHere,
    MemberNotNamed,
    Settings,
    SettingsMalformed,
    Workspace,
    WorkspaceExists,
    WorkspaceMissing,
    read_file,
    write_file,
)


def test_members_are_written_in_one_line() -> None:
    spec = MemberSpec.parse("pit: Kolwezi Pit SA :CD: miner, auditor,miner")
    assert spec == MemberSpec(MemberId("pit"), "Kolwezi Pit SA", "CD", ("auditor", "miner"))  # type: ignore[arg-type]  # roles as text
    assert MemberSpec.parse("pit:Pit:CD").roles == ()


@pytest.mark.parametrize(
    "text", ["pit", "pit:Pit", "pit::CD:miner", "pit:Pit:Congo:miner", "pit:P:CD:a:b", "p:P:cd:a"]
)
def test_a_member_that_is_not_described_is_refused(text: str) -> None:
    with pytest.raises(MemberSpecMalformed) as refused:
        MemberSpec.parse(text)
    assert refused.value.text == text


def test_a_name_that_no_ledger_has_is_refused() -> None:
    with pytest.raises(MalformedName):
        MemberSpec.parse("mine à ciel:Pit:CD:miner")


def test_a_consortium_has_members_tables_and_a_trust_file(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench:
        state = bench.session.state
        assert [member for member, _ in state.members.items()] == [
            text.split(":")[0] for text in FOUNDERS
        ]
        assert bench.session.constants.threshold == 4
        assert len(state.tables.recipes) > 40
        trust = read_trust(bench.session.workspace.trust)
    assert trust.chain == "test-consortium"
    assert trust.threshold == 4
    assert len(trust.members) == len(FOUNDERS)


def test_everybody_has_keys_that_nobody_else_can_use(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench:
        session = bench.session
        with holding(session, MemberId("pit")):
            pass
        stranger = session.keys(MemberId("trader"))
        with pytest.raises(VaultNotYours):
            Vault.open(session.workspace.vault(MemberId("pit")), stranger.vault)
        assert session.keys(MemberId("pit")).signing.public != stranger.signing.public


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    with founded(tmp_path / "home"):
        pass

    def wrong(member: MemberId) -> Passphrase:
        return Passphrase.typed(f"not the one of {member}")

    with (
        at_work(tmp_path / "home", ManualClock(START), wrong) as session,
        pytest.raises(KeystoreNotOpened),
    ):
        session.keys(MemberId("pit"))


@pytest.mark.parametrize(
    ("founders", "error"),
    [((), NoFounders), (("a:A:CD:", "a:B:CD:"), FounderTwice)],
)
def test_who_cannot_found(
    tmp_path: Path, founders: tuple[str, ...], error: type[Exception]
) -> None:
    (tmp_path / "members").mkdir()
    specs = tuple(MemberSpec.parse(text) for text in founders)
    with at_work(tmp_path, ManualClock(START)) as session, pytest.raises(error):
        found(session, Founding(ChainId("c"), "C", specs))


def test_more_votes_than_voters_are_refused(tmp_path: Path) -> None:
    (tmp_path / "members").mkdir()
    founding = Founding(ChainId("c"), "C", (MemberSpec.parse("a:A:CD:"),), threshold=2)
    with at_work(tmp_path, ManualClock(START)) as session, pytest.raises(ThresholdTooHigh) as no:
        found(session, founding)
    assert (no.value.threshold, no.value.voters) == (2, 1)


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench, pytest.raises(KeystoreExists):
        bench.session.keyring.create(MemberId("pit"))


def test_a_passphrase_is_changed(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench:
        bench.session.keyring.change_passphrase(
            MemberId("pit"), Passphrase.typed("another long passphrase")
        )

    def new(member: MemberId) -> Passphrase:
        return Passphrase.typed("another long passphrase" if member == "pit" else PASSPHRASE)

    with at_work(tmp_path / "home", ManualClock(START), new) as session:
        session.keys(MemberId("pit"))
        assert session.keyring.keys_if_opened_by_same(MemberId("state")) is not None


# ------------------------------------------------------------------ the folder


def test_a_folder_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(NoFounders), Workspace.created_at(home):
        raise NoFounders
    assert list(tmp_path.iterdir()) == []
    with Workspace.created_at(home) as made:
        write_file(made.trust, b"{}")
    assert Workspace.open_at(home).trust.read_bytes() == b"{}"
    with pytest.raises(WorkspaceExists), Workspace.created_at(home):
        pass


def test_a_folder_without_a_consortium_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceMissing) as refused:
        Workspace.open_at(tmp_path / "none")
    assert refused.value.folder == str(tmp_path / "none")


@pytest.mark.parametrize("name", ["group/pit", "a:b", "a%2Fb", "x%25"])
def test_no_name_of_a_member_leaves_its_folder(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.member_folder(MemberId(name))
    assert folder.parent == workspace.members_folder
    folder.mkdir(parents=True)
    (folder / "keystore").write_bytes(b"")
    assert workspace.members() == (name,)


def test_who_is_meant(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in ("a", "b"):
        (workspace.member_folder(MemberId(name))).mkdir(parents=True)
        workspace.keystore(MemberId(name)).write_bytes(b"")
    with pytest.raises(MemberNotNamed) as refused:
        workspace.member(None)
    assert refused.value.known == ("a", "b")
    with pytest.raises(MemberNotHere):
        workspace.member(MemberId("c"))
    workspace.keep_member(MemberId("b"))
    assert workspace.member(None) == "b"
    assert workspace.member(MemberId("a")) == "a"


@pytest.mark.parametrize(
    "text", ["member = 1", "lang = 'de'", "colour = 'red'", "member = ", "[member]\nx = 1"]
)
def test_settings_say_nothing_else(text: str) -> None:
    with pytest.raises(SettingsMalformed):
        Settings.read("settings.toml", text)


def test_settings_come_back_as_written() -> None:
    kept = Settings(MemberId("pit"), "fr")
    assert Settings.read("settings.toml", kept.text()) == kept


def test_files_are_written_whole_and_never_over_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_file(path, b"one")
    with pytest.raises(FileExists):
        write_file(path, b"two")
    write_file(path, b"three", over=True)
    assert read_file(path) == b"three"
    assert [item.name for item in path.parent.iterdir()] == ["file"]
    with pytest.raises(FileUnreadable):
        read_file(tmp_path / "none")


# ------------------------------------------------------------------ trust


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"format": "other"}',
        '{"format": "lodeline-trust-v1"}',
        '{"format": "lodeline-trust-v1", "chain": "c", "genesis": "00", "members": []}',
    ],
)
def test_a_file_that_is_no_trust_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.json"
    path.write_text(text)
    with pytest.raises(TrustFileMalformed):
        read_trust(path)


def test_trust_is_named_or_pinned_or_missing(tmp_path: Path) -> None:
    with founded(tmp_path / "home") as bench:
        trust = read_trust(bench.session.workspace.trust)
        with pytest.raises(FileExists):
            write_trust(bench.session.workspace, trust)
    assert trust_for(None, tmp_path / "home") == trust
    other = tmp_path / "other.json"
    other.write_bytes((tmp_path / "home" / "trust.json").read_bytes())
    assert trust_for(other, tmp_path / "nowhere") == trust
    with pytest.raises(TrustMissing):
        trust_for(None, tmp_path / "nowhere")
