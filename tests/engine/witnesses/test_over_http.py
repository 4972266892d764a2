"""A witness over HTTP: the statuses of the protocol, and servers that lie to their clients."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.engine.witnesses.in_process import InProcess, client_of
from tests.engine.witnesses.logs import NOW, ORIGIN, Log, a_witness, signed, witness_key

from lodeline.engine.witnesses.app import witness_app
from lodeline.engine.witnesses.client import (
    WitnessAnswered,
    WitnessClient,
    WitnessCosignedNothing,
    WitnessUnreachable,
    cosigned_by,
)
from lodeline.engine.witnesses.evidence import read_evidence
from lodeline.engine.witnesses.request import MAX_REQUEST_BYTES, AddCheckpoint
from lodeline.engine.witnesses.shelf import origin_hash
from lodeline.engine.witnesses.witness import Witness
from lodeline.ledger.checkpoint import Origin
from lodeline.ledger.cosignature import CosignatureInvalid, verified_witnesses
from lodeline.ledger.merkle import TreeShrank, TreeSize
from lodeline.ledger.signednote import MAX_NOTE_BYTES, NoteError, parse_note

HONEST = Log.of(40)
KNOWN = [witness_key("w1"), witness_key("w2")]


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return a_witness(tmp_path)


@pytest.fixture
def server(witness: Witness) -> httpx.Client:
    return client_of(witness_app(witness))


@pytest.fixture
def client(witness: Witness) -> WitnessClient:
    return WitnessClient("http://witness.example/", InProcess(witness_app(witness)))


def post(server: httpx.Client, log: Log, old: int, new: int) -> httpx.Response:
    return server.post("/add-checkpoint", content=log.request(old, new).encode())


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> WitnessClient:
    return WitnessClient("http://witness.example", httpx.MockTransport(answer))


# ------------------------------------------------------------------ the protocol


def test_a_cosignature_comes_back_as_a_line(server: httpx.Client) -> None:
    answer = post(server, HONEST, 0, 5)
    assert (answer.status_code, answer.text[:2]) == (200, "— ")
    note = parse_note(HONEST.at(5).text().encode() + b"\n" + answer.content)
    assert verified_witnesses(note, KNOWN) == {witness_key("w1"): NOW}


def test_statuses_are_those_of_the_protocol(server: httpx.Client) -> None:
    assert post(server, HONEST, 0, 5).status_code == 200
    elsewhere = Log.of(5, origin=Origin("elsewhere.example"))
    unsigned = AddCheckpoint(TreeSize(5), (), signed(HONEST.at(9), "c")).encode()
    bad_proof = AddCheckpoint(TreeSize(5), (), HONEST.note(9)).encode()
    shrunk = AddCheckpoint(TreeSize(9), (), HONEST.note(5)).encode()
    for body, status in (
        (b"old 5\n", 400),
        (b"old 5\n\nno note", 400),
        (b"old 9223372036854775808\n\nno note", 400),
        (shrunk, 400),
        (unsigned, 403),
        (elsewhere.request(0, 5).encode(), 404),
        (bad_proof, 422),
        (bytes(MAX_REQUEST_BYTES + 1), 413),
    ):
        answer = server.post("/add-checkpoint", content=body)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"
    assert server.get("/add-checkpoint").status_code == 405


def test_a_conflict_tells_the_last_size(server: httpx.Client) -> None:
    post(server, HONEST, 0, 5)
    for answer in (post(server, HONEST, 0, 9), post(server, Log.of(5, fork=2), 5, 5)):
        assert (answer.status_code, answer.content) == (409, b"5\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"


def test_refusals_come_in_the_language_that_is_asked_for(server: httpx.Client) -> None:
    texts = [
        server.post("/add-checkpoint", content=b"", headers={"accept-language": lang}).text
        for lang in ("en", "fr-FR,fr;q=0.9")
    ]
    assert texts[0] != texts[1]


def test_everybody_can_read_key_checkpoint_and_evidence(
    server: httpx.Client, witness: Witness
) -> None:
    path = f"/logs/{origin_hash(ORIGIN)}/checkpoint"
    assert server.get(path).status_code == 404
    assert server.get("/alarms").json() == {"alarms": []}
    post(server, HONEST, 0, 5)
    assert server.get(path).content == witness.shelf.checkpoint(ORIGIN)
    assert server.get("/key").text == f"{witness.key}\n"
    post(server, Log.of(5, fork=2), 5, 5)
    (named,) = server.get("/alarms").json()["alarms"]
    assert named["origin"] == ORIGIN
    data = server.get(f"/alarms/{named['evidence']}").content
    assert read_evidence(data).verify().kind == "entries"
    assert server.get("/alarms/00").status_code == 404
    assert server.get("/logs/..%2f..%2fwitness.key/checkpoint").status_code == 404


# ------------------------------------------------------------------ the client


def test_a_client_finds_out_from_where_to_prove(client: WitnessClient) -> None:
    for size in (3, 8, 8, 21):
        done = cosigned_by(client, HONEST.note(size), KNOWN, HONEST.prove_consistency)
        assert done.by == {witness_key("w1"): NOW}
        assert verified_witnesses(parse_note(done.note), KNOWN) == done.by
        again = cosigned_by(client, done.note, KNOWN, HONEST.prove_consistency)
        assert again == done
    latest = client.latest(ORIGIN)
    assert latest is not None
    assert parse_note(latest).text == HONEST.at(21).text()
    assert client.latest(Origin("elsewhere.example")) is None


def test_an_operator_whose_log_is_another_one_is_told(client: WitnessClient) -> None:
    cosigned_by(client, HONEST.note(21), KNOWN, HONEST.prove_consistency)
    short = Log.of(9)
    with pytest.raises(TreeShrank):
        cosigned_by(client, short.note(), KNOWN, short.prove_consistency)
    liar = Log.of(21, fork=3)
    with pytest.raises(WitnessAnswered) as refused:
        cosigned_by(client, liar.note(), KNOWN, liar.prove_consistency)
    assert refused.value.answered in {403, 409}


def test_a_witness_that_nobody_knows_counts_for_nothing(client: WitnessClient) -> None:
    with pytest.raises(WitnessCosignedNothing) as refused:
        cosigned_by(client, HONEST.note(5), KNOWN[1:], HONEST.prove_consistency)
    assert refused.value.known == (witness_key("w2").name,)


def test_a_witness_that_forges_a_line_of_another_one(server: httpx.Client) -> None:
    line = post(server, HONEST, 0, 5).content
    for size, error in ((9, CosignatureInvalid), (5, None)):
        forging = answering(lambda _: httpx.Response(200, content=line))
        if error is None:
            cosigned_by(forging, HONEST.note(size), KNOWN, HONEST.prove_consistency)
            continue
        with pytest.raises(error):
            cosigned_by(forging, HONEST.note(size), KNOWN, HONEST.prove_consistency)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, content=b"hello"), NoteError),
        (httpx.Response(200, content=b""), NoteError),
        (httpx.Response(200, content=bytes(MAX_NOTE_BYTES + 1)), WitnessAnswered),
        (httpx.Response(302, headers={"location": "http://elsewhere.example"}), WitnessAnswered),
        (httpx.Response(500, content=b"oops"), WitnessAnswered),
        (httpx.Response(409, content=b"7\n"), WitnessAnswered),
        (
            httpx.Response(409, content=b"x\n", headers={"content-type": "text/x.tlog.size"}),
            WitnessAnswered,
        ),
        (
            httpx.Response(409, content=b"0\n", headers={"content-type": "text/x.tlog.size"}),
            WitnessAnswered,
        ),
        (
            httpx.Response(
                409, content=b"9" * 19 + b"\n", headers={"content-type": "text/x.tlog.size"}
            ),
            TreeShrank,
        ),
    ],
)
def test_a_server_that_answers_nonsense(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        cosigned_by(answering(lambda _: answer), HONEST.note(5), KNOWN, HONEST.prove_consistency)


def test_a_witness_that_keeps_changing_its_size_is_given_up() -> None:
    asked: list[bytes] = []

    def restless(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        kind = {"content-type": "text/x.tlog.size"}
        return httpx.Response(409, content=b"%d\n" % len(asked), headers=kind)

    with pytest.raises(WitnessAnswered):
        cosigned_by(answering(restless), HONEST.note(9), KNOWN, HONEST.prove_consistency)
    assert len(asked) == 3


def test_a_witness_that_hangs_is_unreachable() -> None:
    def hang(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    with pytest.raises(WitnessUnreachable) as refused:
        answering(hang).latest(ORIGIN)
    assert refused.value.url == "http://witness.example"


def test_problems_are_json(server: httpx.Client) -> None:
    assert json.loads(server.post("/add-checkpoint", content=b"").text)["type"].startswith("urn:")


def test_evidence_that_somebody_changed_is_a_problem(
    server: httpx.Client, witness: Witness
) -> None:
    folder = witness.shelf.folder / "alarms"
    folder.mkdir()
    (folder / "00.json").write_text("{}")
    answers = [server.get("/alarms"), post(server, HONEST, 0, 5)]
    for answer in answers:
        assert (answer.status_code, answer.json()["title"]) == (422, "fork evidence malformed")
