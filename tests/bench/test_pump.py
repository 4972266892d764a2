"""The load for validators: every submission once, the next validator where one is gone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from lodeline.bench.consortium import ConsortiumFigures
from lodeline.bench.pump import LoadRefused, enveloped, pump
from lodeline.bench.world import BENCH_CHAIN, NOW, World
from lodeline.engine.consortium.relay import pack_refusal
from lodeline.engine.consortium.sending import MemberSigner
from lodeline.engine.consortium.wire_http import AnswerW, Refused, Taken
from lodeline.kernel.ids import EntryHash
from lodeline.ledger.entries import EntryId
from lodeline.ledger.merkle import LeafIndex
from lodeline.ledger.refusals_entries import NoGenesis
from lodeline.ledger.submissions import decode_submission

TAKEN = Taken(LeafIndex(0), EntryId(bytes(32)), EntryHash(bytes(32)), NOW)
REFUSED = Refused("no", pack_refusal(NoGenesis()))
NOBODY = "http://127.0.0.1:9"
"""The port of a service that throws everything away, and listens nowhere nowadays."""


@contextmanager
def validator(answer: Callable[[bytes], list[AnswerW]]) -> Iterator[str]:
    """Serve on the loopback what answers submissions; give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            data = msgspec.json.encode(answer(body))
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def submissions(count: int) -> list[bytes]:
    return [f"submission {number}".encode() for number in range(count)]


def test_every_submission_is_handed_in_once() -> None:
    got: list[bytes] = []

    def taken(body: bytes) -> list[AnswerW]:
        got.append(body)
        return [TAKEN, TAKEN, TAKEN]

    with validator(taken) as one, validator(taken) as other:
        done = pump([one, other], submissions(40))
    assert sorted(got) == sorted(submissions(40))
    assert done.entries == 120
    assert done.ended > done.began
    assert done.per_second == pytest.approx(120 / (done.ended - done.began))


def test_a_validator_that_is_gone_is_left_out() -> None:
    got: list[bytes] = []

    def taken(body: bytes) -> list[AnswerW]:
        got.append(body)
        return [TAKEN]

    with validator(taken) as there:
        assert pump([NOBODY, there], submissions(5)).entries == 5
    assert sorted(got) == submissions(5)


def test_an_entry_that_is_refused_ends_the_load() -> None:
    with validator(lambda _: [TAKEN, REFUSED]) as url, pytest.raises(LoadRefused) as refused:
        pump([url], submissions(1))
    assert (refused.value.url, refused.value.reason) == (url, "no")


def test_a_load_that_nobody_takes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lodeline.bench.pump._TRIES", 2)
    monkeypatch.setattr("lodeline.bench.pump._REST_SECONDS", 0)
    with pytest.raises(LoadRefused) as refused:
        pump([NOBODY], submissions(1))
    assert refused.value.url == NOBODY
    assert refused.value.reason


def test_a_load_can_be_ended_early() -> None:
    enough = threading.Event()

    def taken(_: bytes) -> list[AnswerW]:
        enough.set()
        return [TAKEN]

    with validator(taken) as url:
        assert 1 <= pump([url], submissions(1_000), enough).entries < 1_000


def test_envelopes_hold_every_entry_and_are_signed_in_turn() -> None:
    world = World()
    signers = [MemberSigner(spec.member, keys.signing) for spec, keys in world.founders()]
    entries = world.anchors(600)
    assert len(set(entries)) == 600
    bodies = [
        decode_submission(data).body for data in enveloped(BENCH_CHAIN, entries, signers, NOW)
    ]
    assert [entry for body in bodies for entry in body.entries] == entries
    assert [body.member for body in bodies] == ["auditor", "operator", "auditor"]
    assert {body.day for body in bodies} == {NOW}


def test_entries_of_a_later_load_are_others() -> None:
    world = World()
    assert set(world.anchors(3)).isdisjoint(world.anchors(3, first=3))


def test_the_figures_have_the_names_that_readers_look_for() -> None:
    assert {field.name for field in fields(ConsortiumFigures)} == {
        "embedded_signed_per_s",
        "validators4_signed_per_s",
        "validators4_median_block_s",
        "embedded_transforms_per_s",
        "validators4_transforms_per_s",
        "floor_transforms_per_s",
        "catch_up_s",
        "snapshot_join_s",
        "replay_join_s",
        "bytes_per_transform",
    }
