"""Evidence that a third party checks: what shows a fork, and what accuses the innocent."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.witnesses.logs import ORIGIN, POLICY, Log, member_key, signed

from lodeline.engine.witnesses.evidence import (
    MAX_EVIDENCE_BYTES,
    Beginning,
    EvidenceMalformed,
    EvidenceShowsNothing,
    ForkEvidence,
    read_evidence,
)
from lodeline.kernel.ids import Hash32
from lodeline.ledger.checkpoint import CheckpointPolicy, TooFewSignatures
from lodeline.ledger.merkle import TreeSize

HONEST = Log.of(33)
LIAR = Log.of(33, fork=2)


def evidence(first: int, second: int, liar: Log = LIAR) -> ForkEvidence:
    root = liar.tree.root(TreeSize(first))
    path = liar.prove_consistency(TreeSize(first), TreeSize(second)).path
    return ForkEvidence.of(POLICY, HONEST.note(first), liar.note(second), Beginning(root, path))


@given(st.integers(3, 33).flatmap(lambda end: st.tuples(st.integers(3, end), st.just(end))))
def test_a_fork_is_shown_at_any_two_sizes(sizes: tuple[int, int]) -> None:
    found = read_evidence(evidence(*sizes).encode())
    assert found == evidence(*sizes)
    fork = found.verify(POLICY)
    assert (fork.kind, fork.first.size, fork.second.size) == ("entries", *sizes)
    assert found.verify() == fork


@given(st.integers(1, 33).flatmap(lambda end: st.tuples(st.integers(1, end), st.just(end))))
def test_an_honest_log_cannot_be_accused(sizes: tuple[int, int]) -> None:
    with pytest.raises(EvidenceShowsNothing) as refused:
        evidence(*sizes, liar=HONEST).verify(POLICY)
    assert refused.value.refusal == "checkpoints-agree"


@given(st.binary(min_size=32, max_size=32), st.integers(1, 16))
def test_an_accuser_cannot_invent_another_beginning(root: bytes, size: int) -> None:
    path = HONEST.prove_consistency(TreeSize(size), TreeSize(33)).path
    made_up = Beginning(Hash32(root), path)
    accusation = ForkEvidence.of(POLICY, HONEST.note(size), HONEST.note(33), made_up)
    with pytest.raises(EvidenceShowsNothing) as refused:
        accusation.verify(POLICY)
    assert refused.value.refusal in {"merkle-wrong-old-root", "merkle-wrong-new-root"}


def test_an_accuser_who_signs_with_keys_of_his_own() -> None:
    """The evidence names the accuser's keys as the log's; the reader knows better."""
    own = CheckpointPolicy(ORIGIN, (member_key("x"), member_key("y")), 1)
    shown = Beginning(LIAR.at(9).root)
    forged = ForkEvidence.of(own, signed(HONEST.at(9), "x"), signed(LIAR.at(9), "x"), shown)
    assert forged.verify().kind == "entries"
    with pytest.raises(TooFewSignatures):
        forged.verify(POLICY)


def test_signers_of_one_side_only_are_not_named() -> None:
    shown = Beginning(LIAR.at(9).root)
    found = ForkEvidence.of(POLICY, signed(HONEST.at(9), "ab"), signed(LIAR.at(9), "bc"), shown)
    assert found.verify(POLICY).signed_both == (member_key("b").name,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"format":"other"}',
        b" " * (MAX_EVIDENCE_BYTES + 1),
    ],
)
def test_something_else_is_no_evidence(data: bytes) -> None:
    with pytest.raises(EvidenceMalformed):
        read_evidence(data)


def test_a_hash_that_is_none_is_malformed() -> None:
    for name, value in (("beginning", "AAAA"), ("path", ("x",))):
        bent = msgspec.structs.replace(evidence(5, 9), **{name: value})
        with pytest.raises(EvidenceMalformed):
            bent.verify(POLICY)
