"""A validator's HTTP API: what it answers, and by what name it refuses."""

import asyncio
import hashlib
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.consortium_api.network import Network, Node
from tests.engine.ledgers import anchors
from tests.ledger.test_protocols import requiring

from lodeline.crypto.signatures import SigningKey
from lodeline.engine.consortium.api import preferred_language
from lodeline.engine.consortium.desk import CometMempool, Desk, Share, Shares
from lodeline.engine.consortium.refusals import MemberQuotaFull, SubmissionForgotten
from lodeline.engine.consortium.refusals_http import (
    BodyTooLarge,
    CheckpointNotHere,
    ConsensusUnreachable,
    MediaTypeRefused,
    MemberTooFast,
    MempoolFull,
    MethodRefused,
    PathUnknown,
    QueryMalformed,
    SnapshotNotHere,
    SubmissionUndecided,
    ValidatorBroken,
)
from lodeline.engine.consortium.relay import PackedRefusal, unpack_refusal
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.consortium.wire_http import (
    CBOR,
    MAX_STRETCH_LEAVES,
    AnswerW,
    Refused,
    RequiredProtocol,
    Taken,
    ValidatorStatus,
)
from lodeline.kernel import cbor
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import ChainId, Hash32, MemberId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import (
    CheckpointPolicy,
    verify_checkpoint,
    verify_growth,
    verify_logged,
)
from lodeline.ledger.entries import ProtocolVersion, SetStatus, Status, encode_entry
from lodeline.ledger.merkle import (
    ConsistencyProof,
    InclusionProof,
    IndexBeyondTree,
    LeafIndex,
    TreeShrank,
)
from lodeline.ledger.merklelog import SizeBeyondLog
from lodeline.ledger.protocols import KNOWN_PROTOCOLS
from lodeline.ledger.refusals_entries import MemberNotActive, UnknownMember
from lodeline.ledger.refusals_submissions import (
    SubmissionMalformed,
    SubmissionOfOther,
    SubmissionSignatureInvalid,
)
from lodeline.ledger.submissions import MAX_SUBMISSION_BYTES

MINER = MemberId("miner")


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes["authority"]


@pytest.fixture
def http(node: Node) -> Iterator[httpx.Client]:
    with httpx.Client(base_url="http://authority.test", transport=node.wire) as client:
        yield client


def problem(answer: httpx.Response, error: type[LodelineError], **fields: object) -> LodelineError:
    """Return the refusal that an answer carries, after holding it to RFC 9457."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == f"urn:lodeline:problem:{error.code}"
    assert told["status"] == answer.status_code == error.status
    assert told["title"]
    assert told["detail"]
    found = unpack_refusal(msgspec.convert(told["refusal"], PackedRefusal))
    assert type(found) is error
    known = found.fields()
    assert {name: known[name] for name in fields} == fields
    return found


def signed(network: Network, entries: list[bytes], member: str = "miner") -> bytes:
    signer = MemberSigner(MemberId(member), network.world.parties[member].key)
    return signer.signed(network.chain, tuple(entries), None)


def post(http: httpx.Client, body: bytes, media: str = CBOR) -> httpx.Response:
    return http.post("/v1/submissions", content=body, headers={"Content-Type": media})


def answers(response: httpx.Response) -> list[AnswerW]:
    assert response.status_code == 200
    return msgspec.json.decode(response.content, type=list[AnswerW])


# ------------------------------------------------------------------ reading


def test_the_newest_checkpoint(network: Network, node: Node, http: httpx.Client) -> None:
    answer = http.get("/v1/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.content == node.ledger.signed_checkpoint()
    network.grow(*anchors(network.world, range(2)))
    assert http.get("/v1/checkpoint").content == node.ledger.signed_checkpoint() != answer.content


def test_a_checkpoint_of_a_size(network: Network, node: Node, http: httpx.Client) -> None:
    before = node.ledger.size
    old = node.ledger.signed_checkpoint()
    network.grow(*anchors(network.world, range(5)))
    new = node.ledger.signed_checkpoint()
    assert http.get("/v1/checkpoint", params={"size": before}).content == old
    assert http.get("/v1/checkpoint", params={"upto": before + 4}).content == old
    assert http.get("/v1/checkpoint", params={"upto": before + 5}).content == new
    assert http.get("/v1/checkpoint", params={"upto": 2**62}).content == new
    for params in ({"size": before + 1}, {"size": 2**62}, {"upto": 0}):
        (size,) = params.values()
        problem(http.get("/v1/checkpoint", params=params), CheckpointNotHere, size=size)


def test_leaves_come_in_bounded_stretches(
    network: Network, node: Node, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.grow(*anchors(network.world, range(20)))
    size = node.ledger.size
    whole = list(node.ledger.entries(LeafIndex(0), size))
    assert leaves(http, 0, size) == whole
    assert leaves(http, 3, 5) == whole[3:5]
    assert leaves(http, 0, 2**62) == whole
    assert leaves(http, 5, 5) == leaves(http, 9, 3) == leaves(http, size, size + 9) == []
    monkeypatch.setattr("lodeline.engine.consortium.published.MAX_STRETCH_LEAVES", 7)
    assert leaves(http, 2, size) == whole[2:9]
    monkeypatch.setattr("lodeline.engine.consortium.published.MAX_STRETCH_BYTES", 1)
    assert leaves(http, 2, size) == whole[2:3]
    assert MAX_STRETCH_LEAVES > 7


def leaves(http: httpx.Client, start: int, end: int) -> object:
    answer = http.get("/v1/entries", params={"start": start, "end": end})
    assert answer.headers["content-type"] == CBOR
    return cbor.decode(answer.content, max_bytes=10_000_000)


def test_proofs_hold(network: Network, node: Node, http: httpx.Client) -> None:
    old = verify_checkpoint(node.ledger.signed_checkpoint(), solo(network, node))
    network.grow(*anchors(network.world, range(9)))
    new = verify_checkpoint(node.ledger.signed_checkpoint(), solo(network, node))
    for index in range(new.size):
        answer = http.get("/v1/proof/inclusion", params={"index": index, "size": new.size})
        proof = msgspec.json.decode(answer.content, type=InclusionProof)
        verify_logged(new, node.ledger.leaf(LeafIndex(index)), proof)
    answer = http.get("/v1/proof/consistency", params={"old": old.size, "new": new.size})
    verify_growth(old, new, msgspec.json.decode(answer.content, type=ConsistencyProof))


def solo(network: Network, node: Node) -> CheckpointPolicy:
    return msgspec.structs.replace(network.policy, members=(node.verifier,), threshold=1)


def test_proofs_that_there_are_not(node: Node, http: httpx.Client) -> None:
    size = node.ledger.size
    get = http.get
    problem(get("/v1/proof/inclusion", params={"index": size, "size": size}), IndexBeyondTree)
    problem(get("/v1/proof/inclusion", params={"index": 0, "size": size + 1}), SizeBeyondLog)
    problem(get("/v1/proof/consistency", params={"old": 2, "new": 1}), TreeShrank)
    problem(get("/v1/proof/consistency", params={"old": 2, "new": 2**60}), SizeBeyondLog)


def test_how_the_validator_stands(network: Network, node: Node, http: httpx.Client) -> None:
    status = msgspec.json.decode(http.get("/v1/status").content, type=ValidatorStatus)
    checkpoint = node.ledger.checkpoint(network.policy.origin)
    assert (status.chain, status.member) == (network.chain, "authority")
    assert (status.size, status.log_root) == (checkpoint.size, checkpoint.root)
    assert (status.state_root, status.time) == (checkpoint.state, checkpoint.time)
    assert (status.signed, status.signatures) == (checkpoint.size, 1)
    assert (status.validators, status.needed) == (4, 3)


def test_what_the_members_require_of_programs(network: Network, http: httpx.Client) -> None:
    at = BlockTime(network.moment + 100)
    network.grow(encode_entry(network.world.govern(requiring(2, at, "2.x"))))
    status = msgspec.json.decode(http.get("/v1/status").content, type=ValidatorStatus)
    assert status.known == tuple(KNOWN_PROTOCOLS)
    assert status.required == (RequiredProtocol(ProtocolVersion(2), at, "2.x"),)


def test_founding_and_snapshot(network: Network, http: httpx.Client) -> None:
    assert http.get("/v1/founding").content == network.founding
    problem(http.get("/v1/snapshot"), SnapshotNotHere)
    network.statement = b"signed"
    assert http.get("/v1/snapshot").content == b"signed"


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "1.5", "0x10", "१", " 1", "1e3", "9" * 30, "9" * 19 + "9"]
)
def test_numbers_that_are_none(http: httpx.Client, value: str) -> None:
    for path, name in (
        ("/v1/checkpoint", "size"),
        ("/v1/checkpoint", "upto"),
        ("/v1/entries", "start"),
        ("/v1/proof/inclusion", "index"),
        ("/v1/proof/consistency", "old"),
    ):
        others = {"end": "5", "new": "5"}
        answer = http.get(path, params=others | {name: value})
        problem(answer, QueryMalformed, name=name, text=value)


@pytest.mark.parametrize("path", ["entries?start=0&end={}", "entries?start={0}&end={0}"])
def test_the_largest_numbers_there_are(node: Node, http: httpx.Client, path: str) -> None:
    answer = http.get(f"/v1/{path.format(2**63 - 1)}")
    assert answer.status_code == 200


def test_missing_numbers(http: httpx.Client) -> None:
    problem(http.get("/v1/entries"), QueryMalformed, name="start", text="")
    problem(http.get("/v1/entries?start=1"), QueryMalformed, name="end", text="")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/status", "/v1/status/", "/v1/../etc"])
def test_there_is_nothing_else(http: httpx.Client, path: str) -> None:
    problem(http.get(path), PathUnknown)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "OPTIONS"])
def test_reading_changes_nothing(http: httpx.Client, method: str) -> None:
    answer = http.request(method, "/v1/status")
    problem(answer, MethodRefused, method=method)
    assert answer.headers["allow"]


def test_handing_in_is_posted(http: httpx.Client) -> None:
    problem(http.get("/v1/submissions"), MethodRefused, method="GET")


# ------------------------------------------------------------------ languages


def test_problems_in_french(http: httpx.Client) -> None:
    english = http.get("/x")
    french = http.get("/x", headers={"Accept-Language": "fr-BE, en;q=0.5"})
    assert english.headers["content-language"] == "en"
    assert french.headers["content-language"] == "fr"
    assert french.headers["vary"] == "Accept-Language"
    assert french.json()["detail"] == PathUnknown("/x").message("fr") != english.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "lang"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("en, fr", "en"),
        ("fr, en", "en"),
        ("fr, en;q=0.9", "fr"),
        ("en;q=0.1, fr;q=0.2", "fr"),
        ("fr;q=0", "en"),
        ("de, fr;q=0.1", "fr"),
        ("fr;q=x", "en"),
        ("fr;q=\u0661", "en"),
        (",;=,", "en"),
    ],
)
def test_the_preferred_language(accept: str, lang: str) -> None:
    assert preferred_language(accept) == lang


@pytest.mark.fuzz
@given(st.text(max_size=60))
def test_any_header_has_a_language(accept: str) -> None:
    assert preferred_language(accept) in ("en", "fr")


# ------------------------------------------------------------------ handing in


def test_entries_are_accepted(network: Network, node: Node, http: httpx.Client) -> None:
    entries = anchors(network.world, range(3))
    size = node.ledger.size
    told = answers(post(http, signed(network, entries)))
    assert [claim.index for claim in told if isinstance(claim, Taken)] == [size, size + 1, size + 2]


def test_the_second_time_gives_the_same_receipts(
    network: Network, node: Node, http: httpx.Client
) -> None:
    body = signed(network, anchors(network.world, range(3)))
    first = answers(post(http, body))
    assert answers(post(http, body)) == first
    other = signed(network, anchors(network.world, range(3)), "refiner")
    assert answers(post(http, other)) == first
    assert node.offered == [body]


def test_what_the_log_has_among_what_it_has_not(network: Network, http: httpx.Client) -> None:
    entries = anchors(network.world, range(3))
    (known,) = answers(post(http, signed(network, entries[:1])))
    told = answers(post(http, signed(network, entries)))
    assert told[0] == known
    assert all(isinstance(claim, Refused) for claim in told[1:])


def test_refusals_are_told_in_the_language_of_the_client(
    network: Network, http: httpx.Client
) -> None:
    body = signed(network, [b"nonsense"])
    http.headers["Accept-Language"] = "fr"
    (told,) = answers(post(http, body))
    assert isinstance(told, Refused)
    assert told.detail == unpack_refusal(told.refusal).message("fr")


def test_envelopes_are_refused_before_anything_costs(
    network: Network, node: Node, http: httpx.Client
) -> None:
    entries = anchors(network.world, range(1))
    wrong = MemberSigner(MINER, SigningKey(bytes(32)))
    problem(
        post(http, wrong.signed(network.chain, tuple(entries), None)),
        SubmissionSignatureInvalid,
        member="miner",
    )
    stranger = MemberSigner(MemberId("nobody"), SigningKey(bytes(32)))
    problem(post(http, stranger.signed(network.chain, tuple(entries), None)), UnknownMember)
    miner = MemberSigner(MINER, network.world.parties["miner"].key)
    elsewhere = miner.signed(ChainId("elsewhere"), tuple(entries), None)
    problem(post(http, elsewhere), SubmissionOfOther)
    body = signed(network, entries)
    problem(post(http, body[:-1] + bytes([body[-1] ^ 1])), SubmissionSignatureInvalid)
    for mangled in (b"", b"\x80", body[:-1], body + b"\0", b"{}"):
        problem(post(http, mangled), SubmissionMalformed)
    assert not node.offered
    assert not node.desk._shares.used


def test_a_suspended_member_hands_nothing_in(
    network: Network, node: Node, http: httpx.Client
) -> None:
    vote = network.world.govern(SetStatus(MINER, Status.SUSPENDED))
    network.grow(encode_entry(vote))
    problem(post(http, signed(network, anchors(network.world, range(1)))), MemberNotActive)
    assert not node.offered


def test_other_media_types(http: httpx.Client) -> None:
    for media in ("", "application/json", "text/plain", "application/x-www-form-urlencoded"):
        problem(post(http, b"{}", media), MediaTypeRefused, got=media)


def test_a_body_that_is_too_large(node: Node, http: httpx.Client) -> None:
    problem(post(http, bytes(MAX_SUBMISSION_BYTES + 1)), BodyTooLarge, limit=MAX_SUBMISSION_BYTES)
    problem(post(http, bytes(MAX_SUBMISSION_BYTES)), SubmissionMalformed)


def test_a_body_that_never_ends_is_not_read_to_its_end(node: Node) -> None:
    """It announces no length, and goes on and on."""
    sent = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        assert sent < 10
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    got: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        got.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/submissions",
        "raw_path": b"/v1/submissions",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", CBOR.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    asyncio.run(node.app(scope, receive, send))  # type: ignore[arg-type]  # ASGI's own types
    assert got[0]["status"] == BodyTooLarge.status
    assert sent == 5


def test_what_nobody_foresaw_is_a_problem_too(
    node: Node, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError(data)

    monkeypatch.setattr(node.desk, "answers", fail)
    answer = post(http, b"x")
    problem(answer, ValidatorBroken)
    assert b"ZeroDivision" not in answer.content


# ------------------------------------------------------------------ shares


def test_a_member_s_share_of_bytes() -> None:
    shares = Shares(Share(quota_bytes=100))
    with shares.taken(MINER, 70, 0.0):
        with pytest.raises(MemberQuotaFull) as refused, shares.taken(MINER, 40, 0.0):
            pass
        assert (refused.value.member, refused.value.waiting, refused.value.quota) == (
            MINER,
            70,
            100,
        )
        assert refused.value.status == 429
        with shares.taken(MINER, 30, 0.0), shares.taken(MemberId("other"), 100, 0.0):
            pass
    with shares.taken(MINER, 500, 0.0):  # one alone is never too large for a share
        pass
    assert {used.pending for used in shares.used.values()} == {0}


def test_a_member_s_share_of_submissions() -> None:
    shares = Shares(Share(quota_bytes=100, submissions=3, seconds=10))
    for moment in (0.0, 3.0, 9.0):
        with shares.taken(MINER, 1, moment):
            pass
    with pytest.raises(MemberTooFast) as refused, shares.taken(MINER, 1, 9.9):
        pass
    assert (refused.value.member, refused.value.limit, refused.value.seconds) == (MINER, 3, 10)
    with shares.taken(MemberId("other"), 1, 9.9):
        pass
    with shares.taken(MINER, 1, 10.0):
        pass


def test_a_share_that_is_used_up_is_a_problem(network: Network, node: Node) -> None:
    node.desk._shares.share = Share(quota_bytes=10**6, submissions=0)
    with httpx.Client(base_url="http://authority.test", transport=node.wire) as http:
        problem(post(http, signed(network, anchors(network.world, range(1)))), MemberTooFast)


# ------------------------------------------------------------------ the consensus process


class Halting:
    """A mempool that takes submissions, or does not, and decides nothing."""

    def __init__(self, failure: LodelineError | None = None) -> None:
        self.failure = failure

    async def offer(self, submission: bytes) -> None:
        if self.failure is not None:
            raise self.failure


def desk(network: Network, mempool: Halting) -> Desk:
    node = network.nodes["authority"]
    return Desk(node.ledger, mempool, node.outcomes, Share(10**6), decide_seconds=0.01)


def test_nobody_waits_for_ever(network: Network) -> None:
    body = signed(network, anchors(network.world, range(1)))
    with pytest.raises(SubmissionUndecided):
        asyncio.run(desk(network, Halting()).answers(body))
    assert not network.nodes["authority"].outcomes._awaited


@pytest.mark.parametrize("failure", [ConsensusUnreachable("off"), MempoolFull("9 of 9")])
def test_a_consensus_process_that_takes_nothing(network: Network, failure: LodelineError) -> None:
    body = signed(network, anchors(network.world, range(1)))
    with pytest.raises(type(failure)):
        asyncio.run(desk(network, Halting(failure)).answers(body))
    assert not network.nodes["authority"].outcomes._awaited


def test_receipts_are_given_for_what_is_durable_alone(network: Network) -> None:
    """Whoever reports an acceptance that the ledger does not have is not believed."""
    node = network.nodes["authority"]
    body = signed(network, anchors(network.world, range(1)))

    class Overhasty:
        async def offer(self, submission: bytes) -> None:
            made_up = network._tried(node, anchors(network.world, range(1)))
            node.outcomes.resolve(Hash32(hashlib.sha256(submission).digest()), made_up)

    told = Desk(node.ledger, Overhasty(), node.outcomes, Share(10**6))
    (answer,) = asyncio.run(told.answers(body))
    assert isinstance(answer, SubmissionForgotten)


def rpc(reply: bytes | Exception, asked: list[object]) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(msgspec.json.decode(request.content))
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(200, content=reply)

    return httpx.MockTransport(handle)


def offered(reply: bytes | Exception, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    asked: list[object] = []
    real = httpx.AsyncClient
    monkeypatch.setattr(
        "lodeline.engine.consortium.desk.httpx.AsyncClient",
        lambda **values: real(transport=rpc(reply, asked), **values),
    )
    asyncio.run(CometMempool("tcp://127.0.0.1:26657").offer(b"\x01\x02"))
    return asked


@pytest.mark.parametrize(
    "reply",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"code":0,"data":"","log":"","hash":"AB"}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"code":2,"data":"gA==","log":"x","hash":"AB"}}',
        b'{"error":{"code":-32603,"message":"Internal","data":"tx already exists in cache"}}',
    ],
)
def test_what_cometbft_takes(reply: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (asked,) = offered(reply, monkeypatch)
    assert asked == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "broadcast_tx_sync",
        "params": {"tx": "AQI="},
    }


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (
            b'{"error":{"code":-32603,"message":"Internal error","data":"mempool is full: 9"}}',
            MempoolFull,
        ),
        (b'{"error":{"code":-32603,"message":"Internal error","data":"x"}}', ConsensusUnreachable),
        (b"<html>", ConsensusUnreachable),
        (httpx.ConnectError("refused"), ConsensusUnreachable),
        (httpx.ReadTimeout("slow"), ConsensusUnreachable),
    ],
)
def test_what_cometbft_does_not_take(
    reply: bytes | Exception, error: type[LodelineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(error) as refused:
        offered(reply, monkeypatch)
    assert refused.value.status == 503
