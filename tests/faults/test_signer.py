"""The signer with the wrong clock signs what CometBFT would verify, with a later time in votes."""

import base64
import json
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from lodeline.crypto.entropy import SystemEntropy
from lodeline.crypto.signatures import SigningKey
from lodeline.engine.abci.framing import FrameReader, frame
from lodeline.faults.signer import (
    Field,
    MessageUnreadable,
    SkewedSigner,
    fields,
    message,
    voting_key,
)
from lodeline.node.comet_files import CometKeys, write_comet_keys

KEY = SigningKey.generate(SystemEntropy())
CHAIN = b"chain"
BLOCK = message([(1, 2, b"\x11" * 32), (2, 2, message([(1, 0, 1), (2, 2, b"\x22" * 32)]))])
NO_BLOCK = message([(2, 2, b"")])

NUMBERS = st.integers(1, 100)
FIELDS = st.one_of(
    st.tuples(NUMBERS, st.just(0), st.integers(0, 2**64 - 1)),
    st.tuples(NUMBERS, st.just(2), st.binary(max_size=40)),
    st.tuples(NUMBERS, st.just(1), st.binary(min_size=8, max_size=8)),
    st.tuples(NUMBERS, st.just(5), st.binary(min_size=4, max_size=4)),
)


def signer(seconds: int = 3600) -> SkewedSigner:
    return SkewedSigner(Path("/nowhere"), KEY, seconds)


def asked(kind: int, body: bytes) -> bytes:
    return message([(kind, 2, message([(1, 2, body), (2, 2, CHAIN)]))])


def answered(answer: bytes, kind: int) -> dict[int, int | bytes]:
    ((number, _, value),) = fields(answer)
    assert number == kind
    assert isinstance(value, bytes)
    ((_, _, inner),) = fields(value)
    assert isinstance(inner, bytes)
    return {number: value for number, _, value in fields(inner)}


def vote(block: bytes = BLOCK, round_: int = 0) -> bytes:
    time = message([(1, 0, 1_000), (2, 0, 5)])
    head: list[Field] = [(1, 0, 2), (2, 0, 7), *([(3, 0, round_)] if round_ else [])]
    return message([*head, (4, 2, block), (5, 2, time), (6, 2, b"\x33" * 20), (7, 0, 3)])


def holds(signature: object, signed: bytes) -> None:
    assert isinstance(signature, bytes)
    Ed25519PublicKey.from_public_bytes(bytes(KEY.public)).verify(signature, frame(signed))


@given(st.lists(FIELDS, max_size=8))
def test_messages_read_back(items: list[tuple[int, int, int | bytes]]) -> None:
    assert list(fields(message(items))) == items


@given(st.binary(max_size=40))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    with suppress(MessageUnreadable):
        assert len(list(fields(data))) <= len(data)


def test_a_vote_is_signed_with_an_hour_more() -> None:
    """Signed is CanonicalVote: fixed numbers, no round where it is 0, the chain at the end."""
    found = answered(signer().answer(asked(3, vote())), 4)
    later = message([(1, 0, 4_600), (2, 0, 5)])
    assert found[5] == later
    height = (7).to_bytes(8, "little")
    canonical: list[Field] = [
        (1, 0, 2),
        (2, 1, height),
        (4, 2, BLOCK),
        (5, 2, later),
        (6, 2, CHAIN),
    ]
    holds(found[8], message(canonical))
    assert (found[6], found[7]) == (b"\x33" * 20, 3)


def test_a_vote_for_nothing_names_no_block() -> None:
    found = answered(signer(0).answer(asked(3, vote(NO_BLOCK, round_=2))), 4)
    fixed: list[Field] = [(2, 1, (7).to_bytes(8, "little")), (3, 1, (2).to_bytes(8, "little"))]
    time = message([(1, 0, 1_000), (2, 0, 5)])
    holds(found[8], message([(1, 0, 2), *fixed, (5, 2, time), (6, 2, CHAIN)]))


def test_a_proposal_keeps_its_time() -> None:
    time = message([(1, 0, 1_000)])
    body: list[Field] = [(1, 0, 32), (2, 0, 7), (4, 0, 2**64 - 1), (5, 2, BLOCK), (6, 2, time)]
    found = answered(signer().answer(asked(5, message(body))), 6)
    assert found[6] == time
    height: Field = (2, 1, (7).to_bytes(8, "little"))
    known: list[Field] = [*body[2:], (7, 2, CHAIN)]
    holds(found[7], message([(1, 0, 32), height, *known]))


def test_it_says_its_key_and_that_it_is_there() -> None:
    assert answered(signer().answer(asked(1, b"")), 2) == {1: bytes(KEY.public)}
    assert signer().answer(message([(7, 2, b"")])) == message([(8, 2, b"")])


@pytest.mark.parametrize("request_", [b"", message([(9, 2, b"")]), message([(3, 0, 1)])])
def test_what_it_does_not_know_is_refused(request_: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        signer().answer(request_)


def test_the_voting_key_is_read_from_cometbft_s_file(tmp_path: Path) -> None:
    keys = CometKeys.generate(SystemEntropy())
    write_comet_keys(tmp_path, keys)
    path = tmp_path / "config" / "priv_validator_key.json"
    assert voting_key(path).public == keys.consensus.public
    stored = json.loads(path.read_text())["pub_key"]["value"]
    assert base64.b64decode(stored) == bytes(keys.consensus.public)


def test_it_comes_back_when_the_engine_does(tmp_path: Path) -> None:
    address = tmp_path / "s"
    made = SkewedSigner(address, KEY, 0)
    made.start()
    try:
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(address))
                listener.listen()
                listener.settimeout(20)
                link, _ = listener.accept()
                with link:
                    link.sendall(frame(message([(7, 2, b"")])))
                    (answer,) = FrameReader().messages(link.recv(100))
                    assert answer == message([(8, 2, b"")])
            address.unlink()
    finally:
        made.stop()
