"""A real consortium's checkpoints go to witnesses, into bundles' policies and onto a web server."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from tests.engine.witnesses.in_process import InProcess, client_of
from tests.engine.witnesses.logs import signing_key, witness_key
from tests.node.benches import LATER, START, Bench, at_work

from lodeline.crypto.entropy import SystemEntropy
from lodeline.engine.published_log import (
    PublishedFileMissing,
    WrongGenesis,
    check_published,
    from_folder,
)
from lodeline.engine.tile_routes import tile_routes
from lodeline.engine.witnesses.app import witness_app
from lodeline.engine.witnesses.client import WitnessAnswered, WitnessClient, WitnessUnreachable
from lodeline.engine.witnesses.evidence import Beginning, EvidenceShowsNothing, ForkEvidence
from lodeline.engine.witnesses.key_file import (
    WitnessKeyExists,
    WitnessKeyExposed,
    WitnessKeyMalformed,
    WitnessKeyMissing,
    read_witness_key,
)
from lodeline.engine.witnesses.request import AddCheckpoint
from lodeline.engine.witnesses.witness import Witness
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    Checkpoint,
    PolicyRepeatsWitness,
    TooFewCosignatures,
    TooFewSignatures,
    WitnessThresholdOutOfRange,
    assemble,
    parse_checkpoint_text,
    sign_checkpoint,
    verify_checkpoint,
)
from lodeline.ledger.cosignature import parse_witness_key
from lodeline.ledger.entries import Recognise
from lodeline.ledger.merkle import TreeSize
from lodeline.ledger.signednote import KeyName, NoteSignature, parse_note
from lodeline.ledger.tiles import EntryNotInTile
from lodeline.node.bundles import make_bundle
from lodeline.node.clock import ManualClock
from lodeline.node.governing import vote
from lodeline.node.logbook import keep_signed, signed_checkpoint, verify_log
from lodeline.node.publishing import publish_log, verify_published
from lodeline.node.trust import TrustFileMalformed, read_trust, renewed, verifier_key, write_trust
from lodeline.node.verifying import proof_workers
from lodeline.node.witnessing import (
    LogFollowedTwice,
    LogNameMalformed,
    NothingToFollow,
    WitnessesUnknown,
    alarms_in,
    check_evidence,
    followed_logs,
    make_key,
    one_round,
    published_logs,
    send_to_witnesses,
    witness_in,
)
from lodeline.proofs.batch import verify_batch

NOW = ManualClock(BlockTime(1_800_000_000))
KEYS = (witness_key("w1"), witness_key("w2"), witness_key("w3"))


@contextmanager
def watching(bench: Bench, folder: Path, name: str = "one.example") -> Iterator[Witness]:
    """Make and run a witness of the bench's log."""
    make_key(folder, KeyName(name), SystemEntropy())
    with witness_in(folder, followed_logs((), [bench.session.workspace.trust]), NOW) as witness:
        yield witness


def client(witness: Witness) -> WitnessClient:
    return WitnessClient("http://witness.example", InProcess(witness_app(witness)))


def signed(bench: Bench) -> bytes:
    note, _ = signed_checkpoint(bench.session)
    keep_signed(bench.session, note)
    return note


def grow(bench: Bench, right: str) -> None:
    """Let the log have one more entry."""
    vote(bench.session, [Recognise(MemberId("trader"), None, right, LATER)])


def rely_on(bench: Bench, *witnesses: Witness, threshold: int = 1) -> None:
    workspace = bench.session.workspace
    keys = [witness.key for witness in witnesses]
    trust = read_trust(workspace.trust).witnessed_by(keys, threshold)
    write_trust(workspace, trust, over=True)


# ------------------------------------------------------------------ asking witnesses


def test_a_checkpoint_gets_its_cosignatures_and_keeps_them(bench: Bench, tmp_path: Path) -> None:
    signed(bench)
    with (
        watching(bench, tmp_path / "1") as one,
        watching(bench, tmp_path / "2", "two.example") as two,
    ):
        rely_on(bench, one, two, threshold=2)
        policy = read_trust(bench.session.workspace.trust).policy()
        with pytest.raises(TooFewCosignatures):
            verify_checkpoint(bench.session.ledger.signed_checkpoint(), policy)
        note, outcomes = send_to_witnesses(bench.session, [client(one), client(two)])
        assert [[name for name, _ in outcome.cosigned] for outcome in outcomes] == [
            ["one.example"],
            ["two.example"],
        ]
    assert note == bench.session.ledger.signed_checkpoint()
    assert verify_checkpoint(note, policy).size == bench.session.ledger.size
    # Signing the same log again loses none of them.
    again, _ = signed_checkpoint(bench.session)
    assert verify_checkpoint(again, policy).size == bench.session.ledger.size


def test_a_bundle_shows_the_witnesses_that_a_reader_asks_for(bench: Bench, tmp_path: Path) -> None:
    lot = bench.mined()
    signed(bench)
    with watching(bench, tmp_path / "w") as witness, proof_workers() as verify:
        rely_on(bench, witness)
        with bench.at("pit") as own, pytest.raises(TooFewCosignatures):
            make_bundle(own, lot, [], verify, None)
        send_to_witnesses(bench.session, [client(witness)])
        with bench.at("pit") as own:
            made = make_bundle(own, lot, [], verify, None)
    step = made.report.steps[1]
    assert step.found is not None
    assert "1 of the 1 outside witnesses" in step.found.en
    assert "1 des 1 témoins extérieurs" in step.found.fr


def test_checkpoints_without_witnesses_are_no_fault_of_the_log(
    bench: Bench, tmp_path: Path
) -> None:
    signed(bench)
    with watching(bench, tmp_path / "w") as witness:
        rely_on(bench, witness)
    assert verify_log(bench.session, verify_batch, lambda _done, _of: None).is_clean


def test_one_witness_that_is_away_does_not_stop_the_others(bench: Bench, tmp_path: Path) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    signed(bench)
    with watching(bench, tmp_path / "w") as witness:
        gone = WitnessClient("http://gone.example", httpx.MockTransport(away))
        _, outcomes = send_to_witnesses(bench.session, [gone, client(witness)], [witness.key])
    assert isinstance(outcomes[0].refusal, WitnessUnreachable)
    assert [name for name, _ in outcomes[1].cosigned] == ["one.example"]


def test_without_a_key_nobody_is_asked(bench: Bench) -> None:
    signed(bench)
    with pytest.raises(WitnessesUnknown):
        send_to_witnesses(bench.session, [])


def test_a_log_is_cosigned_as_it_grows_and_with_its_threshold(bench: Bench, tmp_path: Path) -> None:
    with watching(bench, tmp_path / "w") as witness:
        for right in ("intake", "quota"):
            signed(bench)
            _, (outcome,) = send_to_witnesses(bench.session, [client(witness)], [witness.key])
            assert outcome.refusal is None
            grow(bench, right)
        whole = parse_note(signed(bench))
        one_line = assemble(parse_checkpoint_text(whole.text), whole.signatures[:1])
        with pytest.raises(LodelineError) as refused:
            witness.add(AddCheckpoint(TreeSize(0), (), one_line))
        assert refused.value.code == "witness-log-not-signed"


# ------------------------------------------------------------------ a split view


def forked(bench: Bench, note: bytes) -> bytes:
    """Sign another history of the same size with the members' own keys."""
    true = parse_checkpoint_text(parse_note(note).text)
    lie = Checkpoint(true.origin, true.size, Hash32(bytes(32)), true.state, true.time)
    lines = list[NoteSignature]()
    for member, record in bench.session.state.members.items():
        keys = bench.session.keyring.keys_if_opened_by_same(member)
        if record.votes and keys is not None:
            key = verifier_key(bench.session.chain, member, record.member.key)
            lines.append(sign_checkpoint(lie, key, keys.signing.sign_frame))
    return assemble(lie, lines)


def test_members_who_show_two_logs_are_found_out(bench: Bench, tmp_path: Path) -> None:
    note = signed(bench)
    heard = list[Path]()
    make_key(tmp_path / "1", KeyName("one.example"), SystemEntropy())
    logs = followed_logs((), [bench.session.workspace.trust])
    with (
        witness_in(tmp_path / "1", logs, NOW, lambda _origin, file: heard.append(file)) as one,
        watching(bench, tmp_path / "2", "two.example") as two,
    ):
        one.add(AddCheckpoint(TreeSize(0), (), note))
        two.add(AddCheckpoint(TreeSize(0), (), forked(bench, note)))
        done = one_round(one, [client(two)], {})
        assert done.refusals == ()
        (name,) = done.compared[0].alarms
        assert one_round(one, [client(two)], {}).compared[0].alarms == (name,)
        with pytest.raises(LodelineError) as refused:
            one.add(AddCheckpoint(TreeSize(0), (), note))
        assert refused.value.code == "witness-log-under-alarm"
        _, (outcome,) = send_to_witnesses(bench.session, [client(one)], [one.key])
        assert isinstance(outcome.refusal, WitnessAnswered)
    (file,) = heard
    assert [item.digest for item in alarms_in(tmp_path / "1")] == [name]
    evidence, fork = check_evidence(file, read_trust(bench.session.workspace.trust).policy())
    assert (evidence.origin, fork.kind) == (bench.session.chain, "entries")
    assert len(fork.signed_both) >= 3


def test_a_peer_that_lies_accuses_nobody(bench: Bench, tmp_path: Path) -> None:
    """It makes up a checkpoint with its own keys, or sends rubbish."""
    note = signed(bench)
    true = parse_checkpoint_text(parse_note(note).text)
    lie = Checkpoint(true.origin, true.size, Hash32(bytes(32)), true.state, true.time)
    own = verifier_key(
        bench.session.chain, bench.session.workspace.members()[0], signing_key("x").public
    )
    made_up = assemble(lie, [sign_checkpoint(lie, own, signing_key("x").sign_frame)])
    with watching(bench, tmp_path / "w") as witness:
        witness.add(AddCheckpoint(TreeSize(0), (), note))
        peers = [
            WitnessClient(
                "http://liar.example",
                httpx.MockTransport(lambda _, data=data: httpx.Response(200, content=data)),
            )
            for data in (made_up, b"rubbish", note.replace(b"\n\n", b"\n"))
        ]
        done = one_round(witness, peers, {})
        assert (len(done.refusals), done.compared[0].alarms) == (3, ())
        assert witness.shelf.alarms() == ()


# ------------------------------------------------------------------ publishing


def test_a_published_log_is_checked_by_a_stranger(bench: Bench, tmp_path: Path) -> None:
    bench.mined()
    note = signed(bench)
    folder = tmp_path / "published"
    done = publish_log(bench.session, folder)
    assert done.size == bench.session.ledger.size
    trust = read_trust(bench.session.workspace.trust)
    with proof_workers() as verify:
        report = verify_published(str(folder), trust, verify)
    assert (report.note, report.replayed) == (note, True)
    grow(bench, "quota")
    signed(bench)
    assert publish_log(bench.session, folder).before == done.size
    assert verify_published(str(folder), trust, None).checkpoint.size == done.size + 1
    with published_logs([f"{bench.session.chain}={folder}"]) as tiles:
        with watching(bench, tmp_path / "w") as witness:
            witness.add(AddCheckpoint(TreeSize(0), (), note))
            compared = one_round(witness, [], tiles).compared[0]
        assert (compared.views, compared.open, compared.alarms) == (1, 0, ())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, template: Path) -> tuple[Path, Path]:
    """A published log, and the trust file to check it with."""
    home, folder = tmp_path_factory.mktemp("home") / "home", tmp_path_factory.mktemp("shelf")
    shutil.copytree(template, home)
    with at_work(home, ManualClock(START)) as session:
        signed(Bench(session, ManualClock(START)))
        publish_log(session, folder / "log")
        return folder / "log", session.workspace.trust


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        ("entry", EntryNotInTile),
        ("tile", EntryNotInTile),
        ("missing", PublishedFileMissing),
        ("unsigned", TooFewSignatures),
    ],
)
def test_a_server_that_alters_a_file(
    shelf: tuple[Path, Path], tmp_path: Path, attack: str, error: type[LodelineError]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(shelf[0], folder)
    (tile,) = [path for path in (folder / "tile/0").rglob("*") if path.is_file()]
    (bundle,) = [path for path in (folder / "tile/entries").rglob("*") if path.is_file()]
    match attack:
        case "entry":
            data = bytearray(bundle.read_bytes())
            data[-1] ^= 1
            bundle.write_bytes(data)
        case "tile":
            tile.write_bytes(bytes(len(tile.read_bytes())))
        case "missing":
            bundle.unlink()
        case "unsigned":
            note = parse_note((folder / "checkpoint").read_bytes())
            one = assemble(parse_checkpoint_text(note.text), note.signatures[:1])
            (folder / "checkpoint").write_bytes(one)
    with pytest.raises(error):
        check_published(from_folder(folder), read_trust(shelf[1]))


def test_a_log_of_another_genesis_is_refused(shelf: tuple[Path, Path], tmp_path: Path) -> None:
    fields = json.loads(shelf[1].read_text())
    fields["genesis"] = "00" * 32
    (tmp_path / "trust.json").write_text(json.dumps(fields))
    with pytest.raises(WrongGenesis) as refused:
        check_published(from_folder(shelf[0]), read_trust(tmp_path / "trust.json"))
    assert refused.value.got is not None


def test_a_web_server_serves_the_files_and_nothing_else(shelf: tuple[Path, Path]) -> None:
    folder, trust = shelf
    app = Starlette(routes=tile_routes(folder))
    with WitnessClient("http://log.example", InProcess(app)) as web:
        assert check_published(web.file, read_trust(trust)).tiles == 1
        for path in ("tile/0/000", "tile/9/000.p/1", "trust.json"):
            with pytest.raises(PublishedFileMissing):
                web.file(path)
    http = client_of(app)
    (tile,) = [path for path in (folder / "tile/0").rglob("*") if path.is_file()]
    answer = http.get(f"/{tile.relative_to(folder)}")
    assert "immutable" in answer.headers["cache-control"]
    assert http.get("/checkpoint").headers["content-type"] == "text/plain; charset=utf-8"
    assert http.get("/tile/..%2fcheckpoint").status_code == 404


# ------------------------------------------------------------------ trust files and keys


def test_old_trust_files_stay_as_they_are(bench: Bench) -> None:
    path = bench.session.workspace.trust
    before = path.read_bytes()
    assert b"witness" not in before
    trust = read_trust(path)
    write_trust(bench.session.workspace, trust.witnessed_by(KEYS, 2), over=True)
    with_witnesses = read_trust(path)
    assert with_witnesses.policy().witnesses == KEYS
    assert renewed(bench.session.workspace, trust) == with_witnesses
    write_trust(bench.session.workspace, with_witnesses.witnessed_by((), 0), over=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("bend", "error"),
    [
        (lambda f: f.update(witness_threshold=1), WitnessThresholdOutOfRange),
        (lambda f: f.update(witnesses=[str(KEYS[0])]), WitnessThresholdOutOfRange),
        (
            lambda f: f.update(witnesses=[str(KEYS[0]), str(KEYS[0])], witness_threshold=1),
            PolicyRepeatsWitness,
        ),
        (lambda f: f.update(witness_threshold=-1), TrustFileMalformed),
        (lambda f: f.update(signers="friends"), TrustFileMalformed),
    ],
)
def test_trust_in_witnesses_that_cannot_be_is_refused(
    bench: Bench, tmp_path: Path, bend: object, error: type[LodelineError]
) -> None:
    assert callable(bend)
    fields = json.loads(bench.session.workspace.trust.read_text())
    bend(fields)
    (tmp_path / "bent.json").write_text(json.dumps(fields))
    with pytest.raises(error):
        read_trust(tmp_path / "bent.json")


def test_a_trust_file_that_says_something_twice_is_refused(bench: Bench, tmp_path: Path) -> None:
    text = bench.session.workspace.trust.read_text()
    (tmp_path / "twice.json").write_text(text.replace("{", '{"threshold": 1,', 1))
    with pytest.raises(TrustFileMalformed) as refused:
        read_trust(tmp_path / "twice.json")
    assert "threshold" in refused.value.reason


def test_the_key_of_a_witness_is_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with pytest.raises(WitnessKeyMissing):
        read_witness_key(folder / "witness.key")
    made = make_key(folder, KeyName("one.example"), SystemEntropy())
    file = folder / "witness.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_witness_key(file).key == made == parse_witness_key(str(made))
    with pytest.raises(WitnessKeyExists):
        make_key(folder, KeyName("one.example"), SystemEntropy())
    whole = file.read_bytes()
    for bent in (b"", whole[:-3], whole.replace(b"one", b"two"), whole + b"\n", b"\xff" + whole):
        file.write_bytes(bent)
        with pytest.raises(WitnessKeyMalformed):
            read_witness_key(file)
    file.write_bytes(whole)
    file.chmod(0o640)
    with pytest.raises(WitnessKeyExposed):
        read_witness_key(file)


def test_logs_are_named_once_and_whole(bench: Bench, tmp_path: Path) -> None:
    trust = bench.session.workspace.trust
    key = read_trust(trust).members[0]
    logs = followed_logs([f"other.example={key},{read_trust(trust).members[1]}"], [trust])
    assert sorted(logs) == ["other.example", str(bench.session.chain)]
    assert len(logs) == 2
    for named in ("", "x", "=x", "x="):
        with pytest.raises(LogNameMalformed):
            followed_logs([named], [])
    with pytest.raises(LogFollowedTwice):
        followed_logs([f"{bench.session.chain}={key}"], [trust])
    with pytest.raises(LogFollowedTwice), published_logs(["a=b", "a=c"]):
        pass
    with pytest.raises(NothingToFollow), witness_in(tmp_path, {}, NOW):
        pass


def test_evidence_that_shows_nothing_is_refused(bench: Bench, tmp_path: Path) -> None:
    note = signed(bench)
    policy = read_trust(bench.session.workspace.trust).policy()
    root = parse_checkpoint_text(parse_note(note).text).root
    (tmp_path / "e.json").write_bytes(ForkEvidence.of(policy, note, note, Beginning(root)).encode())
    with pytest.raises(EvidenceShowsNothing):
        check_evidence(tmp_path / "e.json", policy)
