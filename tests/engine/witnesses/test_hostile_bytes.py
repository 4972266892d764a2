"""Mutated requests, notes, keys and evidence: a value or a named refusal, and nothing is forged."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, a_witness, witness_key

from lodeline.engine.witnesses.evidence import Beginning, ForkEvidence, read_evidence
from lodeline.engine.witnesses.request import parse_request
from lodeline.kernel.errors import LodelineError
from lodeline.ledger.cosignature import parse_witness_key

pytestmark = pytest.mark.fuzz

HONEST, LIAR = Log.of(21), Log.of(21, fork=2)
REQUEST = HONEST.request(5, 21).encode()
SHOWN = Beginning(LIAR.at(5).root, LIAR.request(5, 21).path)
EVIDENCE = ForkEvidence.of(POLICY, HONEST.note(5), LIAR.note(21), SHOWN).encode()
KEY = str(witness_key("w1")).encode()


@st.composite
def bent(draw: st.DrawFn, data: bytes) -> bytes:
    """Cut, repeat, overwrite or insert a few bytes somewhere."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        new = draw(st.one_of(st.binary(max_size=4), st.just(data[at:end] * 2), st.just(b"\n")))
        data = data[:at] + new + data[end:]
    return data


@given(bent(REQUEST))
def test_a_bent_request_is_refused_or_canonical(data: bytes) -> None:
    try:
        request = parse_request(data)
    except LodelineError:
        return
    assert request.encode() == data


@given(bent(KEY))
def test_a_bent_key_is_refused_or_canonical(data: bytes) -> None:
    text = data.decode("utf-8", errors="replace")
    try:
        key = parse_witness_key(text)
    except LodelineError:
        return
    assert str(key) == text


@given(bent(EVIDENCE))
def test_bent_evidence_shows_the_same_fork_or_none(data: bytes) -> None:
    try:
        fork = read_evidence(data).verify(POLICY)
    except LodelineError:
        return
    assert (fork.first, fork.second) == (HONEST.at(5), LIAR.at(21))


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "\\udfff\\ud800"])
def test_evidence_with_characters_that_no_text_has(text: str) -> None:
    data = EVIDENCE.replace(b'"first": "', b'"first": "' + text.encode())
    with pytest.raises(LodelineError):
        read_evidence(data).verify(POLICY)


@given(st.data())
def test_a_witness_cosigns_nothing_but_the_log(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    witness = a_witness(Path(tmp_path_factory.mktemp("w")))
    witness.add(HONEST.request(0, 5))
    body = data.draw(bent(REQUEST))
    with contextlib.suppress(LodelineError):
        witness.add(parse_request(body))
    last = witness.last(ORIGIN)
    assert last is not None
    assert last.checkpoint in {HONEST.at(5), HONEST.at(21)}
    assert witness.shelf.alarms() == ()
    witness.shelf.close()
